"""The media connections of one sitting: the newest replaces the one before it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from proctor import events
from proctor.live.invigilation import SittingOver
from proctor.live.journal import Journal
from proctor.live.loading import Line, Loaded
from proctor.live.looking import Looking
from proctor.media import ledger
from proctor.media.capture import Capture
from proctor.people.consents import ConsentMissing
from proctor.plumbing.db import hold, new_id
from proctor.plumbing.uncancelled import to_the_end
from proctor.sittings.expiries import RecordingExpired, refuse_expired
from proctor.sittings.tables import Sitting, SittingState


@dataclass(frozen=True, slots=True)
class Connection:
    """What was offered and answered."""

    id: str
    offer: str
    answer: str


class Connections:
    """One after the other, and none while the exam is being ended.

    ``lock``: the sitting's. ``may_record``: whether the student consents to be recorded.
    """

    def __init__(
        self,
        line: Line,
        loaded: Loaded,
        journal: Journal,
        lock: asyncio.Lock,
        capture: Capture,
        looking: Looking,
        may_record: Callable[[], bool],
    ) -> None:
        self._root = line.settings.recordings_dir
        self._duration = loaded.duration
        self._journal, self._lock = journal, lock
        self._capture, self._looking = capture, looking
        self._may_record = may_record
        self._newest: Connection | None = None

    @property
    def newest(self) -> Connection | None:
        """The connection there is now."""
        return self._newest if self._capture.peer is not None else None

    async def connect(self, sdp: str, tracks: Mapping[str, str]) -> Connection:
        """Answer the offer of the student's page.

        Raises OfferRefused, ConsentMissing, DiskFull or SittingOver.
        """
        return await to_the_end(self._connect(sdp, tracks, "page"))

    async def publish(self, sdp: str) -> Connection:
        """As ``connect``, for a program: its first picture is the camera, its second the screen."""
        return await to_the_end(self._connect(sdp, None, "whip"))

    async def unpublish(self, connection_id: str) -> bool:
        """End the connection if it is the one there is; whether it was."""
        async with self._lock:
            if self.newest is None or self.newest.id != connection_id:
                return False
            await self._capture.drop("connection_left")
        return True

    async def _connect(self, sdp: str, tracks: Mapping[str, str] | None, via: str) -> Connection:
        async with self._lock:
            if self._journal.is_finished:
                raise SittingOver
            if not self._may_record():
                raise ConsentMissing
            answer = await self._capture.connect(
                sdp, tracks, self._longest_s(), self._journal.is_under_way
            )
            try:
                await self._journal.write(partial(self._note, via))
            except (SQLAlchemyError, RecordingExpired):
                # files that no row names would be seen by nobody
                await self._capture.drop("not_noted")
                raise
            self._looking.begin()
            made = self._newest = Connection(new_id(), sdp, answer)
        return made

    def _note(self, via: str, tx: Session, now: datetime) -> None:
        sitting_id = self._journal.sitting.id
        hold(tx, sitting_id)
        refuse_expired(tx, sitting_id)
        sitting = tx.get_one(Sitting, sitting_id)
        if sitting.state == SittingState.CREATED:
            sitting.state = SittingState.CHECKING
        ledger.open_files(tx, sitting_id, self._capture.paths, self._root)
        events.append(tx, sitting_id, "media_connected", {"via": via}, now)

    def _longest_s(self) -> float:
        left_s = self._journal.remaining_s
        return self._duration.total_seconds() if left_s is None else left_s
