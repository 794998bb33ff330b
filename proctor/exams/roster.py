"""Who is on a course: learners and assigned staff, and whose references a person may confirm."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proctor.errors import NotFound
from proctor.exams.schemes import visible_courses
from proctor.exams.tables import Course, CourseStaff, RosterEntry, StaffRole
from proctor.people.tables import Account


class LearnerNotFound(NotFound):
    """There is no learner with this number on the course."""

    key = "error.learner_not_found"


@dataclass(frozen=True, slots=True)
class Listed:
    """A learner as a roster prints them."""

    id: str
    name: str
    learner_number: str | None


@dataclass(frozen=True, slots=True)
class Assigned:
    """A person and what they do on a course."""

    account: Account
    role: StaffRole


def learners_of(
    tx: Session, course_id: str, *, skip: int = 0, most: int | None = None
) -> list[Account]:
    """Learners on the roster of a course by name, or at most *most* of them after *skip*."""
    return list(
        tx.scalars(
            select(Account)
            .join(RosterEntry, RosterEntry.account_id == Account.id)
            .where(RosterEntry.course_id == course_id)
            .order_by(Account.name, Account.email)
            .offset(skip)
            .limit(most)
        )
    )


def roster_of(tx: Session, course_id: str) -> list[Listed]:
    """Learners on the roster of a course by name, as light as a term of them asks for."""
    rows = tx.execute(
        select(Account.id, Account.name, Account.learner_number)
        .join(RosterEntry, RosterEntry.account_id == Account.id)
        .where(RosterEntry.course_id == course_id)
        .order_by(Account.name, Account.email)
    )
    return [Listed(*row) for row in rows]


def learner_by_number(tx: Session, course_id: str, number: str) -> Account:
    """The learner of a course with this number. Raises LearnerNotFound."""
    query = (
        select(Account)
        .join(RosterEntry, RosterEntry.account_id == Account.id)
        .where(RosterEntry.course_id == course_id, Account.learner_number == number)
    )
    found = tx.scalars(query).one_or_none()
    if found is None:
        raise LearnerNotFound(course=course_id)
    return found


def count_learners(tx: Session, course_id: str) -> int:
    """How many learners are on the roster of a course."""
    query = select(func.count()).where(RosterEntry.course_id == course_id)
    return tx.execute(query).scalar_one()


def staff_of(tx: Session, course_id: str) -> list[Assigned]:
    """Staff assigned to a course, by role, then name."""
    rows = tx.execute(
        select(Account, CourseStaff.role)
        .join(CourseStaff, CourseStaff.account_id == Account.id)
        .where(CourseStaff.course_id == course_id)
        .order_by(CourseStaff.role, Account.name)
    )
    return [Assigned(account, role) for account, role in rows]


def learners_seen_by(tx: Session, account: Account) -> frozenset[str]:
    """Ids of learners on any course *account* may see."""
    courses = visible_courses(account).with_only_columns(Course.id)
    return frozenset(
        tx.scalars(select(RosterEntry.account_id).where(RosterEntry.course_id.in_(courses)))
    )
