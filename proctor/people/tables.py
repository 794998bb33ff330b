"""Institutions, accounts, sign-in, consents."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Boolean, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from proctor.plumbing.db import Base, UtcDateTime, id_column, string_enum


class Role(StrEnum):
    STUDENT = "student"
    PROCTOR = "proctor"
    REVIEWER = "reviewer"
    TEACHER = "teacher"
    EXAM_OFFICE = "exam_office"
    ADMIN = "admin"


class Purpose(StrEnum):
    """What a consent is given for."""

    FACE = "face"
    TYPING = "typing"
    RECORDING = "recording"


class Institution(Base):
    __tablename__ = "institutions"

    id: Mapped[str] = id_column()
    name: Mapped[str] = mapped_column(String(200))


class Account(Base):
    """A person who can sign in. ``learner_number`` identifies a student unambiguously."""

    __tablename__ = "accounts"

    id: Mapped[str] = id_column()
    institution_id: Mapped[str] = mapped_column(String(32), ForeignKey("institutions.id"))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(string_enum(Role))
    learner_number: Mapped[str | None] = mapped_column(String(64))
    locale: Mapped[str] = mapped_column(String(2), default="kk")
    password_hash: Mapped[str | None] = mapped_column(String(200))
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)


class SignInLink(Base):
    """A one-time link; only the hash of its token is kept."""

    __tablename__ = "sign_in_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignInSession(Base):
    """One sign-in, kept on the server; the cookie holds only its token."""

    __tablename__ = "sign_in_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Consent(Base):
    """One answer of a person to one purpose; insert-only, the newest counts.

    ``sealed``: JSON {given, text_version, locale, text_sha256} under the person's key.
    """

    __tablename__ = "consents"

    id: Mapped[str] = id_column()
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), index=True)
    purpose: Mapped[Purpose] = mapped_column(string_enum(Purpose))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
