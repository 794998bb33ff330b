"""Publications of courses: what the share of the scheme was when it passed the gate."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from proctor.plumbing.db import Base, UtcDateTime, id_column


class Publication(Base):
    """One version of a scheme, allowed on the platform; insert-only.

    ``expertise`` and ``pilot``: records of item 37. ``shares``: the two readings by design as
    they were, with the pack they were tested under.
    """

    __tablename__ = "publications"

    id: Mapped[str] = id_column()
    scheme_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("assessment_schemes.id"), unique=True
    )
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"))
    expertise: Mapped[str] = mapped_column(String(300))
    pilot: Mapped[str] = mapped_column(String(300))
    shares: Mapped[dict[str, Any]] = mapped_column(JSON)
