"""Events that no longer count: cancelled for all, or excused for a learner, with a reason."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.exams import consistency, sheets
from proctor.exams.imports import Imported, recorded
from proctor.exams.roster import learners_of
from proctor.exams.schemes import events_in_force
from proctor.exams.sheets import Columns, RowError, read_sheet, refusal
from proctor.exams.tables import Course, Dispensation
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


def dispensations_of(tx: Session, course_id: str) -> Dispensations:
    rows = tx.scalars(select(Dispensation).where(Dispensation.course_id == course_id))
    cancelled, excused = {}, {}
    for row in rows:
        if row.account_id is None:
            cancelled[row.event_code] = row.reason
        else:
            excused[row.account_id, row.event_code] = row.reason
    return Dispensations(cancelled, excused)


def import_dispensations(tx: Session, by: Account, data: bytes, at: datetime) -> Imported:
    """Cancel events and excuse learners; what is on record already stays as it is.

    Raises ImportRefused.
    """
    sheet = read_sheet(data, DISPENSATION_COLUMNS, DispensationLine)
    query = select(Course).where(Course.institution_id == by.institution_id)
    courses = {course.code: course for course in tx.scalars(query)}
    wrong = consistency.unknown_courses(sheet.lines, courses)
    wrong += consistency.repeated(
        sheet.lines,
        "learner_number",
        lambda line: (line.course_code, line.event_code, line.learner_number),
    )
    learners: dict[tuple[str, str], str] = {}
    known = {line.course_code for line in sheet.lines} & courses.keys()
    for code in known:
        codes = {event.code for event in events_in_force(tx, courses[code].id)}
        for person in learners_of(tx, courses[code].id):
            if person.learner_number:
                learners[code, person.learner_number] = person.id
        lines = [line for line in sheet.lines if line.course_code == code]
        wrong += [error for line in lines for error in _errors(line, codes, learners)]
    consistency.refuse_any(sheet, wrong)
    added = 0
    for line in sheet.lines:
        course = courses[line.course_code]
        there = dispensations_of(tx, course.id)
        account_id = learners.get((line.course_code, line.learner_number))
        if account_id is None and line.event_code in there.cancelled:
            continue
        if account_id is not None and (account_id, line.event_code) in there.excused:
            continue
        tx.add(
            Dispensation(
                course_id=course.id,
                event_code=line.event_code,
                account_id=account_id,
                reason=line.reason,
                by=by.id,
                at=at,
            )
        )
        tx.flush()
        added += 1
    imported = Imported(added, 0, len(sheet.lines) - added)
    return recorded(tx, by, "dispensations", data, at, imported)


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
