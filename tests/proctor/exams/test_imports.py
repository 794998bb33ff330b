from datetime import datetime
from decimal import Decimal
from typing import Protocol

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proctor import catalogue, events
from proctor.exams import imports
from proctor.exams.intake import Imported
from proctor.exams.roster import learners_of, staff_of
from proctor.exams.schemes import events_in_force, newest_scheme, questions_of, versions_of
from proctor.exams.sheets import ImportRefused
from proctor.exams.tables import (
    Course,
    CourseKind,
    Question,
    QuestionKind,
    RosterEntry,
    StaffRole,
)
from proctor.people.tables import Account, Role
from proctor.sittings.desk import newest_sitting
from proctor.sittings.tables import Sitting, SittingState
from tests.support.intake import take_in

pytestmark = pytest.mark.db

COURSES = """code,title,kind,starts_on,ends_on
DL,Цифрлық сауаттылық,mooc,2026-09-01,2026-12-20
MA,Математика,blended,2026-09-01,2026-12-20
"""
SCHEME = """\
course_code;code;title;kind;weight;mode;venue;opens_at;closes_at;duration_minutes;identity_plan
DL;quiz;Quiz;mooc_task;33,333333;async;online;2026-10-01T09:00+05:00;2026-10-08T09:00+05:00;30;
DL;final;Final;mooc_final;66,666667;sync;online;2026-12-10T09:00+05:00;2026-12-10T12:00+05:00;90;\
proctoring+biometrics
"""
ROSTER = """course_code,email,name,learner_number,locale
DL,alice@example.org,Әсел Жақып,N-1,kk
DL,bob@example.org,Боб,N-2,
MA,alice@example.org,Әсел Жақып,N-1,kk
"""
STAFF = """course_code,email,name,role
DL,paula@example.org,Паула,proctor
DL,rita@example.org,Рита,reviewer
MA,paula@example.org,Паула,teacher
"""


class MakePerson(Protocol):
    def __call__(self, user: str, role: Role, institution: str = "home") -> Account: ...


@pytest.fixture
def courses(tx: Session, office: Account, now: datetime) -> dict[str, Course]:
    take_in(tx, imports.COURSES, office, COURSES.encode(), now)
    return {course.code: course for course in tx.scalars(select(Course))}


def found(refusal: ImportRefused) -> list[tuple[int, str, str, str]]:
    prefix = "office.import.error."
    assert {e.key for e in refusal.errors} <= catalogue.known_keys()
    return [(e.line, e.column, e.key.removeprefix(prefix), e.value) for e in refusal.errors]


def test_courses_are_added_once_and_follow_the_file(
    tx: Session, office: Account, now: datetime
) -> None:
    assert take_in(tx, imports.COURSES, office, COURSES.encode(), now) == Imported(2, 0, 0)
    assert take_in(tx, imports.COURSES, office, COURSES.encode(), now) == Imported(0, 0, 2)
    later = COURSES.replace("Математика,blended", "Математика 1,distance")
    assert take_in(tx, imports.COURSES, office, later.encode(), now) == Imported(0, 1, 1)
    maths = tx.scalars(select(Course).where(Course.code == "MA")).one()
    assert (maths.title, maths.kind) == ("Математика 1", CourseKind.DISTANCE)
    assert maths.policy_pack == "KZ-137-2016"


def test_wrong_lines_refuse_the_whole_file(tx: Session, office: Account, now: datetime) -> None:
    data = COURSES + "MA,again,mooc,2026-09-01,2026-12-20\nX,t,course,2026-09-01,2026-08-31\n"
    data += "Y,t,mooc,2026-09-01,2026-08-31\n"
    with pytest.raises(ImportRefused) as refusal:
        take_in(tx, imports.COURSES, office, data.encode(), now)
    assert found(refusal.value) == [
        (4, "code", "repeated", "3"),
        (5, "kind", "not_a_choice", "course"),
        (6, "ends_on", "ends_before_start", "2026-08-31"),
    ]
    assert tx.scalar(select(func.count()).select_from(Course)) == 0


def test_same_codes_of_two_institutions_are_two_courses(
    tx: Session, office: Account, make_person: MakePerson, now: datetime
) -> None:
    take_in(tx, imports.COURSES, office, COURSES.encode(), now)
    elsewhere = make_person("oskar", Role.EXAM_OFFICE, "elsewhere")
    assert take_in(tx, imports.COURSES, elsewhere, COURSES.encode(), now) == Imported(2, 0, 0)


