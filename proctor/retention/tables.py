"""How long an institution keeps what."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from proctor.plumbing.db import Base, UtcDateTime, id_column, string_enum
from proctor.retention.rules import Kept


class RetentionTerm(Base):
    """How many days something is kept; insert-only, the newest counts for what begins after it."""

    __tablename__ = "retention_terms"

    id: Mapped[str] = id_column()
    institution_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("institutions.id"), index=True
    )
    kept: Mapped[Kept] = mapped_column(string_enum(Kept))
    days: Mapped[int] = mapped_column(Integer)
    by: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class LegalHold(Base):
    """Nothing of a person is erased before ``until``, once a second person has set it.

    Two people set it and two lift it. ``reason`` is read by the student; the chain holds that it
    was set, not why.
    """

    __tablename__ = "legal_holds"

    id: Mapped[str] = id_column()
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    asked_by: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    set_by: Mapped[str | None] = mapped_column(String(32), ForeignKey("accounts.id"))
    set_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lift_asked_by: Mapped[str | None] = mapped_column(String(32), ForeignKey("accounts.id"))
    lifted_by: Mapped[str | None] = mapped_column(String(32), ForeignKey("accounts.id"))
    lifted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Erasure(Base):
    """A student asked that their samples and recordings are erased.

    ``confirmed_at``: since when the key that sealed them is destroyed; ``done_at``: when the last
    file was gone; ``receipt``: what was erased, {} before. ``refusal``: why the office refused it,
    read by the student; the chain holds that it was refused, not why.
    """

    __tablename__ = "erasures"

    id: Mapped[str] = id_column()
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), index=True)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    confirmed_by: Mapped[str | None] = mapped_column(String(32), ForeignKey("accounts.id"))
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    receipt: Mapped[dict[str, Any]] = mapped_column(JSON)
    refused_by: Mapped[str | None] = mapped_column(String(32), ForeignKey("accounts.id"))
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refusal: Mapped[str | None] = mapped_column(Text)

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer, or for the last file to go."""
        return not (self.withdrawn_at or self.refused_at or self.done_at)
