"""One open sitting on the event loop: its media, its analysis, its page.

Its state belongs to the loop; every change goes through its lock, in a thread, and is
acknowledged after commit.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from keystroke.events import KeyBatch, KeyEventError, parse_batch
from proctor import events
from proctor.analysis import browser
from proctor.errors import Conflict
from proctor.live.away import Away
from proctor.live.connections import Connections
from proctor.live.faces import FaceWatch, Look
from proctor.live.files import Files
from proctor.live.identification import Identification
from proctor.live.invigilation import Invigilation, SittingOver
from proctor.live.journal import Item, Journal, TimedCheck
from proctor.live.loading import LASTING, PACE, Line, Loaded
from proctor.live.looking import Looking
from proctor.live.page import Messages, Page
from proctor.live.preview import Preview
from proctor.live.restart import note_outages
from proctor.live.times import epoch_of, exam_length_s
from proctor.media import ledger
from proctor.media.backfill import BackfillRefused, read_pictures
from proctor.media.capture import CONSENT_WITHDRAWN, FINISHED, Capture
from proctor.media.pace import Pace
from proctor.observations import Check, NotAssessed, Observation, Track
from proctor.people.tables import Purpose
from proctor.sittings.desk import OutsideWindow
from proctor.sittings.tables import Sitting

log = structlog.get_logger()

SILENT_AFTER_S = 20.0


class NotIdentified(Conflict):
    """Identity is not established yet."""

    key = "error.not_identified"


class MediaNotLive(Conflict):
    """Camera and screen are not both arriving."""

    key = "error.media_not_live"


class TimeLeft(Conflict):
    """The exam is not over, whatever the page's clock says: a proctor gave time, or paused it."""

    key = "error.time_left"


class WrongBatch(Conflict):
    """A batch is missing before this one."""

    key = "error.batch_order"


class Replaced(Conflict):
    """Another socket of the page took the place of this one."""

    key = "error.second_page"


