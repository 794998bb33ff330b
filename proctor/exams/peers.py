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

from proctor.exams import consistency, sheets
from proctor.exams.intake import Effect, FileKind, Intake
from proctor.exams.roster import learners_of
from proctor.exams.schemes import courses_by_code, events_in_force
from proctor.exams.sheets import Columns, RowError, refusal
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
    courses = courses_by_code(tx, by.institution_id)
    wrong = consistency.unknown_courses(lines, courses)
    wrong += consistency.repeated(
        lines,
        "checker_number",
        lambda line: (line.course_code, line.event_code, line.author_number, line.checker_number),
    )
    codes: set[tuple[str, str]] = set()
    learners: dict[tuple[str, str | None], str] = {}
    there: set[tuple[str, ...]] = set()
    for code in {line.course_code for line in lines} & courses.keys():
        course_id = courses[code].id
        codes |= {(code, event.code) for event in events_in_force(tx, course_id)}
        learners |= {(code, each.learner_number): each.id for each in learners_of(tx, course_id)}
        there |= {
            (code, row.event_code, row.author_id, row.checker_id)
            for rows in peer_checks_of(tx, course_id).values()
            for row in rows
        }
    for line in lines:
        if line.course_code in courses:
            wrong += _errors(line, codes, learners)
    if wrong:
        return Intake(wrong)
    rows = {
        line.line: PeerCheck(
            course_id=courses[line.course_code].id,
            event_code=line.event_code,
            author_id=learners[line.course_code, line.author_number],
            checker_id=learners[line.course_code, line.checker_number],
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


def _errors(
    line: PeerLine, codes: set[tuple[str, str]], learners: dict[tuple[str, str | None], str]
) -> list[RowError]:
    found = []
    for column in ("event_code", "checked_in"):
        code = getattr(line, column)
        if code and (line.course_code, code) not in codes:
            found.append(refusal(line.line, column, "unknown_event", code))
    for column in ("author_number", "checker_number"):
        number = getattr(line, column)
        if (line.course_code, number) not in learners:
            found.append(refusal(line.line, column, "not_on_roster", number))
    if line.author_number == line.checker_number:
        found.append(refusal(line.line, "checker_number", "own_work", line.checker_number))
    return found


def _or_empty(cell: str) -> str:
    return sheets.text_of(64)(cell) if cell else ""


PEER_COLUMNS: Columns = {
    "course_code": sheets.text_of(64),
    "event_code": sheets.text_of(64),
    "author_number": sheets.text_of(64),
    "checker_number": sheets.text_of(64),
    "checked_in": _or_empty,
}
PEERS = FileKind("peers", PEER_COLUMNS, PeerLine, _plan)
