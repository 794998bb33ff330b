"""Sittings and the answers given in them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Boolean, Float, ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from proctor.exams.tables import Technology
from proctor.plumbing.db import Base, UtcDateTime, id_column, string_enum


class SittingState(StrEnum):
    """``created`` (page opened) → ``checking`` (media connected, identity check) →
    ``running`` → ``finished``; ``suspended`` while a proctor has paused it, and for good
    when it never goes on."""

    CREATED = "created"
    CHECKING = "checking"
    RUNNING = "running"
    FINISHED = "finished"
    SUSPENDED = "suspended"


class Sitting(Base):
    """One monitored exam of one learner.

    ``sign_in_id``: the sign-in session that owns it; a second one is refused while it runs.
    ``exam_s``: length of the exam once finished. ``identified_via``: ``face`` or ``proctor``,
    how identity was established before the start. ``last_batch``: newest acknowledged batch.
    ``exam_offset_s``: when the exam began, on the clock its recordings share. ``paused_at``: since
    when it is suspended; ``deadline_at`` moves on by that time when it goes on.
    """

    __tablename__ = "sittings"
    __table_args__ = (UniqueConstraint("event_id", "account_id", "attempt"),)

    id: Mapped[str] = id_column()
    event_id: Mapped[str] = mapped_column(String(32), ForeignKey("assessment_events.id"))
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), index=True)
    attempt: Mapped[int] = mapped_column(Integer, default=1)
    state: Mapped[SittingState] = mapped_column(string_enum(SittingState))
    sign_in_id: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deadline_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    exam_s: Mapped[float | None] = mapped_column(Float)
    exam_offset_s: Mapped[float] = mapped_column(Float, default=0.0)
    identified_via: Mapped[str | None] = mapped_column(String(16))
    last_batch: Mapped[int] = mapped_column(Integer, default=0)
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RepairWindow(Base):
    """A time in which an event that is over may be verified by another technology.

    By course and code, so that it holds for every version of the scheme. ``technology``: the
    value of one that the event was not planned with. ``ended_at``: since when it no longer holds.
    """

    __tablename__ = "repair_windows"

    id: Mapped[str] = id_column()
    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"), index=True)
    event_code: Mapped[str] = mapped_column(String(64))
    technology: Mapped[Technology] = mapped_column(string_enum(Technology))
    opens_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closes_at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Repair(Base):
    """A sitting held in a repair window: its technology verifies it, not the event's plan."""

    __tablename__ = "repairs"

    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"), primary_key=True)
    window_id: Mapped[str] = mapped_column(String(32), ForeignKey("repair_windows.id"), index=True)


class Act(StrEnum):
    """What was said to or done with a sitting while it went on."""

    MESSAGE = "message"
    WARNING = "warning"
    REPLY = "reply"
    PAUSE = "pause"
    RESUME = "resume"
    EXTENSION = "extension"
    END_ASKED = "end_asked"
    END = "end"


class Intervention(Base):
    """One act of a proctor, or one reply of the student; insert-only.

    ``number`` counts within the sitting. ``phrase``: name of a ready sentence, which each reads in
    their own language. ``sealed``: UTF-8 words under the learner's key. ``minutes``: of an
    extension.
    """

    __tablename__ = "interventions"
    __table_args__ = (UniqueConstraint("sitting_id", "number"),)

    id: Mapped[str] = id_column()
    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"))
    number: Mapped[int] = mapped_column(Integer)
    act: Mapped[Act] = mapped_column(string_enum(Act))
    author_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    phrase: Mapped[str | None] = mapped_column(String(48))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    minutes: Mapped[int | None] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class VisitCode(Base):
    """What binds one visit to a test on another site to a sitting, good once."""

    __tablename__ = "visit_codes"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Expiry(Base):
    """Nobody may see the recordings, clips and typing of a sitting any more.

    ``on_request``: the student asked for it, otherwise their term was over; ``due_at``: when it
    was, or the request was confirmed; ``at``: since when they are shown to nobody; ``done_at``:
    when the last of them was gone, None while they are being erased.
    """

    __tablename__ = "expiries"

    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"), primary_key=True)
    on_request: Mapped[bool] = mapped_column(Boolean)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


class Answer(Base):
    """The newest saved answer to one question. ``sealed``: UTF-8 text under the person's key."""

    __tablename__ = "answers"

    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"), primary_key=True)
    question_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("questions.id"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(Integer)
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
