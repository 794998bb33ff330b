"""Issued reports and certificates: frozen, superseded or revoked, never edited.

The figures of the overview are made anew all the time; nothing is decided by them.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from proctor.plumbing.db import Base, UtcDateTime, id_column, string_enum


class IssuedReport(Base):
    """The canonical JSON of one identity report and its hash; other formats are drawn from it."""

    __tablename__ = "issued_reports"
    __table_args__ = (UniqueConstraint("course_id", "version"),)

    id: Mapped[str] = id_column()
    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"))
    version: Mapped[int] = mapped_column(Integer)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    issued_by: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    body: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))


class CertificateStatus(StrEnum):
    VALID = "valid"
    UNDER_REVIEW = "under_review"
    REVOKED = "revoked"


class Certificate(Base):
    """One certificate of completion (Annex 1), frozen. ``id`` is its public address;
    ``number``: gapless per institution; ``body``: canonical JSON of its fields."""

    __tablename__ = "certificates"
    __table_args__ = (
        UniqueConstraint("institution_id", "number"),
        UniqueConstraint("course_id", "account_id"),
    )

    id: Mapped[str] = id_column()
    institution_id: Mapped[str] = mapped_column(String(32), ForeignKey("institutions.id"))
    number: Mapped[int] = mapped_column(Integer)
    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"))
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    body: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))


class CertificateTexts(Base):
    """What is printed on the certificates of one course. ``body``: canonical JSON."""

    __tablename__ = "certificate_texts"

    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"), primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class CertificateRuling(Base):
    """A decision on a certificate after it was issued; insert-only, the newest counts. ``by`` is
    None in those of before it was asked for."""

    __tablename__ = "certificate_rulings"

    id: Mapped[str] = id_column()
    certificate_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("certificates.id"), index=True
    )
    status: Mapped[CertificateStatus] = mapped_column(string_enum(CertificateStatus))
    reason: Mapped[str] = mapped_column(Text)
    by: Mapped[str | None] = mapped_column(String(32), ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Stand(StrEnum):
    """How a learner stands to the threshold of a course.

    ``open``: it is met if all that is pending becomes verified; ``below``: not even then.
    """

    MET = "met"
    OPEN = "open"
    BELOW = "below"
    NOT_APPLICABLE = "not_applicable"


class LearnerStand(Base):
    """How one learner of a course stood when the figures of the course were last gathered."""

    __tablename__ = "learner_stands"
    __table_args__ = (Index(None, "course_id", "stand"),)

    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), primary_key=True)
    stand: Mapped[Stand] = mapped_column(string_enum(Stand))


class Figures(Base):
    """Sums that take too long to make while somebody waits for a page.

    ``subject``: ``course:ID`` or ``institution:ID``. ``as_of``: when their gathering began.
    """

    __tablename__ = "figures"

    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    as_of: Mapped[datetime] = mapped_column(UtcDateTime)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
