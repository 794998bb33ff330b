"""What the service has to tell a person: in the application, and by e-mail where it is set up.

Notices name an exam and a page; what happened is read there, after signing in.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from proctor.errors import NotFound
from proctor.plumbing.db import Base, UtcDateTime, id_column, string_enum


class NoticeKind(StrEnum):
    """To students. ``answer``: incidents to explain; ``deadline``: the time for it ends soon;
    ``decision``: a person decided; ``message``: a proctor wrote while the exam's page was closed;
    ``erasure``: a request to have one's data erased was answered.

    To staff. ``review``: sittings of an exam wait; ``second``: a decision waits for another
    person; ``appeal``: one waits for somebody who decided nothing; ``detector``: one is off.
    """

    ANSWER = "answer"
    DEADLINE = "deadline"
    DECISION = "decision"
    MESSAGE = "message"
    ERASURE = "erasure"
    REVIEW = "review"
    SECOND = "second"
    APPEAL = "appeal"
    DETECTOR = "detector"


class Notice(Base):
    """One thing told to one person, about a sitting, an exam or neither. ``values``: what its
    sentence is filled with, nothing about a person. ``post_at``: when it is next tried by e-mail;
    None when it was sent or given up."""

    __tablename__ = "notices"

    id: Mapped[str] = id_column()
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), index=True)
    kind: Mapped[NoticeKind] = mapped_column(string_enum(NoticeKind))
    sitting_id: Mapped[str | None] = mapped_column(
        String(32), ForeignKey("sittings.id"), index=True
    )
    event_id: Mapped[str | None] = mapped_column(String(32), ForeignKey("assessment_events.id"))
    values: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    post_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    tries: Mapped[int] = mapped_column(Integer, default=0)

    @property
    def path(self) -> str:
        """The page it is about."""
        match self.kind:
            case NoticeKind.MESSAGE:
                return f"/sittings/{self.sitting_id}"
            case NoticeKind.REVIEW:
                return f"/review?exam={self.event_id}"
            case NoticeKind.SECOND | NoticeKind.APPEAL:
                return f"/review/sittings/{self.sitting_id}"
            case NoticeKind.ERASURE:
                return "/my-data#erasure"
            case NoticeKind.DETECTOR:
                return "/office/quality"
        return f"/sittings/{self.sitting_id}/record"


class NoSuchNotice(NotFound):
    """There is no such notice for you."""


@dataclass(frozen=True, slots=True)
class About:
    """What a notice is about. ``exam``: its title; ``until``: when a time for it ends;
    ``detector``: a kind of incident."""

    account_id: str
    sitting_id: str | None = None
    exam: str | None = None
    until: datetime | None = None
    event_id: str | None = None
    detector: str | None = None

    @property
    def values(self) -> dict[str, Any]:
        until = None if self.until is None else self.until.isoformat()
        found = {"exam": self.exam, "until": until, "detector": self.detector}
        return {name: value for name, value in found.items() if value is not None}


def tell(tx: Session, kind: NoticeKind, about: About, at: datetime) -> None:
    """Add a notice, unless the same waits unread: twenty decisions in an hour are one."""
    same = select(Notice).where(
        Notice.account_id == about.account_id,
        Notice.sitting_id == about.sitting_id,
        Notice.event_id == about.event_id,
        Notice.kind == kind,
        Notice.seen_at.is_(None),
    )
    if any(row.values == about.values for row in tx.scalars(same)):
        return
    tx.add(
        Notice(
            account_id=about.account_id,
            kind=kind,
            sitting_id=about.sitting_id,
            event_id=about.event_id,
            values=about.values,
            at=at,
            post_at=at,
        )
    )
    tx.flush()


def notices_of(tx: Session, account_id: str, most: int = 50) -> list[Notice]:
    """A person's notices, the newest first."""
    query = select(Notice).where(Notice.account_id == account_id)
    return list(tx.scalars(query.order_by(Notice.at.desc(), Notice.id).limit(most)))


def unseen(tx: Session, account_id: str) -> int:
    """How many a person has not read."""
    query = select(func.count()).where(Notice.account_id == account_id, Notice.seen_at.is_(None))
    return tx.scalars(query).one()


def see(tx: Session, account_id: str, notice_id: str, at: datetime) -> Notice:
    """The notice, read. Raises NoSuchNotice."""
    row = tx.get(Notice, notice_id)
    if row is None or row.account_id != account_id:
        raise NoSuchNotice(notice=notice_id)
    row.seen_at = row.seen_at or at
    return row


def see_all(tx: Session, account_id: str, at: datetime) -> None:
    """Mark all of a person's notices as read."""
    mine = update(Notice).where(Notice.account_id == account_id, Notice.seen_at.is_(None))
    tx.execute(mine.values(seen_at=at))
