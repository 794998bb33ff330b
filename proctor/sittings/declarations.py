"""Who studies a course in the format 0/0/100: declared before its period, final exam on site.

Satbayev University, Provision on Blended Learning, 6.3 and 6.4.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.centres import on_site
from proctor.centres.tables import Cause
from proctor.clock import TIME_ZONE
from proctor.errors import Conflict, NotFound, Refused
from proctor.exams.schemes import events_in_force
from proctor.exams.tables import FINALS, AssessmentEvent, Course, Declaration, Venue
from proctor.people.tables import Account

FORMAT = "0/0/100"


class DeclaredLate(Refused):
    """The declaration came when the academic period had begun."""

    key = "error.declared_late"


class DeclaredAhead(Refused):
    """A declaration cannot come on a day that is not there yet."""

    key = "error.declared_ahead"


class NoFinal(Conflict):
    """The scheme has no final exam yet that could be sat on site."""

    key = "error.no_final"


class AlreadyDeclared(Conflict):
    """The declaration of this learner is on record."""

    key = "error.already_declared"


class NotDeclared(NotFound):
    """There is no such declaration in this course."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration that holds, whose it is and who wrote it down."""

    row: Declaration
    learner: Account
    by: str


def declare(
    tx: Session, course: Course, learner: Account, declared_on: date, by: Account, at: datetime
) -> None:
    """Put a declaration on record; the final exams of the learner are sat on site.

    Raises DeclaredLate, DeclaredAhead, AlreadyDeclared, NoFinal.
    """
    if declared_on >= course.starts_on:
        raise DeclaredLate(start=f"{course.starts_on:%d.%m.%Y}")
    if declared_on > at.astimezone(TIME_ZONE).date():
        raise DeclaredAhead
    if any(found.learner.id == learner.id for found in declared_in(tx, course.id)):
        raise AlreadyDeclared
    finals = finals_of(tx, course.id)
    if not finals:
        raise NoFinal
    row = Declaration(
        course_id=course.id, account_id=learner.id, declared_on=declared_on, by=by.id, at=at
    )
    tx.add(row)
    tx.flush()
    fact = {
        "declaration": row.id,
        "learner": learner.id,
        "declared_on": declared_on.isoformat(),
        "by": by.id,
    }
    events.append(tx, f"course:{course.id}", "format_declared", fact, at)
    moved = on_site.on_site_of(tx, course.id)
    for event in finals:
        own = moved.single.get((learner.id, event.code))
        # agreeing to be recorded would undo a sitting on site for that cause
        is_free = own is None or own.cause is Cause.CONSENT_REFUSED
        if event.venue is Venue.ONLINE and is_free:
            on_site.move(tx, course, event.code, learner.id, Cause.PLANNED, FORMAT, by, at)


def take_back(tx: Session, course: Course, row_id: str, by: Account, at: datetime) -> None:
    """End a declaration; what it sent on site is online again. Raises NotDeclared."""
    row = tx.get(Declaration, row_id)
    if row is None or row.course_id != course.id or row.withdrawn_at is not None:
        raise NotDeclared
    row.withdrawn_at = at
    fact = {"declaration": row.id, "by": by.id}
    events.append(tx, f"course:{course.id}", "format_declaration_ended", fact, at)
    for moved in on_site.rows_of(tx, course.id):
        if moved.account_id == row.account_id and moved.reason == FORMAT:
            on_site.withdraw(tx, moved, by, at)


def declared_in(tx: Session, course_id: str) -> list[Declared]:
    """Declarations of a course that hold, by name of the learner."""
    query = select(Declaration, Account).join(Account, Account.id == Declaration.account_id)
    query = query.where(Declaration.course_id == course_id, Declaration.withdrawn_at.is_(None))
    rows = tx.execute(query.order_by(Account.name, Account.id)).all()
    return [Declared(row, person, tx.get_one(Account, row.by).name) for row, person in rows]


def declared_learners(tx: Session, course_id: str) -> frozenset[str]:
    """Ids of the learners of a course whose declarations hold."""
    query = select(Declaration.account_id).where(
        Declaration.course_id == course_id, Declaration.withdrawn_at.is_(None)
    )
    return frozenset(tx.scalars(query))


def finals_of(tx: Session, course_id: str) -> list[AssessmentEvent]:
    """The final exams of the scheme in force."""
    return [event for event in events_in_force(tx, course_id) if event.kind in FINALS]
