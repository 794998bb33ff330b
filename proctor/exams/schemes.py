"""Courses a person may see, and how each course is assessed: versions of schemes, exact weights."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy import Select, and_, false, select
from sqlalchemy.orm import Session

from proctor.errors import NotFound
from proctor.exams.tables import (
    AssessmentEvent,
    AssessmentScheme,
    Course,
    CourseStaff,
    ExamPolicy,
    Question,
    RosterEntry,
)
from proctor.people.tables import Account, Role
from proctor.plumbing.db import new_id

_WHOLE_INSTITUTION = frozenset({Role.EXAM_OFFICE, Role.ADMIN})
_ASSIGNED = frozenset({Role.TEACHER, Role.PROCTOR, Role.REVIEWER})


class CourseNotFound(NotFound):
    """There is no such course among those you may see."""

    key = "error.course_not_found"


class EventNotFound(NotFound):
    """The scheme in force has no such event."""

    key = "error.event_not_found"


@dataclass(frozen=True, slots=True)
class SchemeWarning:
    """Something about a scheme the exam office should know; it is accepted all the same.

    ``key``: catalogue key; ``value`` is filled into its sentence.
    """

    key: str
    value: str


def visible_courses(account: Account) -> Select[Course]:
    """Courses *account* may see: all of its institution for the exam office and administrators,
    those assigned for teachers, proctors and reviewers, those on whose roster they are for
    students."""
    query = select(Course).where(Course.institution_id == account.institution_id)
    if account.role in _WHOLE_INSTITUTION:
        return query
    if account.role in _ASSIGNED:
        mine = select(CourseStaff.course_id).where(CourseStaff.account_id == account.id)
        return query.where(Course.id.in_(mine))
    if account.role is Role.STUDENT:
        mine = select(RosterEntry.course_id).where(RosterEntry.account_id == account.id)
        return query.where(Course.id.in_(mine))
    return query.where(false())


def courses_for(tx: Session, account: Account) -> list[Course]:
    """Courses *account* may see, newest period first."""
    return list(tx.scalars(visible_courses(account).order_by(Course.starts_on.desc(), Course.code)))


def course_for(tx: Session, account: Account, course_id: str) -> Course:
    """The course, when *account* may see it. Raises CourseNotFound otherwise."""
    course = tx.scalars(visible_courses(account).where(Course.id == course_id)).one_or_none()
    if course is None:
        raise CourseNotFound(course=course_id)
    return course


def courses_by_code(tx: Session, institution_id: str) -> dict[str, Course]:
    """Every course of the institution by its code."""
    found = tx.scalars(select(Course).where(Course.institution_id == institution_id))
    return {course.code: course for course in found}


def course_by_code(tx: Session, institution_id: str, code: str) -> Course:
    """The course of an institution with this code. Raises CourseNotFound."""
    query = select(Course).where(Course.institution_id == institution_id, Course.code == code)
    found = tx.scalars(query).one_or_none()
    if found is None:
        raise CourseNotFound
    return found


def course_of(tx: Session, event: AssessmentEvent) -> Course:
    """The course whose scheme has *event*."""
    return tx.get_one(Course, tx.get_one(AssessmentScheme, event.scheme_id).course_id)


def newest_scheme(tx: Session, course_id: str) -> AssessmentScheme | None:
    """The scheme in force: the highest version, or None before the first one."""
    return tx.scalars(
        select(AssessmentScheme)
        .where(AssessmentScheme.course_id == course_id)
        .order_by(AssessmentScheme.version.desc())
        .limit(1)
    ).one_or_none()


def events_of(tx: Session, scheme_id: str) -> list[AssessmentEvent]:
    """Events of a scheme in the order they open."""
    return list(
        tx.scalars(
            select(AssessmentEvent)
            .where(AssessmentEvent.scheme_id == scheme_id)
            .order_by(AssessmentEvent.opens_at, AssessmentEvent.code)
        )
    )


def events_in_force(tx: Session, course_id: str) -> list[AssessmentEvent]:
    """Events of the newest scheme, [] before the first one."""
    scheme = newest_scheme(tx, course_id)
    return [] if scheme is None else events_of(tx, scheme.id)


def events_ever(course_id: str) -> Select[str]:
    """Ids of the events of every version of a course's scheme."""
    return (
        select(AssessmentEvent.id)
        .join(AssessmentScheme, AssessmentScheme.id == AssessmentEvent.scheme_id)
        .where(AssessmentScheme.course_id == course_id)
    )


