"""What was recorded of a sitting, and what is missing with its cause."""

from enum import StrEnum

from sqlalchemy import Float, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from proctor.observations import Track
from proctor.plumbing.db import Base, id_column, string_enum


class Source(StrEnum):
    """Where the pictures of a file come from."""

    LIVE = "live"
    #: kept by the student's browser while it was cut off, sent afterwards
    BACKFILL = "backfill"


class Recording(Base):
    """One file of one track: from one peer connection, or of what was sent after a gap.

    ``path`` is relative to the recordings directory. ``starts_s`` is when the file's time zero
    lies, in seconds since the exam began (negative: recording begins at the identity check).
    ``sha256`` is empty while the file grows.
    """

    __tablename__ = "recordings"

    id: Mapped[str] = id_column()
    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"), index=True)
    track: Mapped[Track] = mapped_column(string_enum(Track))
    part: Mapped[int] = mapped_column(Integer)
    path: Mapped[str] = mapped_column(String(300))
    starts_s: Mapped[float] = mapped_column(Float)
    recorded_s: Mapped[float] = mapped_column(Float, default=0.0)
    bytes: Mapped[int] = mapped_column(Integer, default=0)
    sha256: Mapped[str] = mapped_column(String(64), default="")
    source: Mapped[Source] = mapped_column(string_enum(Source), default=Source.LIVE)


class MediaGap(Base):
    """A stretch of the exam that was not recorded on a track. Seconds since the exam began."""

    __tablename__ = "media_gaps"

    id: Mapped[str] = id_column()
    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"), index=True)
    track: Mapped[Track] = mapped_column(string_enum(Track))
    start_s: Mapped[float] = mapped_column(Float)
    end_s: Mapped[float] = mapped_column(Float)
    cause: Mapped[str] = mapped_column(String(48))
