"""Courses studied elsewhere whose credits are recalculated (Order 137, items 41 to 43).

Such a learner is outside the share of the course; what the certificate of the other course says
about its own share is quoted, not counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.exams import sheets
from proctor.exams.consistency import Named, repeated
from proctor.exams.intake import Effect, FileKind, Intake, effect_of
from proctor.exams.sheets import Columns
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
    named = Named.read(tx, by, lines)
    wrong = repeated(lines, "learner_number", lambda line: (line.course_code, line.learner_number))
    wrong += named.unknown(lines, events=())
    if wrong:
        return Intake(wrong)
    there = {
        (code, account_id): (row.source, row.document, row.share or "")
        for code, course in named.courses.items()
        for account_id, row in recredits_of(tx, course.id).items()
    }
    rows = {
        line.line: Recredit(
            course_id=named.courses[line.course_code].id,
            account_id=named.learners[line.course_code, line.learner_number].id,
            source=line.source,
            document=line.document,
            share=line.share or None,
            by=by.id,
        )
        for line in lines
    }
    effects = {
        line.line: effect_of(
            there.get((line.course_code, rows[line.line].account_id)),
            (line.source, line.document, line.share),
        )
        for line in lines
    }

    def write(at: datetime) -> None:
        for number, row in rows.items():
            if effects[number] is not Effect.UNCHANGED:
                row.at = at
                tx.merge(row)

    return Intake(effects=effects, write=write)


RECREDIT_COLUMNS: Columns = {
    "course_code": sheets.text_of(64),
    "learner_number": sheets.text_of(64),
    "source": sheets.text_of(300),
    "document": sheets.text_of(200),
    "share": sheets.optional(sheets.text_of(200)),
}
RECREDITS = FileKind("recredits", RECREDIT_COLUMNS, RecreditLine, _plan)
