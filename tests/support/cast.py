"""Who appears in the tests.

Alice and Bob sit the exam; Charlie is a student elsewhere and may see nothing; Paula proctors
it; Quentin proctors another; Rita and Rustam review; Tom teaches it; Olga is the exam office.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from proctor.exams.tables import (
    AssessmentEvent,
    AssessmentScheme,
    Course,
    CourseKind,
    CourseStaff,
    EventKind,
    Mode,
    Question,
    QuestionKind,
    RosterEntry,
    StaffRole,
    Venue,
)
from proctor.people import accounts
from proctor.people.tables import Account, Institution, Role

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Cast:
    institution: Institution
    alice: Account
    bob: Account
    charlie: Account
    paula: Account
    quentin: Account
    rita: Account
    rustam: Account
    tom: Account
    olga: Account
    course: Course
    other_course: Course
    final: AssessmentEvent
    essay: Question

    @property
    def people(self) -> dict[str, Account]:
        return {name: value for name, value in vars(self).items() if isinstance(value, Account)}


def assemble(tx: Session, now: datetime = NOON) -> Cast:
    """The cast on two courses; the final of the first is open at *now*."""
    institution = accounts.ensure_institution(tx, "Test University")

    def person(name: str, role: Role) -> Account:
        email = f"{name}@example.org"
        return accounts.add(tx, institution.id, email, name.title(), role, locale="en")

    people = {
        "alice": person("alice", Role.STUDENT),
        "bob": person("bob", Role.STUDENT),
        "charlie": person("charlie", Role.STUDENT),
        "paula": person("paula", Role.PROCTOR),
        "quentin": person("quentin", Role.PROCTOR),
        "rita": person("rita", Role.REVIEWER),
        "rustam": person("rustam", Role.REVIEWER),
        "tom": person("tom", Role.TEACHER),
        "olga": person("olga", Role.EXAM_OFFICE),
    }
    course, scheme = _course(tx, institution.id, "MOOC-1", now)
    other, _ = _course(tx, institution.id, "MOOC-2", now)
    final = AssessmentEvent(
        scheme_id=scheme.id,
        code="final",
        title="Final",
        kind=EventKind.MOOC_FINAL,
        weight=Decimal(40),
        mode=Mode.SYNC,
        venue=Venue.ONLINE,
        opens_at=now - timedelta(hours=1),
        closes_at=now + timedelta(hours=3),
        duration_s=3600,
        identity_plan=["proctoring", "biometrics"],
    )
    tx.add(final)
    tx.flush()
    essay = Question(
        event_id=final.id, position=1, kind=QuestionKind.ESSAY, prompt="Write.", options=[]
    )
    tx.add(essay)
    for name in ("alice", "bob"):
        tx.add(RosterEntry(course_id=course.id, account_id=people[name].id))
    tx.add(RosterEntry(course_id=other.id, account_id=people["charlie"].id))
    _assign(tx, course, people["paula"], StaffRole.PROCTOR)
    _assign(tx, other, people["quentin"], StaffRole.PROCTOR)
    _assign(tx, course, people["rita"], StaffRole.REVIEWER)
    _assign(tx, course, people["rustam"], StaffRole.REVIEWER)
    _assign(tx, course, people["tom"], StaffRole.TEACHER)
    tx.flush()
    return Cast(
        institution=institution,
        course=course,
        other_course=other,
        final=final,
        essay=essay,
        **people,
    )


@pytest.fixture
def cast(tx: Session) -> Cast:
    """The cast, in the transaction of the test."""
    return assemble(tx)


def _course(
    tx: Session, institution_id: str, code: str, now: datetime
) -> tuple[Course, AssessmentScheme]:
    course = Course(
        institution_id=institution_id,
        code=code,
        title=f"Course {code}",
        kind=CourseKind.MOOC,
        policy_pack="KZ-137-2016",
        starts_on=date(2026, 9, 1),
        ends_on=date(2026, 12, 31),
    )
    tx.add(course)
    tx.flush()
    scheme = AssessmentScheme(course_id=course.id, version=1, created_at=now)
    tx.add(scheme)
    tx.flush()
    return course, scheme


def _assign(tx: Session, course: Course, person: Account, role: StaffRole) -> None:
    tx.add(CourseStaff(course_id=course.id, account_id=person.id, role=role))
