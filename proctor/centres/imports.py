"""Files of test centres become registry entries and protocols."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from proctor.centres.tables import Centre, Document, Protocol, ProtocolEntry
from proctor.exams import consistency, sheets
from proctor.exams.intake import Effect, FileKind, Intake
from proctor.exams.roster import learners_of
from proctor.exams.schemes import events_in_force
from proctor.exams.sheets import CellRefused, Columns, RowError, refusal
from proctor.exams.tables import AssessmentEvent, Course
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
    wrong = consistency.repeated(lines, "code", lambda line: line.code)
    if wrong:
        return Intake(wrong)
    known = _centres(tx, by)
    effects = {}
    for line in lines:
        centre = known.get(line.code)
        if centre is None:
            effects[line.line] = Effect.ADDED
        else:
            same = _facts(centre) == _facts(line)
            effects[line.line] = Effect.UNCHANGED if same else Effect.CHANGED

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
    known = _Known.read(tx, by, {line.course_code for line in lines})
    wrong = consistency.unknown_courses(lines, known.courses)
    wrong += consistency.repeated(
        lines, "learner_number", lambda line: (*line.key, line.learner_number)
    )
    wrong += _contradictions(lines)
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
    """What a protocol may name: centres, courses, their events and learners."""

    centres: Mapping[str, Centre]
    courses: Mapping[str, Course]
    events: Mapping[tuple[str, str], AssessmentEvent]
    learners: Mapping[tuple[str, str | None], Account]

    @classmethod
    def read(cls, tx: Session, by: Account, codes: Collection[str]) -> "_Known":
        query = select(Course).where(
            Course.institution_id == by.institution_id, Course.code.in_(codes)
        )
        courses = {course.code: course for course in tx.scalars(query)}
        return cls(
            _centres(tx, by),
            courses,
            {(c.code, e.code): e for c in courses.values() for e in events_in_force(tx, c.id)},
            {
                (c.code, learner.learner_number): learner
                for c in courses.values()
                for learner in learners_of(tx, c.id)
            },
        )

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
        if line.course_code in self.courses:
            if (line.course_code, line.event_code) not in self.events:
                found.append(("event_code", "unknown_event", line.event_code))
            if (line.course_code, line.learner_number) not in self.learners:
                found.append(("learner_number", "not_on_roster", line.learner_number))
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
        if self.protocol(tx, lines) is None:
            return Effect.ADDED
        return Effect.UNCHANGED if self.is_same(tx, lines) else Effect.CHANGED

    def is_same(self, tx: Session, lines: Sequence[ProtocolLine]) -> bool:
        """Whether the protocol on record says what *lines* say."""
        row = self.protocol(tx, lines)
        if row is None:
            return False
        first = lines[0]
        head = (row.event_id, row.held_at, row.invigilator, row.signed_on)
        event = self.events[first.course_code, first.event_code].id
        if head != (event, first.held_at, first.invigilator, first.signed_on):
            return False
        query = select(ProtocolEntry).where(ProtocolEntry.protocol_id == row.id)
        held = {_entry_facts(entry) for entry in tx.scalars(query)}
        return held == {_entry_facts(entry) for entry in self._entries(row.id, lines)}

    def write(self, tx: Session, lines: Sequence[ProtocolLine]) -> None:
        first = lines[0]
        row = self.protocol(tx, lines)
        if row is None:
            centre = self.centres[first.centre_code]
            row = Protocol(id=new_id(), centre_id=centre.id, number=first.protocol)
            tx.add(row)
        row.event_id = self.events[first.course_code, first.event_code].id
        row.held_at, row.invigilator = first.held_at, first.invigilator
        row.signed_on = first.signed_on
        tx.flush()
        tx.execute(delete(ProtocolEntry).where(ProtocolEntry.protocol_id == row.id))
        tx.add_all(self._entries(row.id, lines))

    def _entries(self, protocol_id: str, lines: Sequence[ProtocolLine]) -> list[ProtocolEntry]:
        return [
            ProtocolEntry(
                protocol_id=protocol_id,
                account_id=self.learners[line.course_code, line.learner_number].id,
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


def _or_none(read: Callable[[str], object]) -> Callable[[str], object]:
    return lambda cell: read(cell) if cell else None


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
    "signed_on": _or_none(sheets.day),
    "learner_number": _CODE,
    "attended": _yes,
    "workplace": _or_none(_CODE),
    "identity_document": _or_none(sheets.one_of(Document)),
    "conditions_controlled": _yes,
}
CENTRES = FileKind("centres", CENTRE_COLUMNS, CentreLine, _plan_centres)
PROTOCOLS = FileKind(
    "protocols", PROTOCOL_COLUMNS, ProtocolLine, _plan_protocols, ("centre_code", "protocol")
)
