"""Events that no longer count: cancelled for all, or excused for a learner, with a reason."""

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
    courses = courses_by_code(tx, by.institution_id)
    wrong = consistency.unknown_courses(lines, courses)
    wrong += consistency.repeated(
        lines,
        "learner_number",
        lambda line: (line.course_code, line.event_code, line.learner_number),
    )
    learners: dict[tuple[str, str], str] = {}
    there: dict[str, Dispensations] = {}
    for code in {line.course_code for line in lines} & courses.keys():
        there[code] = dispensations_of(tx, courses[code].id)
        codes = {event.code for event in events_in_force(tx, courses[code].id)}
        for person in learners_of(tx, courses[code].id):
            if person.learner_number:
                learners[code, person.learner_number] = person.id
        of_course = [line for line in lines if line.course_code == code]
        wrong += [error for line in of_course for error in _errors(line, codes, learners)]
    if wrong:
        return Intake(wrong)
    effects = {}
    for line in lines:
        account_id = learners.get((line.course_code, line.learner_number))
        is_known = there[line.course_code].has(line.event_code, account_id)
        effects[line.line] = Effect.UNCHANGED if is_known else Effect.ADDED

    def write(at: datetime) -> None:
        tx.add_all(
            Dispensation(
                course_id=courses[line.course_code].id,
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


def _errors(
    line: DispensationLine, codes: set[str], learners: dict[tuple[str, str], str]
) -> list[RowError]:
    found = []
    if line.event_code not in codes:
        found.append(refusal(line.line, "event_code", "unknown_event", line.event_code))
    number = line.learner_number
    if number and (line.course_code, number) not in learners:
        found.append(refusal(line.line, "learner_number", "not_on_roster", number))
    return found


def _or_empty(cell: str) -> str:
    return sheets.text_of(64)(cell) if cell else ""


DISPENSATION_COLUMNS: Columns = {
    "course_code": sheets.text_of(64),
    "event_code": sheets.text_of(64),
    "learner_number": _or_empty,
    "reason": sheets.text_of(300),
}
DISPENSATIONS = FileKind("dispensations", DISPENSATION_COLUMNS, DispensationLine, _plan)
