"""Decisions of people, and what students say about them; insert-only but for claims."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Boolean, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from proctor.plumbing.db import Base, UtcDateTime, id_column, string_enum


class Decision(StrEnum):
    """About an incident: ``confirmed`` or ``dismissed``. About a sitting's identity:
    ``verified``, ``unverified`` or ``void`` (takes effect when a second person decides it)."""

    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    VOID = "void"


class Verdict(Base):
    """One decision with its reason. ``incident_id`` is empty for the identity of the sitting."""

    __tablename__ = "verdicts"

    id: Mapped[str] = id_column()
    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"), index=True)
    incident_id: Mapped[str | None] = mapped_column(String(32), ForeignKey("incidents.id"))
    reviewer_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    decision: Mapped[Decision] = mapped_column(string_enum(Decision))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Statement(Base):
    """A student's answer to an incident, or an appeal against a decision on it.

    ``incident_id``: None for the identity of the sitting. ``sealed``: UTF-8 under their key.
    """

    __tablename__ = "statements"

    id: Mapped[str] = id_column()
    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"), index=True)
    incident_id: Mapped[str | None] = mapped_column(String(32), ForeignKey("incidents.id"))
    is_appeal: Mapped[bool] = mapped_column(Boolean)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class AppealRuling(Base):
    """What another person ruled on an appeal."""

    __tablename__ = "appeal_rulings"

    statement_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("statements.id"), primary_key=True
    )
    reviewer_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    granted: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReviewClaim(Base):
    """Who works on a sitting now; nobody else decides in it before ``until``."""

    __tablename__ = "review_claims"

    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    until: Mapped[datetime] = mapped_column(UtcDateTime)


class SampleLook(Base):
    """What a person found in a sitting without incidents. ``missed``: the kind of incident that
    should have been opened, None when nothing was missed. Says nothing of the sitting's outcome.
    """

    __tablename__ = "sample_looks"

    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"), primary_key=True)
    reviewer_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    missed: Mapped[str | None] = mapped_column(String(48))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Seen(StrEnum):
    """What a stretch of a recording shows to somebody who was told nothing of it."""

    SOMETHING = "something"
    NOTHING = "nothing"
    UNSURE = "unsure"


class FirstLook(Base):
    """What a person saw in an incident before being told what a detector said. Insert-only."""

    __tablename__ = "first_looks"

    incident_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("incidents.id"), primary_key=True
    )
    reviewer_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("accounts.id"), primary_key=True
    )
    seen: Mapped[Seen] = mapped_column(string_enum(Seen))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class BlindOpinion(Base):
    """What one more person thinks of an incident without knowing what was decided about it.

    ``is_control``: two people dismissed it before. Has no effect on any outcome.
    """

    __tablename__ = "blind_opinions"
    __table_args__ = (UniqueConstraint("incident_id", "reviewer_id"),)

    id: Mapped[str] = id_column()
    incident_id: Mapped[str] = mapped_column(String(32), ForeignKey("incidents.id"))
    reviewer_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), index=True)
    decision: Mapped[Decision] = mapped_column(string_enum(Decision))
    is_control: Mapped[bool] = mapped_column(Boolean)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
