"""Spans to look at and the clips that show them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Float, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from proctor.observations import Track
from proctor.plumbing.db import Base, UtcDateTime, id_column, string_enum


class IncidentRow(Base):
    """A span to look at. ``end_s`` is empty while it is open; times since the exam began."""

    __tablename__ = "incidents"

    id: Mapped[str] = id_column()
    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"), index=True)
    kind: Mapped[str] = mapped_column(String(48))
    severity: Mapped[str] = mapped_column(String(16))
    start_s: Mapped[float] = mapped_column(Float)
    end_s: Mapped[float | None] = mapped_column(Float)
    opened_s: Mapped[float] = mapped_column(Float)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    evidence: Mapped[dict[str, Any]] = mapped_column(JSON)


class ClipRow(Base):
    """A cut of one track around an incident; ``parent_sha256`` ties it to its recording."""

    __tablename__ = "clips"

    id: Mapped[str] = id_column()
    incident_id: Mapped[str] = mapped_column(String(32), ForeignKey("incidents.id"), index=True)
    track: Mapped[Track] = mapped_column(string_enum(Track))
    path: Mapped[str] = mapped_column(String(300))
    start_s: Mapped[float] = mapped_column(Float)
    end_s: Mapped[float] = mapped_column(Float)
    sha256: Mapped[str] = mapped_column(String(64))
    parent_sha256: Mapped[str] = mapped_column(String(64))
