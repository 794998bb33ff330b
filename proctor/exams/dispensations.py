"""Events that no longer count: cancelled for all, or excused for a learner, with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.exams import sheets
from proctor.exams.consistency import Named, repeated
from proctor.exams.intake import Effect, FileKind, Intake
from proctor.exams.sheets import Columns
from proctor.exams.tables import Dispensation
from proctor.people.tables import Account


@dataclass(frozen=True, slots=True)
class DispensationLine:
    """``learner_number`` is empty when the event is cancelled for all."""

    line: int
    course_code: str
    event_code: str
    learner_number: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dispensations:
    """Reasons by code of a cancelled event, and by (learner, code) of an excused one."""

    cancelled: dict[str, str]
    excused: dict[tuple[str, str], str]

    def has(self, event_code: str, account_id: str | None) -> bool:
        """Whether the event is cancelled, or for a learner: whether they are excused."""
        if account_id is None:
            return event_code in self.cancelled
        return (account_id, event_code) in self.excused


def dispensations_of(tx: Session, course_id: str) -> Dispensations:
    rows = tx.scalars(select(Dispensation).where(Dispensation.course_id == course_id))
    cancelled, excused = {}, {}
    for row in rows:
        if row.account_id is None:
            cancelled[row.event_code] = row.reason
        else:
            excused[row.account_id, row.event_code] = row.reason
    return Dispensations(cancelled, excused)


def _plan(tx: Session, by: Account, lines: Sequence[DispensationLine]) -> Intake:
    """Events are cancelled, learners excused; what is on record already stays as it is."""
    named = Named.read(tx, by, lines)
    wrong = repeated(
        lines,
        "learner_number",
        lambda line: (line.course_code, line.event_code, line.learner_number),
    )
    wrong += named.unknown(lines)
    if wrong:
        return Intake(wrong)
    there = {code: dispensations_of(tx, course.id) for code, course in named.courses.items()}
    learners = {key: learner.id for key, learner in named.learners.items()}
    effects = {}
    for line in lines:
        account_id = learners.get((line.course_code, line.learner_number))
        is_known = there[line.course_code].has(line.event_code, account_id)
        effects[line.line] = Effect.UNCHANGED if is_known else Effect.ADDED

    def write(at: datetime) -> None:
        tx.add_all(
            Dispensation(
                course_id=named.courses[line.course_code].id,
                event_code=line.event_code,
                account_id=learners.get((line.course_code, line.learner_number)),
                reason=line.reason,
                by=by.id,
                at=at,
            )
            for line in lines
            if effects[line.line] is Effect.ADDED
        )

    return Intake(effects=effects, write=write)


DISPENSATION_COLUMNS: Columns = {
    "course_code": sheets.text_of(64),
    "event_code": sheets.text_of(64),
    "learner_number": sheets.optional(sheets.text_of(64)),
    "reason": sheets.text_of(300),
}
DISPENSATIONS = FileKind("dispensations", DISPENSATION_COLUMNS, DispensationLine, _plan)
