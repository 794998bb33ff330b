"""The event store: append-only, hash-chained per stream (one stream per sitting).

What happened enters; a chain that shows any later change leaves. Callers acknowledge to a
client only after their transaction committed.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
from sqlalchemy import Integer, LargeBinary, String, Text, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from proctor.plumbing.db import Base, UtcDateTime, hold

GENESIS = bytes(32)


class Event(Base):
    """One thing that happened in a stream; never updated, never deleted."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("stream", "seq"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    stream: Mapped[str] = mapped_column(String(64), index=True)
    seq: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(48))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    body: Mapped[str] = mapped_column(Text)
    hash: Mapped[bytes] = mapped_column(LargeBinary)

    @property
    def payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = json.loads(self.body)
        return payload


@dataclass(frozen=True, slots=True)
class ChainBroken:
    """The first event whose hash does not follow from the one before it."""

    stream: str
    seq: int


def append(tx: Session, stream: str, kind: str, payload: dict[str, Any], at: datetime) -> Event:
    """Add one event to the end of *stream*. ``payload`` is plain JSON values."""
    return append_all(tx, stream, [(kind, payload)], at)[-1]


def append_all(
    tx: Session, stream: str, facts: list[tuple[str, dict[str, Any]]], at: datetime
) -> list[Event]:
    """Add several events that became known together, in order."""
    # two that read the same last event would both follow it
    hold(tx, stream)
    last = _last(tx, stream)
    seq, previous = (last.seq, last.hash) if last else (0, GENESIS)
    added = []
    for kind, payload in facts:
        seq += 1
        body = rfc8785.dumps(payload).decode()
        previous = _link(previous, stream, seq, kind, at, body)
        added.append(Event(stream=stream, seq=seq, kind=kind, at=at, body=body, hash=previous))
    tx.add_all(added)
    tx.flush()
    return added


def record_access(tx: Session, *, viewer_id: str, stream: str, what: str, at: datetime) -> Event:
    """Write who is about to see what of a person's recording, before the first byte."""
    return append(tx, stream, "recording_viewed", {"viewer": viewer_id, "what": what}, at)


def read(tx: Session, stream: str, *kinds: str) -> list[Event]:
    """Events of *stream* in order, of the given kinds or of all."""
    query = select(Event).where(Event.stream == stream).order_by(Event.seq)
    if kinds:
        query = query.where(Event.kind.in_(kinds))
    return list(tx.scalars(query))


def read_all(tx: Session, streams: Iterable[str], kind: str) -> list[Event]:
    """Events of *kind* in any of *streams*, in the order they were written."""
    found = select(Event).where(Event.stream.in_(streams), Event.kind == kind).order_by(Event.id)
    return list(tx.scalars(found))


def verify(tx: Session, stream: str) -> ChainBroken | None:
    """Walk the chain of *stream*; None when every hash follows from the one before it."""
    previous, expected = GENESIS, 1
    for event in read(tx, stream):
        link = _link(previous, stream, event.seq, event.kind, event.at, event.body)
        if event.seq != expected or link != event.hash:
            return ChainBroken(stream, event.seq)
        previous, expected = event.hash, expected + 1
    return None


def settle(tx: Session) -> None:
    """Have *tx* see no event before every one that was written earlier; its first statement.

    On PostgreSQL two who write at once may become visible in the other order than they are
    numbered. Writers wait for a moment: the lock is given back, the view of the data stays.
    """
    if tx.get_bind().dialect.name == "postgresql":
        with tx.begin_nested() as held:
            tx.execute(text("LOCK TABLE events IN SHARE MODE"))
            tx.execute(select(Event.id).limit(1))
            held.rollback()


def links(tx: Session) -> Iterator[tuple[str, bytes]]:
    """Stream and hash of every event of all streams, in the order they were written."""
    query = select(Event.stream, Event.hash).order_by(Event.id)
    yield from tx.execute(query.execution_options(yield_per=10_000))


def _last(tx: Session, stream: str) -> Event | None:
    query = select(Event).where(Event.stream == stream).order_by(Event.seq.desc()).limit(1)
    return tx.scalars(query).first()


def _link(previous: bytes, stream: str, seq: int, kind: str, at: datetime, body: str) -> bytes:
    link = rfc8785.dumps([stream, seq, kind, at.isoformat(), body])
    return hashlib.sha256(previous + link).digest()