def test_an_import_is_written_to_the_event_store_without_names(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    take_in(tx, imports.ROSTER, office, ROSTER.encode(), now)
    take_in(tx, imports.ROSTER, office, ROSTER.encode(), now)
    first, second = events.read(tx, "institution:home")
    assert (first.payload["what"], second.payload["what"]) == ("courses", "roster")
    assert second.payload["by"] == office.id
    assert "alice" not in second.body
    assert "Әсел" not in second.body


def test_a_scheme_keeps_exact_weights_and_plans(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    assert take_in(tx, imports.SCHEMES, office, SCHEME.encode(), now) == Imported(1, 0, 0)
    quiz, final = events_in_force(tx, courses["DL"].id)
    tx.expire_all()
    assert (quiz.weight, final.weight) == (Decimal("33.333333"), Decimal("66.666667"))
    assert (quiz.identity_plan, final.identity_plan) == ([], ["proctoring", "biometrics"])
    assert final.duration_s == 5400
    assert final.opens_at.isoformat() == "2026-12-10T04:00:00+00:00"


def test_the_same_scheme_again_makes_no_version(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    take_in(tx, imports.SCHEMES, office, SCHEME.encode(), now)
    assert take_in(tx, imports.SCHEMES, office, SCHEME.encode(), now) == Imported(0, 0, 1)
    header, *lines = SCHEME.splitlines()
    turned = "\n".join([header, *reversed(lines)])
    assert take_in(tx, imports.SCHEMES, office, turned.encode(), now) == Imported(0, 0, 1)


def test_a_changed_scheme_is_a_new_version_that_keeps_the_questions(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    take_in(tx, imports.SCHEMES, office, SCHEME.encode(), now)
    old = events_in_force(tx, courses["DL"].id)[1]
    question = Question(
        event_id=old.id, position=1, kind=QuestionKind.CHOICE, prompt="?", options=["a", "b"]
    )
    tx.add(question)
    tx.flush()
    changed = SCHEME.replace(";90;", ";60;").encode()
    assert take_in(tx, imports.SCHEMES, office, changed, now) == Imported(0, 1, 0)
    scheme = newest_scheme(tx, courses["DL"].id)
    assert scheme is not None
    assert scheme.version == 2
    new = events_in_force(tx, courses["DL"].id)[1]
    assert (new.duration_s, old.duration_s) == (3600, 5400)
    (asked,) = questions_of(tx, new.id)
    assert (asked.prompt, asked.options) == ("?", ["a", "b"])
    assert questions_of(tx, old.id) == [question]


def test_wrong_scheme_lines_are_named(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    wrong = (
        SCHEME.replace("DL;quiz", "XX;quiz")
        .replace(";90;", ";181;")
        .replace("proctoring+biometrics", "proctoring+face")
    )
    wrong += "DL;oral;Oral;final;10;sync;online;2026-12-12T09:00+05:00;2026-12-12T09:30+05:00;31;\n"
    wrong += "DL;oral;Oral;final;10;sync;online;2026-12-12T09:00+05:00;2026-12-12T09:00+05:00;31;\n"
    with pytest.raises(ImportRefused) as refusal:
        take_in(tx, imports.SCHEMES, office, wrong.encode(), now)
    assert found(refusal.value) == [
        (2, "course_code", "unknown_course", "XX"),
        (3, "identity_plan", "not_a_plan", "proctoring+face"),
        (4, "duration_minutes", "longer_than_window", "31"),
        (5, "closes_at", "closes_before_opening", "2026-12-12T04:00+00:00"),
        (5, "code", "repeated", "4"),
    ]
    assert newest_scheme(tx, courses["DL"].id) is None


def test_a_course_of_another_institution_is_unknown(
    tx: Session, courses: dict[str, Course], make_person: MakePerson, now: datetime
) -> None:
    elsewhere = make_person("oskar", Role.EXAM_OFFICE, "elsewhere")
    with pytest.raises(ImportRefused) as refusal:
        take_in(tx, imports.SCHEMES, elsewhere, SCHEME.encode(), now)
    assert [key for _, _, key, _ in found(refusal.value)] == ["unknown_course"] * 2


def test_a_roster_makes_student_accounts(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    assert take_in(tx, imports.ROSTER, office, ROSTER.encode(), now) == Imported(3, 0, 0)
    assert take_in(tx, imports.ROSTER, office, ROSTER.encode(), now) == Imported(0, 0, 3)
    learners = learners_of(tx, courses["DL"].id)
    assert [(p.email, p.name, p.role, p.learner_number, p.locale) for p in learners] == [
        ("bob@example.org", "Боб", Role.STUDENT, "N-2", "kk"),
        ("alice@example.org", "Әсел Жақып", Role.STUDENT, "N-1", "kk"),
    ]
    assert [p.email for p in learners_of(tx, courses["MA"].id)] == ["alice@example.org"]


def test_a_roster_renames_but_leaves_the_language(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    take_in(tx, imports.ROSTER, office, ROSTER.encode(), now)
    later = ROSTER.replace("Жақып", "Жақыпова").replace("N-1,kk", "N-1,ru")
    assert take_in(tx, imports.ROSTER, office, later.encode(), now) == Imported(0, 2, 1)
    (alice,) = learners_of(tx, courses["MA"].id)
    assert (alice.name, alice.locale) == ("Әсел Жақыпова", "kk")


def test_a_shorter_roster_takes_nobody_off(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    take_in(tx, imports.ROSTER, office, ROSTER.encode(), now)
    shorter = "".join(ROSTER.splitlines(keepends=True)[:2])
    assert take_in(tx, imports.ROSTER, office, shorter.encode(), now) == Imported(0, 0, 1)
    assert tx.scalar(select(func.count()).select_from(RosterEntry)) == 3


def test_wrong_roster_lines_are_named(
    tx: Session,
    office: Account,
    courses: dict[str, Course],
    make_person: MakePerson,
    now: datetime,
) -> None:
    make_person("charlie", Role.STUDENT, "elsewhere")
    holder = make_person("dana", Role.STUDENT)
    holder.learner_number = "N-7"
    wrong = (
        ROSTER
        + "DL,ALICE@example.org,Әсел Жақып,N-1,kk\n"
        + "MA,bob@example.org,Роберт,N-2,kk\n"
        + "DL,olga@example.org,Olga,N-4,kk\n"
        + "DL,charlie@example.org,Charlie,N-5,kk\n"
        + "DL,erin@example.org,Erin,N-7,kk\n"
        + "DL,fred@example.org,Fred,N-2,kk\n"
        + "DL,gina@example.org,Gina,N-8,de\n"
        + "ZZ,hugo,,N-9,kk\n"
    )
    with pytest.raises(ImportRefused) as refusal:
        take_in(tx, imports.ROSTER, office, wrong.encode(), now)
    assert found(refusal.value) == [
        (5, "email", "repeated", "2"),
        (6, "name", "contradicts", "3"),
        (7, "email", "other_role", "olga@example.org"),
        (8, "email", "email_taken", "charlie@example.org"),
        (9, "learner_number", "number_taken", "N-7"),
        (10, "learner_number", "contradicts", "3"),
        (11, "locale", "not_a_choice", "de"),
        (12, "email", "not_an_email", "hugo"),
        (12, "name", "missing", ""),
    ]
    assert tx.scalar(select(func.count()).select_from(RosterEntry)) == 0
    assert "example.org" not in str(refusal.value)


def test_staff_are_assigned_once(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    assert take_in(tx, imports.STAFF, office, STAFF.encode(), now) == Imported(3, 0, 0)
    assert take_in(tx, imports.STAFF, office, STAFF.encode(), now) == Imported(0, 0, 3)
    assigned = [(a.account.email, a.account.role, a.role) for a in staff_of(tx, courses["DL"].id)]
    assert assigned == [
        ("paula@example.org", Role.PROCTOR, StaffRole.PROCTOR),
        ("rita@example.org", Role.REVIEWER, StaffRole.REVIEWER),
    ]
    (teacher,) = staff_of(tx, courses["MA"].id)
    assert (teacher.account.role, teacher.role) == (Role.PROCTOR, StaffRole.TEACHER)


def test_a_student_cannot_be_assigned_as_staff(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    take_in(tx, imports.ROSTER, office, ROSTER.encode(), now)
    data = STAFF + "DL,bob@example.org,Боб,proctor\n"
    with pytest.raises(ImportRefused) as refusal:
        take_in(tx, imports.STAFF, office, data.encode(), now)
    assert found(refusal.value) == [(5, "email", "other_role", "bob@example.org")]
    assert staff_of(tx, courses["DL"].id) == []


def test_a_sitting_stays_with_its_event_when_the_scheme_changes(
    tx: Session, office: Account, courses: dict[str, Course], now: datetime
) -> None:
    take_in(tx, imports.ROSTER, office, ROSTER.encode(), now)
    take_in(tx, imports.SCHEMES, office, SCHEME.encode(), now)
    quiz, final = events_in_force(tx, courses["DL"].id)
    bob = learners_of(tx, courses["DL"].id)[0]
    sitting = Sitting(
        event_id=final.id,
        account_id=bob.id,
        state=SittingState.FINISHED,
        sign_in_id="s",
        created_at=now,
    )
    tx.add(sitting)
    tx.flush()
    take_in(tx, imports.SCHEMES, office, SCHEME.replace(";90;", ";60;").encode(), now)
    new_quiz, new_final = events_in_force(tx, courses["DL"].id)
    assert newest_sitting(tx, new_final.id, bob.id) is sitting
    assert newest_sitting(tx, new_quiz.id, bob.id) is None
    assert set(tx.scalars(versions_of(new_quiz.id))) == {quiz.id, new_quiz.id}
