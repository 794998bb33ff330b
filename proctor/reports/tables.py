"""Issued reports: frozen, superseded, never edited."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from proctor.plumbing.db import Base, UtcDateTime, id_column


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
