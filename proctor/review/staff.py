"""Who of a course's staff is told what waits for a person."""

from collections.abc import Container
from datetime import datetime

from sqlalchemy import Exists, exists, select
from sqlalchemy.orm import Session

from proctor.exams.schemes import course_of
from proctor.exams.tables import AssessmentEvent, CourseStaff, StaffRole
from proctor.people.notices import About, NoticeKind, tell
from proctor.people.tables import Account
from proctor.sittings.tables import Sitting


def staff_who(tx: Session, course_id: str, *roles: StaffRole) -> list[Account]:
    """Whoever has one of *roles* on a course and does not teach it."""

    def has(*wanted: StaffRole) -> Exists:
        return exists().where(
            CourseStaff.course_id == course_id,
            CourseStaff.account_id == Account.id,
            CourseStaff.role.in_(wanted),
        )

    query = select(Account).where(Account.is_active, has(*roles), ~has(StaffRole.TEACHER))
    return list(tx.scalars(query.order_by(Account.id)))


def tell_others(
    tx: Session, kind: NoticeKind, sitting: Sitting, but: Container[str], at: datetime
) -> None:
    """Tell all who may review a sitting, except those in *but*, that it waits for them."""
    event = tx.get_one(AssessmentEvent, sitting.event_id)
    course = course_of(tx, event)
    for person in staff_who(tx, course.id, StaffRole.PROCTOR, StaffRole.REVIEWER):
        if person.id not in but and person.id != sitting.account_id:
            tell(tx, kind, About(person.id, sitting.id, event.title), at)
