"""The media of one sitting over all its connections: recorded, watched, the newest frame kept.

Times are seconds on the sitting's recording clock, which goes on over reconnections and restarts.
All methods run on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import errno
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import structlog

from proctor.clock import Clock
from proctor.errors import Unavailable
from proctor.media import backfill
from proctor.media.backfill import Backfill, KeptPicture
from proctor.media.budget import Budget
from proctor.media.container import NotARecording
from proctor.media.disk import Disk
from proctor.media.frames import Codec, EncodedFrame
from proctor.media.gaps import Cause, Interval
from proctor.media.pace import EDGE_S, EXPECTED, STILLS_ONLY, Pace
from proctor.media.peer import Peer
from proctor.media.port import MediaPort
from proctor.media.recorder import (
    CODEC_NOT_RECORDABLE,
    NO_SPACE,
    RecordedTrack,
    RecordingFailed,
    TrackRecorder,
    repair,
)
from proctor.media.sampler import NewestFrame
from proctor.observations import Track
from proctor.plumbing.uncancelled import to_the_end

log = structlog.get_logger()

# beyond what makes a track silent, so that its loss is told once
LIVE_MARGIN_S = 1.0
# how often a screen that somebody looks at is asked for a picture of its own
LOOK_S = 2.0
# whoever looks at that rate comes a little early now and then
EARLY_S = 0.2
NO_PACKETS = "no_packets"
OVER_BUDGET = "recorder_over_budget"
FINISHED, CONSENT_WITHDRAWN = "finished", "consent_withdrawn"
#: ends of a connection after which nothing is expected of it
AGREED_ENDS = (FINISHED, CONSENT_WITHDRAWN)
# a track whose recording stopped is given a new file; room and devices come back within 30 s
RETRY_S, LATEST_RETRY_S = 5.0, 25.0

#: what happened to a track, when, and short facts about it
ChangeTaker = Callable[[str, float, dict[str, float | int | bool | str]], None]
#: a file begun in the middle of a connection
FileTaker = Callable[[Track, Path], None]


class DiskFull(Unavailable):
    """There is no room for another recording."""

    key = "error.disk_full"


@dataclass(frozen=True, slots=True)
class _Stop:
    """A track that arrives and is not recorded; ``retry_s``: not to begin again before."""

    since_s: float
    cause: str
    retry_s: float


class Capture:
    """Camera and screen of one sitting. ``on_change`` hears of silence, return and failures.

    ``epoch``: monotonic seconds at zero of the recording clock. ``recorded``: files already
    finished. ``taken_bytes``: of all frames that arrived. ``dropped``: what connections that
    have ended brought and was lost, by what it was and why. A recording that fails, or has no room,
    stops for its track alone and begins again with the next file; ``on_file`` hears of that file
    before anything is in it.
    """

    def __init__(
        self,
        clock: Clock,
        directory: Path,
        epoch: float,
        port: MediaPort,
        disk: Disk,
        on_change: ChangeTaker,
        on_file: FileTaker,
    ) -> None:
        self.recorded: list[RecordedTrack] = []
        self.newest = NewestFrame()
        self.newest_screen = NewestFrame()
        self.taken_bytes = 0
        self.dropped: Counter[str] = Counter()
        self._clock = clock
        self._directory = directory
        self._epoch = epoch
        self._port = port
        self._disk = disk
        self._on_change = on_change
        self._on_file = on_file
        self._peer: Peer | None = None
        # of the connection; a peer may end before it is known here
        self._token: object = None
        self._connected_s = 0.0
        self._recorders: dict[Track, TrackRecorder] = {}
        self._viewers = 0
        self._screen_asked = -LOOK_S
        self._stops: dict[Track, _Stop] = {}
        self._tries: Counter[Track] = Counter()
        self._finishing: set[asyncio.Task[None]] = set()
        # files that a full disk stopped, perhaps without their ends
        self._had_no_room: set[Path] = set()
        self._arrived: dict[Track, float] = {}
        # since when, and why
        self._silent_since: dict[Track, tuple[float, str]] = {}
        self._causes: dict[Track, list[Cause]] = {track: [] for track in Track}
        self._budget = Budget()
        self._pace = Pace.FULL
        self._stills: list[Cause] = []
        self._filled: dict[Track, list[Interval]] = {track: [] for track in Track}
        # connections begin and end one after the other
        self._changing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def now_s(self) -> float:
        return self._clock.monotonic() - self._epoch

    @property
    def paths(self) -> dict[Track, Path]:
        """The file each track is being written to."""
        return {track: recorder.path for track, recorder in self._recorders.items()}

    def look_at(self, track: Track) -> EncodedFrame | None:
        """The newest key frame of *track*, None before the first.

        Those of a screen come every ten seconds, and every two while somebody looks: they take
        bits from its other pictures, and a thin line is left alone.
        """
        if track is Track.CAMERA:
            return self.newest.last
        if self._pace is Pace.FULL and self.now_s - self._screen_asked >= LOOK_S - EARLY_S:
            self._screen_asked = self.now_s
            if self._peer is not None:
                self._peer.request_keyframe(track)
        return self.newest_screen.last

    @property
    def peer(self) -> Peer | None:
        """The connection there is now."""
        return self._peer

    def live_tracks(self) -> dict[Track, bool]:
        """Which tracks have arrived within the last seconds."""
        within_s = max(EXPECTED[self._pace].silence_s.values()) + LIVE_MARGIN_S
        since_s = self.now_s - within_s
        return {track: self._arrived.get(track, since_s) > since_s for track in Track}

    @property
    def pace(self) -> Pace:
        """What the browser sends, by its own word."""
        return self._pace

    @property
    def kbit_s(self) -> int:
        """What arrived in a second lately; 0 without a connection."""
        return self._peer.kbit_s if self._peer is not None else 0

    def keep_pace(self, pace: Pace) -> None:
        """The browser sends at *pace* from now on; stills lie in a gap that says so."""
        if pace is self._pace:
            return
        if pace is Pace.STILLS:
            self._stills.append(Cause(self.now_s - EDGE_S, inf, STILLS_ONLY))
        elif self._pace is Pace.STILLS:
            self._stills[-1] = replace(self._stills[-1], end=self.now_s + EDGE_S)
        self._pace = pace
        if self._peer is not None:
            self._peer.expect(pace)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While somebody follows the files: what arrives is in them at the disk's next visit."""
        self._viewers += 1
        self._show_viewers()
        try:
            yield
        finally:
            self._viewers -= 1
            self._show_viewers()

    def place(self, monotonic: float) -> float:
        """Monotonic seconds on the recording clock."""
        return monotonic - self._epoch

    def lost(self, track: Track, since_s: float, until_s: float, cause: str) -> None:
        """Nothing of *track* arrived between, for a reason known from elsewhere, nor since."""
        self._causes[track].append(Cause(since_s, until_s, cause))
        self._silent_since[track] = until_s, NO_PACKETS

    def silent_because(self, track: Track) -> str:
        """Why nothing of *track* arrives."""
        return self._silent_since.get(track, (0.0, NO_PACKETS))[1]

    def causes(self) -> dict[Track, list[Cause]]:
        """What is known until now to have kept each track from being recorded."""
        found = {track: list(known) for track, known in self._causes.items()}
        for track, stop in self._stops.items():
            found[track].append(Cause(stop.since_s, self.now_s, stop.cause))
        for track, (since_s, cause) in self._silent_since.items():
            found[track].append(Cause(since_s, self.now_s, cause))
        for known in found.values():
            # last: whatever kept the stills too from coming says more
            known += [replace(each, end=min(each.end, self.now_s)) for each in self._stills]
        return found

    async def fill(
        self, track: Track, pictures: Sequence[KeptPicture], age_s: float
    ) -> Backfill | None:
        """Write those of a browser's *pictures* that are missing here; None when none is.

        Whoever notes the file says so with ``note_filled``. ``age_s``: what their clock showed when
        they arrived, less the recording clock. Raises DiskFull.
        """
        empty = backfill.holes(track, self.causes()[track], self._filled[track])
        placed = [replace(each, at_s=each.at_s - age_s) for each in pictures]
        missing = backfill.missing_of(placed, empty)
        if not missing:
            return None
        if not self._disk.takes(track):
            raise DiskFull
        try:
            made = await asyncio.to_thread(backfill.fill, self._directory, track, missing)
        except OSError as error:
            raise _disk_full(self._directory, error) from error
        return made

    def note_filled(self, track: Track, held: Interval) -> None:
        """What was sent afterwards, by this process or the one before, is missing no more."""
        self._filled[track].append(held)

    async def connect(
        self,
        sdp: str,
        tracks: Mapping[str, str] | None,
        exam_s: float,
        is_under_way: bool = False,
    ) -> str:
        """Answer a browser's offer; it replaces the connection before it.

        ``exam_s``: how long it may last; one that is under way goes on however little room there
        is. Raises OfferRefused or DiskFull, and then the old connection goes on.
        """
        if is_under_way:
            self._disk.promise(self._directory, exam_s)
        return await to_the_end(self._replace(sdp, tracks, exam_s))

    async def drop(self, cause: str) -> None:
        """End the connection and finish its files; does nothing when there is none."""
        await to_the_end(self._drop(cause))

    async def _replace(self, sdp: str, tracks: Mapping[str, str] | None, exam_s: float) -> str:
        token = object()
        async with self._changing:
            await asyncio.to_thread(_make_room, self._directory, self._disk, exam_s)
            peer, answer = await Peer.answer(
                sdp,
                tracks=tracks,
                on_frame=self._take,
                on_closed=partial(self._closed, token),
                on_silence=self._silent,
                on_resume=self._resumed,
                port=self._port,
            )
            try:
                recorders = await asyncio.to_thread(
                    _open_all, self._directory, self._epoch, self._disk, peer.codec
                )
            except DiskFull:
                await peer.close()
                raise
            await self._end("reconnected")
            self._peer, self._token, self._recorders = peer, token, recorders
            peer.expect(self._pace)
            self._show_viewers()
            self._connected_s = self.now_s
            self.newest, self.newest_screen = NewestFrame(), NewestFrame()
        return answer

    async def _drop(self, cause: str, token: object = None) -> None:
        """End the connection, or the one of *token* unless another took its place."""
        async with self._changing:
            if token is None or token is self._token:
                await self._end(cause)

    async def _end(self, cause: str) -> None:
        peer, self._peer = self._peer, None
        recorders, self._recorders = self._recorders, {}
        if cause == FINISHED:
            self._disk.release(self._directory)
        if peer is None:
            return
        await peer.close()
        self._count(peer)
        now = self.now_s
        told = {track for track in Track if track not in self._silent_since}
        for track in told:
            since_s = self._arrived.get(track, self._connected_s)
            self._silent_since[track] = since_s, NO_PACKETS if cause == FINISHED else cause
        self._arrived.clear()
        for track in list(self._stops):
            self._explain_stop(track, now)
        # what nobody asked to stop is missed from now on, however properly the line was closed
        if cause not in AGREED_ENDS:
            for track in sorted(told):
                self._on_change("silent", now, {"track": track.value, "cause": cause})
        if self._finishing:
            await asyncio.wait(self._finishing)
        finished, failed = await asyncio.to_thread(_finish_all, recorders)
        self._explain_failures(finished, failed)
        self._keep(finished, failed)
        self.recorded = await asyncio.to_thread(_all_finished, self.recorded, self._had_no_room)
        self._on_change("connection_ended", now, {"cause": cause})

    def _count(self, peer: Peer) -> None:
        self.dropped.update({f"datagram_{why}": n for why, n in peer.dropped.items()})
        self.dropped["packet_not_repaired"] += peer.given_up
        self.dropped["picture_not_looked_at"] += self.newest.dropped

    def _keep(self, finished: Mapping[Track, RecordedTrack], failed: Mapping[Track, str]) -> None:
        self.recorded += finished.values()
        self._had_no_room |= {
            each.path for track, each in finished.items() if failed.get(track) in NO_SPACE
        }

    def _explain_failures(
        self, finished: Mapping[Track, RecordedTrack], failures: Mapping[Track, str]
    ) -> None:
        """From the last picture kept until now, the recorder is why there is none."""
        for track, reason in failures.items():
            kept = finished[track].intervals if track in finished else ()
            since_s = kept[-1].end if kept else self._connected_s
            # before the silence of the connection's end
            self._causes[track].append(Cause(since_s, self.now_s, f"recorder_{reason}"))

    def _take(self, frame: EncodedFrame) -> None:
        track, at_s = frame.track, self.place(frame.arrival)
        is_first = track not in self._arrived
        self._arrived[track] = at_s
        self.taken_bytes += len(frame.data)
        if track in self._silent_since:
            since_s, cause = self._silent_since.pop(track)
            self._causes[track].append(Cause(since_s, at_s, cause))
        (self.newest if track == Track.CAMERA else self.newest_screen).offer(frame)
        if is_first:
            self._on_change("resumed", at_s, {"track": track.value})
        if not self._record(frame):
            self.dropped["picture_not_recorded"] += 1

    def _record(self, frame: EncodedFrame) -> bool:
        """Whether *frame* was taken into a recording."""
        track = frame.track
        recorder = self._recorders.get(track) or self._begin_again(track)
        if recorder is None:
            return False
        if not self._disk.takes(track):
            self._stop(track, "disk_low")
            return False
        if not self._budget.takes(track, len(frame.data), self.now_s):
            recorder.skip()
            self._note_stop(track, OVER_BUDGET, self.now_s)
            return False
        dropped = recorder.dropped
        try:
            is_taken = recorder.write(frame)
        except RecordingFailed as error:
            self._stop(track, error.reason)
            return False
        if recorder.dropped > dropped:
            self._note_stop(track, "recorder_stalled", self.now_s)
        # what arrives again and is not on the disk is no return
        elif is_taken and track in self._stops and recorder.holds_pictures:
            self._explain_stop(track, self.now_s)
            self._on_change("resumed", self.now_s, {"track": track.value})
        return is_taken

    def _stop(self, track: Track, reason: str) -> None:
        """The exam goes on without this recording, which is begun again later."""
        log.error(
            "recording_stopped", sitting=self._directory.name, track=track.value, reason=reason
        )
        now, cause = self.now_s, f"recorder_{reason}"
        self._tries[track] += 1
        wait_s = min(LATEST_RETRY_S, RETRY_S * 2 ** (self._tries[track] - 1))
        retry_s = float("inf") if reason == CODEC_NOT_RECORDABLE else now + wait_s
        before = self._stops.get(track)
        began_s = before.since_s if before else self._connected_s
        self._note_stop(track, cause, retry_s)
        recorder = self._recorders.pop(track)
        task = asyncio.create_task(self._finish(recorder, began_s, now, cause))
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    def _note_stop(self, track: Track, cause: str, retry_s: float) -> None:
        before, now = self._stops.get(track), self.now_s
        self._stops[track] = _Stop(before.since_s if before else now, cause, retry_s)
        if before is None:
            if cause == OVER_BUDGET:
                log.error("recording_over_budget", sitting=self._directory.name, track=track.value)
            self._on_change("silent", now, {"track": track.value, "cause": cause})

    async def _finish(
        self, recorder: TrackRecorder, began_s: float, stopped_s: float, cause: str
    ) -> None:
        finished, failed = await asyncio.to_thread(_finish_all, {recorder.track: recorder})
        self._keep(finished, failed)
        kept = [i for each in finished.values() for i in each.intervals]
        # what was taken and not written when it stopped has the same cause
        since_s = kept[-1].end if kept else began_s
        self._causes[recorder.track].insert(0, Cause(since_s, stopped_s, cause))

    def _begin_again(self, track: Track) -> TrackRecorder | None:
        stop = self._stops.get(track)
        if (
            self._peer is None
            or stop is None
            or self.now_s < stop.retry_s
            or not self._disk.takes(track)
        ):
            return None
        try:
            recorder = TrackRecorder(
                self._directory, track, self._epoch, self._disk, self._peer.codec
            )
        except OSError as error:
            _disk_full(self._directory, error)
            self._stops[track] = replace(stop, retry_s=self.now_s + RETRY_S)
            return None
        self._recorders[track] = recorder
        self._show_viewers()
        self._peer.request_keyframe(track)
        self._on_file(track, recorder.path)
        return recorder

    def _show_viewers(self) -> None:
        for recorder in self._recorders.values():
            recorder.is_watched = self._viewers > 0

    def _explain_stop(self, track: Track, until_s: float) -> None:
        stop = self._stops.pop(track, None)
        if stop is not None:
            self._causes[track].append(Cause(stop.since_s, until_s, stop.cause))

    def _silent(self, track: Track, since: float) -> None:
        since_s = self.place(since)
        self._silent_since.setdefault(track, (since_s, NO_PACKETS))
        self._on_change("silent", since_s, {"track": track.value, "cause": NO_PACKETS})

    def _resumed(self, track: Track, since: float) -> None:
        # what arrives again and is not recorded is still missing
        if track not in self._stops:
            self._on_change("resumed", self.now_s, {"track": track.value})

    def _closed(self, token: object, reason: str) -> None:
        self._spawn(self._drop(f"connection_{reason}", token))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _open_all(
    directory: Path, epoch: float, disk: Disk, codec: Codec
) -> dict[Track, TrackRecorder]:
    """A recorder for each track. Raises DiskFull, and then none is left running."""
    recorders: dict[Track, TrackRecorder] = {}
    try:
        for track in Track:
            recorders[track] = TrackRecorder(directory, track, epoch, disk, codec)
    except OSError as error:
        _finish_all(recorders)
        raise _disk_full(directory, error) from error
    return recorders


