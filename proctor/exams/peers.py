"""Who checked whose work where students check one another (KazNU 2.22).

The work is verified by the identity of its author alone; whether those who checked it were
identified is a fact beside it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.exams import sheets
from proctor.exams.consistency import Named, repeated
from proctor.exams.intake import Effect, FileKind, Intake
from proctor.exams.sheets import Columns, refusal
from proctor.exams.tables import PeerCheck
from proctor.people.tables import Account


@dataclass(frozen=True, slots=True)
class PeerLine:
    """``checked_in``: code of the event in which the checking was done, empty for none."""

    line: int
    course_code: str
    event_code: str
    author_number: str
    checker_number: str
    checked_in: str


def peer_checks_of(tx: Session, course_id: str) -> dict[str, list[PeerCheck]]:
    """Checks of the works of a course, by id of the author."""
    found: defaultdict[str, list[PeerCheck]] = defaultdict(list)
    for row in tx.scalars(select(PeerCheck).where(PeerCheck.course_id == course_id)):
        found[row.author_id].append(row)
    return dict(found)


def _plan(tx: Session, by: Account, lines: Sequence[PeerLine]) -> Intake:
    """Checks are added; one that is on record stays as it is."""
    named = Named.read(tx, by, lines)
    wrong = repeated(
        lines,
        "checker_number",
        lambda line: (line.course_code, line.event_code, line.author_number, line.checker_number),
    )
    wrong += named.unknown(lines, ("event_code", "checked_in"), ("author_number", "checker_number"))
    wrong += [
        refusal(line.line, "checker_number", "own_work", line.checker_number)
        for line in lines
        if line.course_code in named.courses and line.author_number == line.checker_number
    ]
    if wrong:
        return Intake(wrong)
    there = {
        (code, row.event_code, row.author_id, row.checker_id)
        for code, course in named.courses.items()
        for rows in peer_checks_of(tx, course.id).values()
        for row in rows
    }
    rows = {
        line.line: PeerCheck(
            course_id=named.courses[line.course_code].id,
            event_code=line.event_code,
            author_id=named.learners[line.course_code, line.author_number].id,
            checker_id=named.learners[line.course_code, line.checker_number].id,
            checked_in=line.checked_in or None,
        )
        for line in lines
    }
    effects = {}
    for line in lines:
        row = rows[line.line]
        key = (line.course_code, row.event_code, row.author_id, row.checker_id)
        effects[line.line] = Effect.UNCHANGED if key in there else Effect.ADDED

    def write(_: datetime) -> None:
        tx.add_all(row for number, row in rows.items() if effects[number] is Effect.ADDED)

    return Intake(effects=effects, write=write)


PEER_COLUMNS: Columns = {
    "course_code": sheets.text_of(64),
    "event_code": sheets.text_of(64),
    "author_number": sheets.text_of(64),
    "checker_number": sheets.text_of(64),
    "checked_in": sheets.optional(sheets.text_of(64)),
}
PEERS = FileKind("peers", PEER_COLUMNS, PeerLine, _plan)
