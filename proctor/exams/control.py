"""What teachers report of control events held elsewhere: a file becomes results."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.exams import consistency, sheets
from proctor.exams.intake import Effect, FileKind, Intake
from proctor.exams.roster import learners_of
from proctor.exams.schemes import courses_by_code, events_in_force
from proctor.exams.sheets import Columns, refusal
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
    courses = courses_by_code(tx, by.institution_id)
    wrong = consistency.unknown_courses(lines, courses)
    wrong += consistency.repeated(
        lines,
        "learner_number",
        lambda line: (line.course_code, line.event_code, line.learner_number),
    )
    known: set[tuple[str, str]] = set()
    learners: dict[tuple[str, str | None], str] = {}
    there: dict[tuple[str, str, str], ControlOutcome] = {}
    for code in {line.course_code for line in lines} & courses.keys():
        course = courses[code]
        known |= {(code, event.code) for event in events_in_force(tx, course.id)}
        learners |= {(code, p.learner_number): p.id for p in learners_of(tx, course.id)}
        there |= {(code, *key): found for key, found in control_of(tx, course.id).items()}
    for line in lines:
        if line.course_code not in courses:
            continue
        if (line.course_code, line.event_code) not in known:
            wrong.append(refusal(line.line, "event_code", "unknown_event", line.event_code))
        if (line.course_code, line.learner_number) not in learners:
            number = line.learner_number
            wrong.append(refusal(line.line, "learner_number", "not_on_roster", number))
    if wrong:
        return Intake(wrong)
    effects = {}
    for line in lines:
        learner = learners[line.course_code, line.learner_number]
        before = there.get((line.course_code, learner, line.event_code))
        effects[line.line] = (
            Effect.ADDED
            if before is None
            else Effect.UNCHANGED
            if before is line.outcome
            else Effect.CHANGED
        )

    def write(_: datetime) -> None:
        for line in lines:
            if effects[line.line] is not Effect.UNCHANGED:
                row = ControlResult(
                    course_id=courses[line.course_code].id,
                    event_code=line.event_code,
                    account_id=learners[line.course_code, line.learner_number],
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