class LiveSitting:
    """One sitting from the connection of its media to its receipt."""

    def __init__(self, line: Line, loaded: Loaded) -> None:
        self._line = line
        self.id = loaded.sitting.id
        self._loaded = loaded
        self._consented = loaded.consented
        self._journal = Journal(line, loaded)
        self._faces = FaceWatch(
            line.inference, self.id, loaded.identity, loaded.policy.challenge_steps
        )
        self.identification = Identification(self._faces, is_admitted=loaded.is_admitted)
        self._page = Page()
        self._heard = line.clock.monotonic()
        self._kbit_s = 0
        self._is_relayed = False
        self._tasks: set[asyncio.Task[None]] = set()
        # orders the writes of this sitting: rules state and event chain move together
        self._lock = asyncio.Lock()
        root = line.settings.recordings_dir
        self._files = Files(self.id, root, self._journal, self._lock, self._spawn)
        self._capture = Capture(
            line.clock,
            root / self.id,
            epoch_of(loaded.sitting, line.clock),
            line.port,
            line.disk,
            self._media_changed,
            self._files.begun,
        )
        self._looking = Looking(
            self.id, line.clock, self._capture, self._faces, self._looked, self._note
        )
        self.connections = Connections(
            line,
            loaded,
            self._journal,
            self._lock,
            self._capture,
            self._looking,
            lambda: Purpose.RECORDING in self._consented,
        )
        self.previews = {
            track: Preview(line.inference, partial(self._capture.look_at, track)) for track in Track
        }
        self.invigilation = Invigilation(
            line, self._journal, self._lock, self._page, self._capture, self._faces, self._finish
        )
        self.away = Away(
            self._journal,
            self._lock,
            self._page,
            self._capture,
            self._faces,
            may_break=loaded.may_break,
        )

    @property
    def account_id(self) -> str:
        """Whose sitting it is."""
        return self._sitting.account_id

    @property
    def is_running(self) -> bool:
        return self._journal.is_running

    @property
    def state_name(self) -> str:
        return self._sitting.state.value

    @property
    def is_finished(self) -> bool:
        return self._journal.is_finished

    @property
    def is_silent(self) -> bool:
        """Whether neither its page nor its camera has been heard of lately."""
        quiet_s = self._line.clock.monotonic() - self._heard
        return quiet_s > SILENT_AFTER_S and not any(self._capture.live_tracks().values())

    @property
    def is_forgettable(self) -> bool:
        """Whether nothing is lost when this process no longer holds it."""
        is_past = self.is_finished or self._line.clock.now() > self._loaded.closes_at
        return (
            is_past and not self._journal.is_under_way and self.is_silent and not self._page.is_open
        )

    @property
    def exam_now_s(self) -> float:
        """Seconds since the exam began."""
        return self._capture.now_s - self._sitting.exam_offset_s

    @property
    def remaining_s(self) -> float | None:
        """Seconds until the exam is over; None before it began."""
        return self._journal.remaining_s

    @property
    def _sitting(self) -> Sitting:
        return self._journal.sitting

    @property
    def live_tracks(self) -> dict[str, bool]:
        """Which tracks arrive."""
        return {track.value: on for track, on in self._capture.live_tracks().items()}

    @property
    def taken_bytes(self) -> int:
        """Bytes of all pictures that arrived."""
        return self._capture.taken_bytes

    @property
    def pace(self) -> Pace:
        """What its page sends."""
        return self._capture.pace

    @property
    def is_relayed(self) -> bool:
        """Whether its pictures come through the relay, by its page's word."""
        return self._is_relayed

    @property
    def recorded_now_s(self) -> float:
        """Seconds on the recordings' clock; the exam's begins ``exam_offset_s`` later."""
        return self._capture.now_s

    @property
    def exam_offset_s(self) -> float | None:
        """When the exam began on the recordings' clock; None before."""
        return None if self._sitting.started_at is None else self._sitting.exam_offset_s

    @property
    def paths(self) -> dict[Track, Path]:
        """The file each track is being written to."""
        return self._capture.paths

    @property
    def last_batch(self) -> int:
        return self._sitting.last_batch

    async def connect(self, sdp: str, tracks: Mapping[str, str]) -> str:
        """Answer an offer of the page, as ``connections`` do."""
        self._heard = self._line.clock.monotonic()
        return (await self.connections.connect(sdp, tracks)).answer

    def watched(self) -> AbstractContextManager[None]:
        """While somebody follows the files of ``paths``."""
        return self._capture.watched()

    async def subscribe(self) -> Messages:
        """Messages for a socket of the student's page, which takes the place of the one before.

        What the one before sent is kept by then, or never will be.
        """
        self._heard = self._line.clock.monotonic()
        async with self._lock:
            return self._page.open()

    def unsubscribe(self, messages: Messages) -> None:
        self._page.leave(messages)

    async def take_batch(self, message: Mapping[str, Any], page: Messages | None = None) -> int:
        """Keep one batch of the page; returns its number after commit.

        A batch already kept is acknowledged again. Of one that cannot be read the number is kept,
        and that it could not: the page would send it again for ever. Raises WrongBatch,
        BatchRefused or SittingOver, and Replaced when *page* is a socket that another took the
        place of.
        """
        arrived = self._line.clock.monotonic()
        self._heard = arrived
        seq = message.get("seq")
        if not isinstance(seq, int) or isinstance(seq, bool):
            raise browser.BatchRefused
        at_s = self._capture.place(arrived)
        seen, batch, unread = self._read_batch(message, at_s)
        typed_s = at_s - browser.age_s(message.get("ms"), message.get("now_ms"))
        async with self._lock:
            if page is not None and not self._page.reads(page):
                raise Replaced
            if seq <= self._sitting.last_batch:
                return seq
            if self.is_finished:
                raise SittingOver
            if seq != self._sitting.last_batch + 1:
                raise WrongBatch(expected=self._sitting.last_batch + 1)
            typed_s = max(0.0, typed_s - self._sitting.exam_offset_s)
            await self._journal.keep_batch(seq, seen, batch, typed_s, unread)
        self._is_relayed = browser.is_relayed(seen, before=self._is_relayed)
        return seq

    def keep_pace(self, pace: Pace) -> None:
        """The page sends at *pace* from now on; it is told what its line carried until now."""
        if pace is not self.pace:
            self._kbit_s = self._capture.kbit_s
            self._capture.keep_pace(pace)
            self._note_pace()
        self._page.tell({"type": "pace", "kbit_s": self._kbit_s})

    async def take_backfill(self, track: Track, data: bytes, now_ms: float) -> int:
        """Keep what the page recorded while it was cut off; how many pictures were missing.

        ``now_ms``: what the clock of the pictures shows. What is there already is not kept twice.
        Raises BackfillRefused, DiskFull or SittingOver.
        """
        age_s = now_ms / 1000 - self._capture.now_s
        pictures = read_pictures(data)
        if not isfinite(age_s) or pictures[-1].at_s > now_ms / 1000:
            raise BackfillRefused
        async with self._lock:
            if not self._journal.is_under_way:
                raise SittingOver
            made = await self._capture.fill(track, pictures, age_s)
            if made is None:
                return 0
            root, sitting = self._line.settings.recordings_dir, self._sitting
            await self._journal.write(
                lambda tx, now: ledger.note_backfill(tx, sitting, made, root, now)
            )
            self._capture.note_filled(track, made.held)
        return made.pictures

    async def start(self) -> float:
        """Begin the exam; returns the seconds that remain.

        Raises NotIdentified, MediaNotLive, OutsideWindow or SittingOver; when it has begun
        already, paused or not, nothing happens.
        """
        async with self._lock:
            if self.is_finished:
                raise SittingOver
            if not self._journal.is_under_way:
                self._require_ready()
                via = "proctor" if self.identification.is_admitted else "face"
                await self._journal.begin(self._capture.now_s, via)
                self._faces.compare_at_once()
                if self.pace is not Pace.FULL:
                    self._note_pace()
        return self.remaining_s or 0.0

    async def admit(self, by: str) -> None:
        """A proctor checked the person's document by eye. Raises SittingOver."""
        async with self._lock:
            if self.is_finished:
                raise SittingOver
            await self._journal.write(
                lambda tx, now: events.append(tx, self.id, "admitted", {"by": by}, now)
            )
            self.identification.is_admitted = True
        self._tell_identity(None)

    def decline_challenge(self) -> None:
        """The person would rather be looked at by a proctor than move as asked."""
        self._faces.decline_challenge()
        self._tell_identity(None)

    async def heed(self, consented: frozenset[Purpose]) -> None:
        """Stop at once what the student consents to no longer; the exam itself goes on.

        A recording that is agreed to again goes on with the page's next connection.
        """
        withdrawn = self._consented - consented
        self._consented |= consented & {Purpose.RECORDING}
        if not withdrawn or self.is_finished:
            return
        payload = {"purposes": sorted(withdrawn)}
        async with self._lock:
            self._consented -= withdrawn
            if Purpose.FACE in withdrawn:
                self._faces.forget()
                at_s = self._capture.now_s
                self._journal.note(NotAssessed("identity", "consent_withdrawn", at_s))
            if Purpose.RECORDING in withdrawn:
                await self._capture.drop(CONSENT_WITHDRAWN)
            await self._journal.write(
                lambda tx, now: events.append(tx, self.id, "consent_withdrawn", payload, now)
            )
        await self._commit_noted()
        self._tell_identity(None)

    async def finish(self, reason: str, *, only_when_over: bool = False) -> None:
        """End the exam: seal recordings, close incidents, cut clips, compare the typing.

        Until it is all written the exam goes on, and it may be asked for again. Raises TimeLeft
        when it is to end *only_when_over*.
        """
        async with self._lock:
            is_paused = self._sitting.paused_at is not None
            if only_when_over and not self.is_finished and (self.remaining_s or is_paused):
                raise TimeLeft
            await self._finish(reason)

    async def note_restart(self, up_since: datetime) -> None:
        """Say why nothing arrived until *up_since*, when this process began.

        Does nothing unless the exam was under way then.
        """
        if not self._journal.is_under_way:
            return
        note_outages(self._journal, self._capture, self._loaded, up_since)
        await self._commit([])

    def note_what_lasts(self) -> None:
        """Have an incident open in time when nothing arrives that would open it."""
        at_s = self._capture.now_s
        if self._journal.is_overdue(at_s):
            self._note(Observation(Check.MEDIA, LASTING, at_s))

    async def leave(self, cause: str) -> None:
        """Let go of the media without ending the exam; what is known by then is written."""
        async with self._lock:
            await self._looking.end()
            await self._capture.drop(cause)
            if self._journal.is_under_way:
                await self._journal.note_dropped(self._dropped())
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _finish(self, reason: str) -> None:
        if not self._journal.is_under_way:
            return
        await self._looking.end()
        exam_s = exam_length_s(self._sitting, self.exam_now_s, self._line.clock.now())
        await self._capture.drop(FINISHED)
        await self._files.name()
        recorded, causes = list(self._capture.recorded), self._capture.causes()
        await self._journal.end(reason, exam_s, recorded, causes, self._dropped())
        self._page.tell({"type": "ended", "reason": reason})

    def _dropped(self) -> Counter[str]:
        return self._capture.dropped + Counter(message_not_sent=self._page.dropped)

    def _media_changed(
        self, name: str, at_s: float, values: dict[str, float | int | bool | str]
    ) -> None:
        self._note(Observation(Check.MEDIA, name, at_s, values))
        self._tell_media()

    def _note_pace(self) -> None:
        values: dict[str, float | int | bool | str]
        values = {"pace": self.pace.value, "kbit_s": self._kbit_s}
        self._note(Observation(Check.MEDIA, PACE, self._capture.now_s, values))

    def _note(self, item: Item) -> None:
        """Write *item* soon; when that fails it goes with whatever is written next."""
        self._journal.note(item)
        self._spawn(self._commit_noted())

    async def _commit_noted(self) -> None:
        try:
            await self._commit([])
        except SQLAlchemyError as error:
            log.error("facts_not_kept", sitting=self.id, kind=type(error).__name__)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _looked(self, at_s: float, look: Look) -> None:
        await self._commit(look.items, None if look.check is None else (at_s, look.check))
        if self._sitting.started_at is None:
            self._tell_identity(look.hint)

    async def _commit(self, items: Iterable[Item], check: TimedCheck | None = None) -> None:
        async with self._lock:
            await self._journal.keep(items, check)

    def _read_batch(
        self, message: Mapping[str, Any], at_s: float
    ) -> tuple[list[Observation], KeyBatch | None, list[str]]:
        """What a batch holds that can be read, and what of it cannot."""
        seen: list[Observation] = []
        batch: KeyBatch | None = None
        unread: list[str] = []
        try:
            seen = browser.observe(message.get("browser"), message.get("now_ms"), at_s)
        except browser.BatchRefused:
            unread.append("browser")
        raw = message.get("keys")
        if raw is not None and Purpose.TYPING in self._consented:
            try:
                batch = parse_batch(raw)
            except KeyEventError:
                unread.append("keys")
        if unread:
            log.warning("batch_not_read", sitting=self.id, parts=unread)
        return seen, batch, unread

    def _require_ready(self) -> None:
        if self._line.clock.now() >= self._loaded.closes_at:
            raise OutsideWindow
        if not all(self._capture.live_tracks().values()):
            raise MediaNotLive
        if not self.identification.is_established:
            raise NotIdentified

    def _tell_media(self) -> None:
        self._page.tell(self.media_message())

    def _tell_identity(self, hint: str | None) -> None:
        self._page.tell(self.identification.message(hint))
        self._tell_media()

    def media_message(self) -> dict[str, Any]:
        """Which tracks arrive, for the student's page."""
        return {"type": "media", **self.live_tracks}
