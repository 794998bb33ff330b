"""Courses, assessment schemes and their events, questions, policies, rosters."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Date,
    ForeignKey,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from proctor.plumbing.db import Base, UtcDateTime, id_column, string_enum


class CourseKind(StrEnum):
    MOOC = "mooc"
    BLENDED = "blended"
    DISTANCE = "distance"
    ON_SITE = "on_site"


class EventKind(StrEnum):
    CURRENT = "current"
    MIDTERM = "midterm"
    FINAL = "final"
    MOOC_TASK = "mooc_task"
    MOOC_FINAL = "mooc_final"


#: the exams that 0/0/100 is about
FINALS = frozenset({EventKind.FINAL, EventKind.MOOC_FINAL})


class Mode(StrEnum):
    SYNC = "sync"
    ASYNC = "async"


class Venue(StrEnum):
    ONLINE = "online"
    TEST_CENTRE = "test_centre"
    ON_SITE = "on_site"


class Technology(StrEnum):
    """The four technologies of Order 137, item 38(1)."""

    KEYSTROKE = "keystroke"
    TEST_CENTRE = "test_centre"
    PROCTORING = "proctoring"
    BIOMETRICS = "biometrics"


class QuestionKind(StrEnum):
    CHOICE = "choice"
    SHORT = "short"
    ESSAY = "essay"


class StaffRole(StrEnum):
    TEACHER = "teacher"
    PROCTOR = "proctor"
    REVIEWER = "reviewer"


class Course(Base):
    __tablename__ = "courses"
    __table_args__ = (UniqueConstraint("institution_id", "code"),)

    id: Mapped[str] = id_column()
    institution_id: Mapped[str] = mapped_column(String(32), ForeignKey("institutions.id"))
    code: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(300))
    kind: Mapped[CourseKind] = mapped_column(string_enum(CourseKind))
    policy_pack: Mapped[str] = mapped_column(String(64))
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date] = mapped_column(Date)


class AssessmentScheme(Base):
    """One version of how a course is assessed; a change makes a new version."""

    __tablename__ = "assessment_schemes"
    __table_args__ = (UniqueConstraint("course_id", "version"),)

    id: Mapped[str] = id_column()
    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"))
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ExamPolicy(Base):
    """What is watched in an exam and when it becomes an incident; versioned, never edited."""

    __tablename__ = "exam_policies"
    __table_args__ = (UniqueConstraint("institution_id", "name", "version"),)

    id: Mapped[str] = id_column()
    institution_id: Mapped[str] = mapped_column(String(32), ForeignKey("institutions.id"))
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer)
    rules: Mapped[dict[str, Any]] = mapped_column(JSON)


class AssessmentEvent(Base):
    """One row of a scheme: something that forms the final assessment.

    ``weight`` is exact (six decimals); ``identity_plan`` lists technologies, [] = none.
    """

    __tablename__ = "assessment_events"
    __table_args__ = (UniqueConstraint("scheme_id", "code"),)

    id: Mapped[str] = id_column()
    scheme_id: Mapped[str] = mapped_column(String(32), ForeignKey("assessment_schemes.id"))
    code: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(300))
    kind: Mapped[EventKind] = mapped_column(string_enum(EventKind))
    weight: Mapped[Decimal] = mapped_column(Numeric(12, 6))
    mode: Mapped[Mode] = mapped_column(string_enum(Mode))
    venue: Mapped[Venue] = mapped_column(string_enum(Venue))
    opens_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closes_at: Mapped[datetime] = mapped_column(UtcDateTime)
    duration_s: Mapped[int] = mapped_column(Integer)
    identity_plan: Mapped[list[str]] = mapped_column(JSON)
    policy_id: Mapped[str | None] = mapped_column(String(32), ForeignKey("exam_policies.id"))


class Question(Base):
    """``options``: texts of a choice question, [] for the other kinds."""

    __tablename__ = "questions"
    __table_args__ = (UniqueConstraint("event_id", "position"),)

    id: Mapped[str] = id_column()
    event_id: Mapped[str] = mapped_column(String(32), ForeignKey("assessment_events.id"))
    position: Mapped[int] = mapped_column(Integer)
    kind: Mapped[QuestionKind] = mapped_column(string_enum(QuestionKind))
    prompt: Mapped[str] = mapped_column(Text)
    options: Mapped[list[str]] = mapped_column(JSON)


class RosterEntry(Base):
    """A learner on a course."""

    __tablename__ = "roster"

    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), primary_key=True)


class CourseStaff(Base):
    """A teacher, proctor or reviewer assigned to a course."""

    __tablename__ = "course_staff"

    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), primary_key=True)
    role: Mapped[StaffRole] = mapped_column(string_enum(StaffRole), primary_key=True)


class Dispensation(Base):
    """An event that no longer counts: excused for one learner, cancelled for all without one.

    By course and code, so that it holds for every version of the scheme. Insert-only.
    """

    __tablename__ = "dispensations"
    __table_args__ = (UniqueConstraint("course_id", "event_code", "account_id"),)

    id: Mapped[str] = id_column()
    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"))
    event_code: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[str | None] = mapped_column(String(32), ForeignKey("accounts.id"))
    reason: Mapped[str] = mapped_column(String(300))
    by: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ExternalTest(Base):
    """Where the test of an event is, when that is another site; insert-only, the newest counts.

    By course and code, so that it holds for every version of the scheme. ``url``: empty ends it.
    """

    __tablename__ = "external_tests"

    id: Mapped[str] = id_column()
    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"), index=True)
    event_code: Mapped[str] = mapped_column(String(64))
    url: Mapped[str] = mapped_column(String(500))
    by: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Demand(StrEnum):
    """What an event asks of those before it: that they were handed in, or passed."""

    SUBMITTED = "submitted"
    PASSED = "passed"


class ControlOutcome(StrEnum):
    """What a teacher reports of one event of one learner."""

    SUBMITTED = "submitted"
    PASSED = "passed"
    NOT_PASSED = "not_passed"


class AdmissionRule(Base):
    """Events to be done before one is sat (Order 137, item 33); insert-only, the newest counts.

    By course and code, so that it holds for every version of the scheme. ``requires``: their
    codes, [] ends the rule.
    """

    __tablename__ = "admission_rules"

    id: Mapped[str] = id_column()
    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"), index=True)
    event_code: Mapped[str] = mapped_column(String(64))
    requires: Mapped[list[str]] = mapped_column(JSON)
    demand: Mapped[Demand] = mapped_column(string_enum(Demand))
    by: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ControlResult(Base):
    """The newest report of a teacher on one event of one learner."""

    __tablename__ = "control_results"

    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"), primary_key=True)
    event_code: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), primary_key=True)
    outcome: Mapped[ControlOutcome] = mapped_column(string_enum(ControlOutcome))


class AdmissionOverride(Base):
    """Somebody let a learner sit an event before everything was done, with a reason."""

    __tablename__ = "admission_overrides"
    __table_args__ = (UniqueConstraint("course_id", "event_code", "account_id"),)

    id: Mapped[str] = id_column()
    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"))
    event_code: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    reason: Mapped[str] = mapped_column(String(300))
    by: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Declaration(Base):
    """A learner chose the format 0/0/100 of a course before its academic period began.

    ``declared_on``: when the department got it; ``withdrawn_at``: since when it no longer holds.
    """

    __tablename__ = "declarations"

    id: Mapped[str] = id_column()
    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"), index=True)
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    declared_on: Mapped[date] = mapped_column(Date)
    by: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AccommodationRow(Base):
    """What a learner is granted, without the cause; the newest row counts. Insert-only.

    ``course_id``: None for all courses. ``effects``: names of what is left out.
    """

    __tablename__ = "accommodations"

    id: Mapped[str] = id_column()
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), index=True)
    course_id: Mapped[str | None] = mapped_column(String(32), ForeignKey("courses.id"))
    effects: Mapped[list[str]] = mapped_column(JSON)
    extra_time_percent: Mapped[int] = mapped_column(Integer)
    by: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ImportDraft(Base):
    """A file that was sent and is looked at before it is taken in. ``sealed``: its bytes under
    the key of who sent it; gone when it is taken in, put away or a day old."""

    __tablename__ = "import_drafts"

    id: Mapped[str] = id_column()
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    file_name: Mapped[str] = mapped_column(String(200))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Recredit(Base):
    """A learner studied the course elsewhere and the credits were recalculated.

    ``document``: number and date of the certificate; ``share``: what it says of its own share.
    """

    __tablename__ = "recredits"

    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), primary_key=True)
    source: Mapped[str] = mapped_column(String(300))
    document: Mapped[str] = mapped_column(String(200))
    share: Mapped[str | None] = mapped_column(String(200))
    by: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class PeerCheck(Base):
    """A learner checked the work of another. ``checked_in``: code of the event in which they
    did, None when it was none of the scheme."""

    __tablename__ = "peer_checks"

    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"), primary_key=True)
    event_code: Mapped[str] = mapped_column(String(64), primary_key=True)
    author_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), primary_key=True)
    checker_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), primary_key=True)
    checked_in: Mapped[str | None] = mapped_column(String(64))