def versions_of(event_id: str) -> Select[str]:
    """Ids of the same event (same course and code) in every version of the scheme.

    A sitting names the version it was held under and stays the sitting of the event.
    """
    own = (
        select(AssessmentScheme.course_id, AssessmentEvent.code)
        .join(AssessmentEvent, AssessmentEvent.scheme_id == AssessmentScheme.id)
        .where(AssessmentEvent.id == event_id)
        .subquery()
    )
    return (
        select(AssessmentEvent.id)
        .join(AssessmentScheme, AssessmentScheme.id == AssessmentEvent.scheme_id)
        .join(
            own,
            and_(
                own.c.course_id == AssessmentScheme.course_id,
                own.c.code == AssessmentEvent.code,
            ),
        )
    )


def questions_of(tx: Session, event_id: str) -> list[Question]:
    """Questions of an event in the order they are asked."""
    return list(
        tx.scalars(
            select(Question).where(Question.event_id == event_id).order_by(Question.position)
        )
    )


def newest_policy(tx: Session, institution_id: str) -> ExamPolicy | None:
    """The newest exam policy of an institution, or None when it has none of its own."""
    return tx.scalars(
        select(ExamPolicy)
        .where(ExamPolicy.institution_id == institution_id)
        .order_by(ExamPolicy.version.desc(), ExamPolicy.name)
        .limit(1)
    ).one_or_none()


def add_version(
    tx: Session, course: Course, events: Sequence[AssessmentEvent], at: datetime
) -> AssessmentScheme:
    """Make *events* the next version of a course's scheme.

    Questions and policy of an event that keeps its code move on with it; an event without a
    policy gets the newest one of the institution.
    """
    old = newest_scheme(tx, course.id)
    before = {event.code: event for event in events_of(tx, old.id)} if old else {}
    scheme = AssessmentScheme(
        id=new_id(), course_id=course.id, version=old.version + 1 if old else 1, created_at=at
    )
    tx.add(scheme)
    policy = newest_policy(tx, course.institution_id)
    for event in events:
        event.id, event.scheme_id = new_id(), scheme.id
        kept = before.get(event.code)
        event.policy_id = kept.policy_id if kept else None
        if event.policy_id is None and policy:
            event.policy_id = policy.id
        tx.add(event)
        if kept:
            tx.add_all(_asked_again(tx, kept.id, event.id))
    tx.flush()
    return scheme


def _asked_again(tx: Session, old_id: str, event_id: str) -> list[Question]:
    return [
        Question(
            event_id=event_id,
            position=question.position,
            kind=question.kind,
            prompt=question.prompt,
            options=question.options,
        )
        for question in questions_of(tx, old_id)
    ]


def weight_of(event: AssessmentEvent) -> Fraction:
    """Weight of *event*, exact."""
    return Fraction(event.weight)


def warnings_of(events: Iterable[AssessmentEvent]) -> tuple[SchemeWarning, ...]:
    """What the exam office should know about a scheme: weights that do not make 100, and
    identity-planned events under one hundredth of the final assessment."""
    rows: Sequence[AssessmentEvent] = list(events)
    total = sum((weight_of(event) for event in rows), Fraction(0))
    warnings = []
    if total != 100:
        warnings.append(SchemeWarning("office.warning.weights", plain_number(total)))
    warnings += [
        SchemeWarning("office.warning.small_event", event.code)
        for event in rows
        if event.identity_plan and 0 < 100 * weight_of(event) < total
    ]
    return tuple(warnings)


def plain_number(number: Fraction) -> str:
    """A weight or a sum of weights (six decimals at most) without needless zeros: 12.5, 40."""
    return f"{float(number):.6f}".rstrip("0").rstrip(".")
