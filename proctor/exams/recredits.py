"""Courses studied elsewhere whose credits are recalculated (Order 137, items 41 to 43).

Such a learner is outside the share of the course; what the certificate of the other course says
about its own share is quoted, not counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.exams import consistency, sheets
from proctor.exams.intake import Effect, FileKind, Intake
from proctor.exams.roster import learners_of
from proctor.exams.schemes import courses_by_code
from proctor.exams.sheets import Columns, refusal
from proctor.exams.tables import Recredit
from proctor.people.tables import Account


@dataclass(frozen=True, slots=True)
class RecreditLine:
    """``share`` is empty when the certificate does not say it."""

    line: int
    course_code: str
    learner_number: str
    source: str
    document: str
    share: str


def recredits_of(tx: Session, course_id: str) -> dict[str, Recredit]:
    """What was recalculated instead of studied in a course, by id of the learner."""
    rows = tx.scalars(select(Recredit).where(Recredit.course_id == course_id))
    return {row.account_id: row for row in rows}


def _plan(tx: Session, by: Account, lines: Sequence[RecreditLine]) -> Intake:
    """The newest line on a course of a learner counts."""
    courses = courses_by_code(tx, by.institution_id)
    wrong = consistency.unknown_courses(lines, courses)
    wrong += consistency.repeated(
        lines, "learner_number", lambda line: (line.course_code, line.learner_number)
    )
    learners: dict[tuple[str, str | None], str] = {}
    there: dict[tuple[str, str], Recredit] = {}
    for code in {line.course_code for line in lines} & courses.keys():
        course_id = courses[code].id
        learners |= {(code, each.learner_number): each.id for each in learners_of(tx, course_id)}
        there |= {
            (code, account_id): row for account_id, row in recredits_of(tx, course_id).items()
        }
    wrong += [
        refusal(line.line, "learner_number", "not_on_roster", line.learner_number)
        for line in lines
        if line.course_code in courses and (line.course_code, line.learner_number) not in learners
    ]
    if wrong:
        return Intake(wrong)
    rows = {
        line.line: Recredit(
            course_id=courses[line.course_code].id,
            account_id=learners[line.course_code, line.learner_number],
            source=line.source,
            document=line.document,
            share=line.share or None,
            by=by.id,
        )
        for line in lines
    }
    effects = {
        line.line: _effect(there.get((line.course_code, rows[line.line].account_id)), line)
        for line in lines
    }

    def write(at: datetime) -> None:
        for number, row in rows.items():
            if effects[number] is not Effect.UNCHANGED:
                row.at = at
                tx.merge(row)

    return Intake(effects=effects, write=write)


def _effect(before: Recredit | None, line: RecreditLine) -> Effect:
    if before is None:
        return Effect.ADDED
    known = (before.source, before.document, before.share or "")
    is_same = known == (line.source, line.document, line.share)
    return Effect.UNCHANGED if is_same else Effect.CHANGED


def _or_empty(cell: str) -> str:
    return sheets.text_of(200)(cell) if cell else ""


RECREDIT_COLUMNS: Columns = {
    "course_code": sheets.text_of(64),
    "learner_number": sheets.text_of(64),
    "source": sheets.text_of(300),
    "document": sheets.text_of(200),
    "share": _or_empty,
}
RECREDITS = FileKind("recredits", RECREDIT_COLUMNS, RecreditLine, _plan)
