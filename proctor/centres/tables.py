"""Test centres and the protocols of their sittings."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, Boolean, Date, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from proctor.plumbing.db import Base, UtcDateTime, id_column, string_enum


class Document(StrEnum):
    """What the invigilator compared the person with."""

    ID_CARD = "id_card"
    PASSPORT = "passport"
    STUDENT_CARD = "student_card"
    RESIDENCE_PERMIT = "residence_permit"


class Centre(Base):
    """An organisation at whose workplaces events are held (item 38(1)b).

    ``workplaces``: their labels; ``invigilators``: names, or e-mail addresses of the accounts, of
    those who may sign.
    """

    __tablename__ = "centres"
    __table_args__ = (UniqueConstraint("institution_id", "code"),)

    id: Mapped[str] = id_column()
    institution_id: Mapped[str] = mapped_column(String(32), ForeignKey("institutions.id"))
    code: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(300))
    region: Mapped[str] = mapped_column(String(200))
    workplaces: Mapped[list[str]] = mapped_column(JSON)
    invigilators: Mapped[list[str]] = mapped_column(JSON)


class Protocol(Base):
    """The protocol of one sitting at a centre; frozen once ``signed_on`` is set.

    ``invigilator``: as the centre lists them. ``sent_by``: the account that sent it, None when it
    came in a file.
    """

    __tablename__ = "centre_protocols"
    __table_args__ = (UniqueConstraint("centre_id", "number"),)

    id: Mapped[str] = id_column()
    centre_id: Mapped[str] = mapped_column(String(32), ForeignKey("centres.id"))
    number: Mapped[str] = mapped_column(String(64))
    event_id: Mapped[str] = mapped_column(String(32), ForeignKey("assessment_events.id"))
    held_at: Mapped[datetime] = mapped_column(UtcDateTime)
    invigilator: Mapped[str] = mapped_column(String(200))
    signed_on: Mapped[date | None] = mapped_column(Date)
    sent_by: Mapped[str | None] = mapped_column(String(32), ForeignKey("accounts.id"))


class ProtocolEntry(Base):
    """One learner in a protocol: two separate facts.

    ``document``: what the identity was checked by, None = it was not checked;
    ``conditions``: whether the conditions of the event were controlled.
    """

    __tablename__ = "centre_protocol_entries"

    protocol_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("centre_protocols.id"), primary_key=True
    )
    account_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("accounts.id"), primary_key=True, index=True
    )
    attended: Mapped[bool] = mapped_column(Boolean)
    workplace: Mapped[str | None] = mapped_column(String(64))
    document: Mapped[Document | None] = mapped_column(string_enum(Document))
    conditions: Mapped[bool] = mapped_column(Boolean)


class Cause(StrEnum):
    """Why an exam planned here is sat in the traditional way (KazNU 2.23)."""

    PLANNED = "planned"
    OUTAGE = "outage"
    CONSENT_REFUSED = "consent_refused"
    SUSPENDED = "suspended"


class OnSiteSitting(Base):
    """A sitting on site in the place of one online; the newest that names a learner counts.

    ``account_id``: None for everybody on the roster. ``place``, ``held_at``: None until they are
    appointed. ``withdrawn_at``: since when the exam is online again.
    """

    __tablename__ = "on_site_sittings"

    id: Mapped[str] = id_column()
    course_id: Mapped[str] = mapped_column(String(32), ForeignKey("courses.id"), index=True)
    event_code: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[str | None] = mapped_column(String(32), ForeignKey("accounts.id"))
    cause: Mapped[Cause] = mapped_column(string_enum(Cause))
    reason: Mapped[str] = mapped_column(String(300))
    place: Mapped[str | None] = mapped_column(String(300))
    held_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
