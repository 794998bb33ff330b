"""Files of test centres become registry entries and protocols."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from proctor.centres.tables import Centre, Document, Protocol, ProtocolEntry
from proctor.exams import sheets
from proctor.exams.consistency import Named, repeated
from proctor.exams.intake import Effect, FileKind, Intake, effect_of
from proctor.exams.sheets import CellRefused, Columns, RowError, refusal
from proctor.people.tables import Account
from proctor.plumbing.db import new_id


@dataclass(frozen=True, slots=True)
class CentreLine:
    line: int
    code: str
    name: str
    region: str
    workplaces: tuple[str, ...]
    invigilators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProtocolLine:
    """One learner of one protocol; the facts of the protocol stand in each of its lines."""

    line: int
    centre_code: str
    protocol: str
    course_code: str
    event_code: str
    held_at: datetime
    invigilator: str
    signed_on: date | None
    learner_number: str
    attended: bool
    workplace: str | None
    identity_document: Document | None
    conditions_controlled: bool

    @property
    def key(self) -> tuple[str, str]:
        return self.centre_code, self.protocol

    @property
    def head(self) -> tuple[object, ...]:
        """What all lines of one protocol have to say alike."""
        event = (self.course_code, self.event_code)
        return (*event, self.held_at, self.invigilator, self.signed_on)


def _plan_centres(tx: Session, by: Account, lines: Sequence[CentreLine]) -> Intake:
    """New centres are added, known ones (same code) brought to what the file says."""
    wrong = repeated(lines, "code", lambda line: line.code)
    if wrong:
        return Intake(wrong)
    known = _centres(tx, by)
    there = {code: _facts(centre) for code, centre in known.items()}
    effects = {line.line: effect_of(there.get(line.code), _facts(line)) for line in lines}

    def write(_: datetime) -> None:
        for line in lines:
            centre = known.get(line.code)
            if centre is None:
                centre = Centre(institution_id=by.institution_id, code=line.code)
                tx.add(centre)
            centre.name, centre.region = line.name, line.region
            centre.workplaces, centre.invigilators = list(line.workplaces), list(line.invigilators)

    return Intake(effects=effects, write=write)


def _plan_protocols(tx: Session, by: Account, lines: Sequence[ProtocolLine]) -> Intake:
    """Protocols of sittings at centres are taken in.

    One that waits for its signature may be sent again; a signed one never changes, a
    correction has a number of its own.
    """
    known = _Known(_centres(tx, by), Named.read(tx, by, lines))
    wrong = repeated(lines, "learner_number", lambda line: (*line.key, line.learner_number))
    wrong += known.named.unknown(lines) + _contradictions(lines)
    wrong += [error for line in lines for error in known.errors(line)]
    if wrong:
        return Intake(wrong)
    protocols: dict[tuple[str, str], list[ProtocolLine]] = defaultdict(list)
    for line in lines:
        protocols[line.key].append(line)
    effects = {}
    for said in protocols.values():
        first = said[0]
        effects[first.line] = effect = known.effect(tx, said)
        if effect is Effect.CHANGED and known.is_signed(tx, said):
            wrong.append(refusal(first.line, "protocol", "protocol_signed", first.protocol))
    if wrong:
        return Intake(wrong)

    def write(_: datetime) -> None:
        for said in protocols.values():
            if effects[said[0].line] is not Effect.UNCHANGED:
                known.write(tx, said)

    return Intake(effects=effects, write=write)


@dataclass(frozen=True, slots=True)
class _Known:
    """What a protocol may name: centres, and what else lines name."""

    centres: Mapping[str, Centre]
    named: Named

    def errors(self, line: ProtocolLine) -> list[RowError]:
        found = []
        centre = self.centres.get(line.centre_code)
        if centre is None:
            found.append(("centre_code", "unknown_centre", line.centre_code))
        else:
            if line.invigilator not in centre.invigilators:
                found.append(("invigilator", "unknown_invigilator", line.invigilator))
            if line.workplace is not None and line.workplace not in centre.workplaces:
                found.append(("workplace", "unknown_workplace", line.workplace))
        if line.signed_on is not None and line.signed_on < line.held_at.date():
            found.append(("signed_on", "signed_before", line.signed_on.isoformat()))
        if not line.attended and (line.identity_document or line.conditions_controlled):
            found.append(("attended", "absent_but_checked", "no"))
        return [refusal(line.line, *each) for each in found]

    def protocol(self, tx: Session, lines: Sequence[ProtocolLine]) -> Protocol | None:
        centre = self.centres[lines[0].centre_code]
        query = select(Protocol).where(
            Protocol.centre_id == centre.id, Protocol.number == lines[0].protocol
        )
        return tx.scalars(query).one_or_none()

    def is_signed(self, tx: Session, lines: Sequence[ProtocolLine]) -> bool:
        row = self.protocol(tx, lines)
        return row is not None and row.signed_on is not None

    def effect(self, tx: Session, lines: Sequence[ProtocolLine]) -> Effect:
        row = self.protocol(tx, lines)
        if row is None:
            return Effect.ADDED
        first = lines[0]
        event = self.named.events[first.course_code, first.event_code].id
        query = select(ProtocolEntry).where(ProtocolEntry.protocol_id == row.id)
        known = (row.event_id, row.held_at, row.invigilator, row.signed_on)
        said = (event, first.held_at, first.invigilator, first.signed_on)
        return effect_of(
            (known, {_entry_facts(each) for each in tx.scalars(query)}),
            (said, {_entry_facts(each) for each in self._entries(row.id, lines)}),
        )

    def write(self, tx: Session, lines: Sequence[ProtocolLine]) -> None:
        first = lines[0]
        row = self.protocol(tx, lines)
        if row is None:
            centre = self.centres[first.centre_code]
            row = Protocol(id=new_id(), centre_id=centre.id, number=first.protocol)
            tx.add(row)
        row.event_id = self.named.events[first.course_code, first.event_code].id
        row.held_at, row.invigilator = first.held_at, first.invigilator
        row.signed_on = first.signed_on
        tx.flush()
        tx.execute(delete(ProtocolEntry).where(ProtocolEntry.protocol_id == row.id))
        tx.add_all(self._entries(row.id, lines))

    def _entries(self, protocol_id: str, lines: Sequence[ProtocolLine]) -> list[ProtocolEntry]:
        return [
            ProtocolEntry(
                protocol_id=protocol_id,
                account_id=self.named.learners[line.course_code, line.learner_number].id,
                attended=line.attended,
                workplace=line.workplace,
                document=line.identity_document,
                conditions=line.conditions_controlled,
            )
            for line in lines
        ]


def _entry_facts(entry: ProtocolEntry) -> tuple[object, ...]:
    who = (entry.account_id, entry.attended, entry.workplace)
    return (*who, entry.document, entry.conditions)


def _contradictions(lines: Sequence[ProtocolLine]) -> list[RowError]:
    first: dict[tuple[str, str], ProtocolLine] = {}
    return [
        refusal(line.line, "protocol", "contradicts", str(first[line.key].line))
        for line in lines
        if first.setdefault(line.key, line).head != line.head
    ]


def _centres(tx: Session, by: Account) -> dict[str, Centre]:
    found = tx.scalars(select(Centre).where(Centre.institution_id == by.institution_id))
    return {centre.code: centre for centre in found}


def _facts(centre: Centre | CentreLine) -> tuple[object, ...]:
    lists = tuple(centre.workplaces), tuple(centre.invigilators)
    return (centre.name, centre.region, *lists)


def _names(cell: str) -> tuple[str, ...]:
    """Names joined by ``|``."""
    names = tuple(name.strip() for name in sheets.text_of(4000)(cell).split("|"))
    if not all(names) or len(set(names)) != len(names):
        raise CellRefused("not_a_list")
    return names


def _yes(cell: str) -> bool:
    known = {"yes": True, "no": False}
    if cell.lower() not in known:
        raise CellRefused("not_yes_or_no" if cell else "missing")
    return known[cell.lower()]


_CODE = sheets.text_of(64)
CENTRE_COLUMNS: Columns = {
    "code": _CODE,
    "name": sheets.text_of(300),
    "region": sheets.text_of(200),
    "workplaces": _names,
    "invigilators": _names,
}
PROTOCOL_COLUMNS: Columns = {
    "centre_code": _CODE,
    "protocol": _CODE,
    "course_code": _CODE,
    "event_code": _CODE,
    "held_at": sheets.instant,
    "invigilator": sheets.text_of(200),
    "signed_on": sheets.optional(sheets.day, None),
    "learner_number": _CODE,
    "attended": _yes,
    "workplace": sheets.optional(_CODE, None),
    "identity_document": sheets.optional(sheets.one_of(Document), None),
    "conditions_controlled": _yes,
}
CENTRES = FileKind("centres", CENTRE_COLUMNS, CentreLine, _plan_centres)
PROTOCOLS = FileKind(
    "protocols", PROTOCOL_COLUMNS, ProtocolLine, _plan_protocols, ("centre_code", "protocol")
)
