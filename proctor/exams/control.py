"""What teachers report of control events held elsewhere: a file becomes results."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.exams import sheets
from proctor.exams.consistency import Named, repeated
from proctor.exams.intake import Effect, FileKind, Intake, effect_of
from proctor.exams.sheets import Columns
from proctor.exams.tables import ControlOutcome, ControlResult
from proctor.people.tables import Account


@dataclass(frozen=True, slots=True)
class ControlLine:
    line: int
    course_code: str
    event_code: str
    learner_number: str
    outcome: ControlOutcome


def _plan(tx: Session, by: Account, lines: Sequence[ControlLine]) -> Intake:
    """The newest report of an event of a learner counts."""
    named = Named.read(tx, by, lines)
    wrong = repeated(
        lines,
        "learner_number",
        lambda line: (line.course_code, line.event_code, line.learner_number),
    )
    wrong += named.unknown(lines)
    if wrong:
        return Intake(wrong)
    there = {
        (code, *key): found
        for code, course in named.courses.items()
        for key, found in control_of(tx, course.id).items()
    }
    effects = {}
    for line in lines:
        learner = named.learners[line.course_code, line.learner_number]
        before = there.get((line.course_code, learner.id, line.event_code))
        effects[line.line] = effect_of(before, line.outcome)

    def write(_: datetime) -> None:
        for line in lines:
            if effects[line.line] is not Effect.UNCHANGED:
                row = ControlResult(
                    course_id=named.courses[line.course_code].id,
                    event_code=line.event_code,
                    account_id=named.learners[line.course_code, line.learner_number].id,
                    outcome=line.outcome,
                )
                tx.merge(row)

    return Intake(effects=effects, write=write)


def control_of(
    tx: Session, course_id: str, learners: Collection[str] | None = None
) -> dict[tuple[str, str], ControlOutcome]:
    """By (learner, code of the event), of some learners or of all."""
    query = select(ControlResult).where(ControlResult.course_id == course_id)
    if learners is not None:
        query = query.where(ControlResult.account_id.in_(learners))
    return {(row.account_id, row.event_code): row.outcome for row in tx.scalars(query)}


CONTROL_COLUMNS: Columns = {
    "course_code": sheets.text_of(64),
    "event_code": sheets.text_of(64),
    "learner_number": sheets.text_of(64),
    "outcome": sheets.one_of(ControlOutcome),
}
CONTROL = FileKind("control", CONTROL_COLUMNS, ControlLine, _plan)