def _finish_all(
    recorders: Mapping[Track, TrackRecorder],
) -> tuple[dict[Track, RecordedTrack], dict[Track, str]]:
    """What each recorder kept, and why those that failed did."""
    finished: dict[Track, RecordedTrack] = {}
    failed: dict[Track, str] = {}
    for track, recorder in recorders.items():
        try:
            finished[track] = recorder.finish()
        except RecordingFailed as error:
            log.error(
                "recording_failed",
                sitting=recorder.path.parent.name,
                track=track.value,
                reason=error.reason,
            )
            failed[track] = error.reason
            if error.recorded is not None:
                finished[track] = error.recorded
    return finished, failed


def _all_finished(
    recorded: Sequence[RecordedTrack], had_no_room: Collection[Path]
) -> list[RecordedTrack]:
    """*recorded*, those with their ends that a full disk had no room for and may have now."""
    found = list(recorded)
    for number, each in enumerate(found):
        if each.path in had_no_room:
            with suppress(OSError, NotARecording):
                found[number] = repair(each.path)
    return found


def _make_room(directory: Path, disk: Disk, exam_s: float) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        has_room = disk.admit(directory, exam_s)
    except OSError as error:
        raise _disk_full(directory, error) from error
    if not has_room:
        raise DiskFull


def _disk_full(directory: Path, error: OSError) -> DiskFull:
    reason = errno.errorcode.get(error.errno or 0)
    log.error("recording_not_begun", sitting=directory.name, reason=reason)
    return DiskFull()
