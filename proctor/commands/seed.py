"""A course to show the service with: people, a scheme of five events, a final open now.

All names are invented; the addresses are of example.org, which nobody can own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.exams.imports import POLICY_PACK
from proctor.exams.policies import default_rules, rules_json
from proctor.exams.schemes import add_version, newest_policy
from proctor.exams.tables import (
    AssessmentEvent,
    Course,
    CourseKind,
    CourseStaff,
    EventKind,
    ExamPolicy,
    Mode,
    Question,
    QuestionKind,
    RosterEntry,
    StaffRole,
    Technology,
    Venue,
)
from proctor.people import accounts
from proctor.people.tables import Account, Role
from proctor.plumbing.db import new_id

FINAL_CODE = "final"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was made, or found from an earlier time. ``final_id``: the event that is open now."""

    institution_id: str
    course_id: str
    final_id: str
    office: Account
    teacher: Account
    proctor: Account
    reviewers: tuple[Account, Account]
    learners: tuple[Account, Account, Account]


def seed_demo(tx: Session, institution: str, now: datetime, *, exam_s: int = 90) -> Seeded:
    """A new offering of the course for the same people each time it is called.

    ``exam_s``: length of the final in seconds.
    """
    home = accounts.ensure_institution(tx, institution).id
    office = _person(tx, home, "office", "Гүлнәр Оспанова", Role.EXAM_OFFICE)
    teacher = _person(tx, home, "teacher", "Нұрлан Ахметов", Role.TEACHER)
    proctor = _person(tx, home, "proctor", "Бауыржан Төлегенов", Role.PROCTOR)
    reviewers = (
        _person(tx, home, "reviewer", "Сәуле Ибраева", Role.REVIEWER, "ru"),
        _person(tx, home, "reviewer2", "Ерлан Жүнісов", Role.REVIEWER),
    )
    learners = (
        _learner(tx, home, "aigerim", "Айгерім Сәрсенова", "D-26001", "kk"),
        _learner(tx, home, "dauren", "Дәурен Қасымов", "D-26002", "ru"),
        _learner(tx, home, "moldir", "Мөлдір Әбдіқадырова", "D-26003", "en"),
    )
    if newest_policy(tx, home) is None:
        rules = rules_json(default_rules())
        tx.add(ExamPolicy(institution_id=home, name="standard", version=1, rules=rules))
        tx.flush()
    course = _course(tx, home, now)
    events = _events(now, exam_s)
    add_version(tx, course, events, now)
    final = next(event for event in events if event.code == FINAL_CODE)
    tx.add_all(_questions(final.id))
    tx.add_all(RosterEntry(course_id=course.id, account_id=person.id) for person in learners)
    staff = [(teacher, StaffRole.TEACHER), (proctor, StaffRole.PROCTOR)]
    staff += [(reviewer, StaffRole.REVIEWER) for reviewer in reviewers]
    tx.add_all(
        CourseStaff(course_id=course.id, account_id=person.id, role=role) for person, role in staff
    )
    tx.flush()
    return Seeded(home, course.id, final.id, office, teacher, proctor, reviewers, learners)


def _person(
    tx: Session,
    home: str,
    user: str,
    name: str,
    role: Role,
    locale: str = "kk",
    learner_number: str | None = None,
) -> Account:
    email = f"{user}@example.org"
    found = tx.scalars(select(Account).where(Account.email == email)).one_or_none()
    if found is not None:
        return found
    return accounts.add(tx, home, email, name, role, locale=locale, learner_number=learner_number)


def _learner(tx: Session, home: str, user: str, name: str, number: str, locale: str) -> Account:
    return _person(tx, home, user, name, Role.STUDENT, locale, number)


def _course(tx: Session, home: str, now: datetime) -> Course:
    course = Course(
        id=new_id(),
        institution_id=home,
        code=f"DL-{now:%Y%m%d-%H%M%S-%f}",
        title="Digital literacy",
        kind=CourseKind.MOOC,
        policy_pack=POLICY_PACK,
        starts_on=(now - 30 * _DAY).date(),
        ends_on=(now + 30 * _DAY).date(),
    )
    tx.add(course)
    tx.flush()
    return course


def _events(now: datetime, exam_s: int) -> list[AssessmentEvent]:
    """Two of five events and 60 of 100 points have an identity plan."""
    now = now.replace(second=0, microsecond=0)
    return [
        _task("task-1", "Task 1: searching and judging sources", 10, now - 28 * _DAY),
        _task("task-2", "Task 2: a table of your own data", 10, now - 21 * _DAY),
        _task("task-3", "Task 3: a shared document", 20, now - 14 * _DAY),
        _task(
            "essay",
            "Closing essay, typed in the browser",
            20,
            now + 3 * _DAY,
            (Technology.KEYSTROKE, Technology.PROCTORING),
        ),
        AssessmentEvent(
            code=FINAL_CODE,
            title="Final exam",
            kind=EventKind.MOOC_FINAL,
            weight=Decimal(40),
            mode=Mode.SYNC,
            venue=Venue.ONLINE,
            opens_at=now - timedelta(minutes=1),
            closes_at=now + 2 * _DAY,
            duration_s=exam_s,
            identity_plan=[
                technology.value
                for technology in (
                    Technology.KEYSTROKE,
                    Technology.PROCTORING,
                    Technology.BIOMETRICS,
                )
            ],
        ),
    ]


def _task(
    code: str,
    title: str,
    weight: int,
    opens_at: datetime,
    identity_plan: tuple[Technology, ...] = (),
) -> AssessmentEvent:
    return AssessmentEvent(
        code=code,
        title=title,
        kind=EventKind.MOOC_TASK,
        weight=Decimal(weight),
        mode=Mode.ASYNC,
        venue=Venue.ONLINE,
        opens_at=opens_at,
        closes_at=opens_at + 7 * _DAY,
        duration_s=3600,
        identity_plan=[technology.value for technology in identity_plan],
    )


def _questions(event_id: str) -> list[Question]:
    asked: list[tuple[QuestionKind, str, list[str]]] = [
        (
            QuestionKind.CHOICE,
            "Which of these passwords takes longest to guess?",
            ["Almaty2026", "qwerty123", "four random words of 24 letters", "P@ssw0rd"],
        ),
        (
            QuestionKind.CHOICE,
            "A letter from your bank asks you to sign in through a link. What do you do?",
            [
                "Open the link and look at the page",
                "Type the bank's address yourself",
                "Answer the letter and ask",
            ],
        ),
        (QuestionKind.SHORT, "Name one sign that a web page is out of date.", []),
        (
            QuestionKind.ESSAY,
            "Describe in about 70 words how you check whether a news story is true. "
            "Name the steps in the order you take them.",
            [],
        ),
        (
            QuestionKind.ESSAY,
            "What would you change about this course? One sentence is enough.",
            [],
        ),
    ]
    return [
        Question(
            event_id=event_id,
            position=position,
            kind=kind,
            prompt=prompt,
            options=options,
        )
        for position, (kind, prompt, options) in enumerate(asked, start=1)
    ]
