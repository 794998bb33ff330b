from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

import pytest
from sqlalchemy.orm import Session

from proctor.exams.roster import learners_seen_by
from proctor.exams.schemes import (
    CourseNotFound,
    SchemeWarning,
    add_version,
    course_for,
    courses_for,
    events_in_force,
    plain_number,
    warnings_of,
    weight_of,
)
from proctor.exams.tables import (
    AssessmentEvent,
    Course,
    CourseKind,
    CourseStaff,
    EventKind,
    ExamPolicy,
    Mode,
    RosterEntry,
    StaffRole,
    Venue,
)
from proctor.people.tables import Account, Role

pytestmark = pytest.mark.db

OPENS = datetime(2026, 12, 1, 5, 0, tzinfo=UTC)


class MakePerson(Protocol):
    def __call__(self, user: str, role: Role, institution: str = "home") -> Account: ...


def make_course(tx: Session, code: str, institution: str = "home") -> Course:
    course = Course(
        institution_id=institution,
        code=code,
        title=code,
        kind=CourseKind.MOOC,
        policy_pack="KZ-137-2016",
        starts_on=date(2026, 9, 1),
        ends_on=date(2026, 12, 20),
    )
    tx.add(course)
    tx.flush()
    return course


def event(code: str, weight: str, plan: tuple[str, ...] = ()) -> AssessmentEvent:
    return AssessmentEvent(
        code=code,
        title=code,
        kind=EventKind.MOOC_TASK,
        weight=Decimal(weight),
        mode=Mode.ASYNC,
        venue=Venue.ONLINE,
        opens_at=OPENS,
        closes_at=OPENS + timedelta(hours=2),
        duration_s=600,
        identity_plan=list(plan),
    )


def test_each_person_sees_their_courses_only(
    tx: Session, office: Account, make_person: MakePerson
) -> None:
    own, other = make_course(tx, "own"), make_course(tx, "other")
    charlie = make_person("charlie", Role.STUDENT, "elsewhere")
    foreign = make_course(tx, "foreign", "elsewhere")
    paula, alice = make_person("paula", Role.PROCTOR), make_person("alice", Role.STUDENT)
    admin = make_person("adam", Role.ADMIN)
    tx.add(CourseStaff(course_id=own.id, account_id=paula.id, role=StaffRole.PROCTOR))
    tx.add(RosterEntry(course_id=own.id, account_id=alice.id))
    # an assignment across institutions shows nothing
    tx.add(CourseStaff(course_id=foreign.id, account_id=paula.id, role=StaffRole.PROCTOR))
    assert courses_for(tx, office) == courses_for(tx, admin) == [other, own]
    assert courses_for(tx, paula) == courses_for(tx, alice) == [own]
    assert courses_for(tx, charlie) == []
    assert course_for(tx, paula, own.id) is own
    for person, course in [(paula, other), (paula, foreign), (office, foreign), (charlie, own)]:
        with pytest.raises(CourseNotFound):
            course_for(tx, person, course.id)


def test_learners_are_seen_through_courses(
    tx: Session, office: Account, make_person: MakePerson
) -> None:
    own, other = make_course(tx, "own"), make_course(tx, "other")
    paula = make_person("paula", Role.PROCTOR)
    alice, bob = make_person("alice", Role.STUDENT), make_person("bob", Role.STUDENT)
    tx.add(CourseStaff(course_id=own.id, account_id=paula.id, role=StaffRole.PROCTOR))
    tx.add(RosterEntry(course_id=own.id, account_id=alice.id))
    tx.add(RosterEntry(course_id=other.id, account_id=bob.id))
    assert learners_seen_by(tx, paula) == {alice.id}
    assert learners_seen_by(tx, office) == {alice.id, bob.id}


def test_only_the_newest_version_is_in_force(tx: Session, office: Account) -> None:
    course = make_course(tx, "own")
    assert events_in_force(tx, course.id) == []
    add_version(tx, course, [event("a", "40"), event("b", "60")], OPENS)
    add_version(tx, course, [event("a", "100")], OPENS)
    (only,) = events_in_force(tx, course.id)
    assert (only.code, weight_of(only)) == ("a", Fraction(100))


def test_an_event_keeps_its_policy_and_a_new_one_gets_the_newest(
    tx: Session, office: Account
) -> None:
    course = make_course(tx, "own")
    first = ExamPolicy(institution_id="home", name="standard", version=1, rules={})
    tx.add(first)
    tx.flush()
    add_version(tx, course, [event("a", "40")], OPENS)
    second = ExamPolicy(institution_id="home", name="standard", version=2, rules={})
    tx.add(second)
    tx.flush()
    add_version(tx, course, [event("a", "40"), event("b", "60")], OPENS)
    policies = {found.code: found.policy_id for found in events_in_force(tx, course.id)}
    assert policies == {"a": first.id, "b": second.id}


def test_weights_are_exact_after_the_database(tx: Session, office: Account) -> None:
    course = make_course(tx, "own")
    add_version(tx, course, [event("a", "29.999"), event("b", "70.001")], OPENS)
    tx.flush()
    tx.expire_all()
    a, b = events_in_force(tx, course.id)
    assert weight_of(a) == Fraction(29999, 1000)
    assert weight_of(a) + weight_of(b) == 100
    assert warnings_of([a, b]) == ()


def test_weights_that_do_not_make_100_are_pointed_out() -> None:
    assert warnings_of([event("a", "40"), event("b", "59.5")]) == (
        SchemeWarning("office.warning.weights", "99.5"),
    )


def test_a_planned_event_under_one_percent_is_pointed_out() -> None:
    planned = ("keystroke",)
    events = [
        event("small", "0.5", planned),
        event("none", "0", planned),
        event("one", "1", planned),
        event("unplanned", "0.5"),
        event("rest", "98"),
    ]
    assert warnings_of(events) == (SchemeWarning("office.warning.small_event", "small"),)


def test_numbers_are_shown_without_needless_zeros() -> None:
    shown = [plain_number(Fraction(n)) for n in ("40", "12.5", "0.000001", "0")]
    assert shown == ["40", "12.5", "0.000001", "0"]
