"""How long an institution keeps what."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String
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
