"""The media of one sitting over all its connections: recorded, watched, the newest frame kept.

Times are seconds on the sitting's recording clock, which begins at its first connection and goes
on over reconnections and restarts. All methods run on the event loop's thread.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from proctor.clock import Clock
from proctor.errors import Unavailable
from proctor.media.disk import Disk
from proctor.media.frames import EncodedFrame
from proctor.media.gaps import Cause
from proctor.media.peer import Peer
from proctor.media.port import MediaPort
from proctor.media.recorder import (
    CODEC_NOT_RECORDABLE,
    RecordedTrack,
    RecordingFailed,
    TrackRecorder,
)
from proctor.media.sampler import NewestFrame
from proctor.observations import Track

log = structlog.get_logger()

LIVE_WITHIN_S = 4.0
FINISHED = "finished"

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

    A recording that fails, or has no room, stops for its track alone and begins again with the next
    file; ``on_file`` hears of that file before anything is in it.

    ``epoch``: monotonic seconds at zero of the recording clock. ``recorded``: files already
    finished. ``causes``: what is known to have kept a track from arriving.
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
        self.causes: dict[Track, list[Cause]] = {track: [] for track in Track}
        self.newest = NewestFrame()
        self.newest_screen = NewestFrame()
        self._clock = clock
        self._directory = directory
        self._epoch = epoch
        self._port = port
        self._disk = disk
        self._on_change = on_change
        self._on_file = on_file
        self._peer: Peer | None = None
        self._recorders: dict[Track, TrackRecorder] = {}
        self._stopped: dict[Track, _Stop] = {}
        self._stops: Counter[Track] = Counter()
        self._finishing: set[asyncio.Task[None]] = set()
        self._arrived: dict[Track, float] = {}
        self._silent_since: dict[Track, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def now_s(self) -> float:
        return self._clock.monotonic() - self._epoch

    @property
    def paths(self) -> dict[Track, Path]:
        """The file each track is being written to."""
        return {track: recorder.path for track, recorder in self._recorders.items()}

    @property
    def peer(self) -> Peer | None:
        """The connection there is now."""
        return self._peer

    def live_tracks(self) -> dict[Track, bool]:
        """Which tracks have arrived within the last seconds."""
        now = self.now_s
        return {t: now - self._arrived.get(t, -LIVE_WITHIN_S) < LIVE_WITHIN_S for t in Track}

    def place(self, monotonic: float) -> float:
        """Monotonic seconds on the recording clock."""
        return monotonic - self._epoch

    def lost(self, since_s: float, cause: str) -> None:
        """Nothing arrived from *since_s* until now, for a reason known from elsewhere."""
        for track in Track:
            self.causes[track].append(Cause(since_s, self.now_s, cause))
            self._silent_since[track] = self.now_s

    async def connect(self, sdp: str, tracks: Mapping[str, str], exam_s: float) -> str:
        """Answer a browser's offer; it replaces the connection before it.

        ``exam_s``: how long it may last. Raises OfferRefused or DiskFull, and then the old
        connection goes on.
        """
        if not await asyncio.to_thread(self._disk.admit, self._directory, exam_s):
            raise DiskFull
        await asyncio.to_thread(self._directory.mkdir, parents=True, exist_ok=True, mode=0o700)
        peer, answer = await Peer.answer(
            sdp,
            tracks=tracks,
            on_frame=self._take,
            on_closed=self._closed,
            on_silence=self._silent,
            on_resume=self._resumed,
            port=self._port,
        )
        await self.drop("reconnected")
        self._peer = peer
        self.newest, self.newest_screen = NewestFrame(), NewestFrame()
        self._recorders = {
            track: TrackRecorder(self._directory, track, self._epoch, self._disk) for track in Track
        }
        return answer

    async def drop(self, cause: str) -> None:
        """End the connection and finish its files; does nothing when there is none."""
        peer, self._peer = self._peer, None
        recorders, self._recorders = self._recorders, {}
        if cause == FINISHED:
            self._disk.release(self._directory)
        if peer is None:
            return
        await peer.close()
        now = self.now_s
        if cause != FINISHED:
            for track in Track:
                self._silent_since.setdefault(track, self._arrived.get(track, now))
            self._on_change("connection_ended", now, {"cause": cause})
            for track in list(self._stopped):
                self._explain_stop(track, now)
        self._arrived.clear()
        self.recorded += await asyncio.to_thread(_finish_all, list(recorders.values()))
        if self._finishing:
            await asyncio.wait(self._finishing)

    def explain_silence(self, until_s: float) -> None:
        """Give every silence that lasts its cause; called when the exam ends."""
        for track in Track:
            self._explain(track, until_s)
            self._explain_stop(track, until_s)

    def _take(self, frame: EncodedFrame) -> None:
        at_s = self.place(frame.arrival)
        is_first = frame.track not in self._arrived
        self._arrived[frame.track] = at_s
        self._explain(frame.track, at_s)
        if is_first:
            self._on_change("resumed", at_s, {"track": frame.track.value})
        self._record(frame)
        newest = self.newest if frame.track == Track.CAMERA else self.newest_screen
        newest.offer(frame)

    def _record(self, frame: EncodedFrame) -> None:
        track = frame.track
        recorder = self._recorders.get(track) or self._begin_again(track)
        if recorder is None:
            return
        if not self._disk.takes(track):
            self._stop(track, "disk_low")
            return
        try:
            recorder.write(frame)
        except RecordingFailed as error:
            self._stop(track, error.reason)

    def _stop(self, track: Track, reason: str) -> None:
        log.error("recording_stopped", track=track.value, reason=reason)
        now = self.now_s
        self._stops[track] += 1
        wait_s = min(LATEST_RETRY_S, RETRY_S * 2 ** (self._stops[track] - 1))
        retry_s = float("inf") if reason == CODEC_NOT_RECORDABLE else now + wait_s
        self._stopped[track] = _Stop(now, f"recorder_{reason}", retry_s)
        task = asyncio.create_task(self._finish(self._recorders.pop(track), self._stopped[track]))
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        self._on_change("silent", now, {"track": track.value, "cause": reason})

    async def _finish(self, recorder: TrackRecorder, stop: _Stop) -> None:
        finished = await asyncio.to_thread(_finish_all, [recorder])
        self.recorded += finished
        # what was taken and not written when it stopped has the same cause
        for end_s in (each.intervals[-1].end for each in finished if each.intervals):
            self.causes[recorder.track].append(Cause(end_s, stop.since_s, stop.cause))

    def _begin_again(self, track: Track) -> TrackRecorder | None:
        stop = self._stopped.get(track)
        if stop is None or self.now_s < stop.retry_s or not self._disk.takes(track):
            return None
        self._stopped[track] = replace(stop, retry_s=self.now_s + RETRY_S)
        try:
            recorder = TrackRecorder(self._directory, track, self._epoch, self._disk)
        except OSError as error:
            log.error("recording_not_begun", track=track.value, errno=error.errno)
            return None
        self._explain_stop(track, self.now_s)
        self._recorders[track] = recorder
        if self._peer is not None:
            self._peer.request_keyframe(track)
        self._on_file(track, recorder.path)
        self._on_change("resumed", self.now_s, {"track": track.value})
        return recorder

    def _explain_stop(self, track: Track, until_s: float) -> None:
        stop = self._stopped.pop(track, None)
        if stop is not None:
            self.causes[track].append(Cause(stop.since_s, until_s, stop.cause))

    def _silent(self, track: Track, since: float) -> None:
        self._silent_since.setdefault(track, self.place(since))
        self._on_change("silent", self.place(since), {"track": track.value})

    def _resumed(self, track: Track, since: float) -> None:
        self._on_change("resumed", self.now_s, {"track": track.value})

    def _explain(self, track: Track, until_s: float) -> None:
        since = self._silent_since.pop(track, None)
        if since is not None:
            self.causes[track].append(Cause(since, until_s, "no_packets"))

    def _closed(self, reason: str) -> None:
        self._spawn(self.drop(f"connection_{reason}"))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _finish_all(recorders: list[TrackRecorder]) -> list[RecordedTrack]:
    recorded = []
    for recorder in recorders:
        try:
            recorded.append(recorder.finish())
        except RecordingFailed as error:
            log.error("recording_failed", reason=error.reason)
            if error.recorded is not None:
                recorded.append(error.recorded)
    return recorded
