"""The media of one sitting over all its connections: recorded, watched, the newest frame kept.

Times are seconds on the sitting's recording clock, which begins at its first connection and goes
on over reconnections and restarts. All methods run on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Mapping
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
from proctor.media.recorder import RecordedTrack, RecordingFailed, TrackRecorder
from proctor.media.sampler import NewestFrame
from proctor.observations import Track

log = structlog.get_logger()

LIVE_WITHIN_S = 4.0
FINISHED = "finished"

#: what happened to a track, when, and short facts about it
ChangeTaker = Callable[[str, float, dict[str, float | int | bool | str]], None]


class DiskFull(Unavailable):
    """There is no room for another recording."""

    key = "error.disk_full"


class Capture:
    """Camera and screen of one sitting. ``on_change`` hears of silence, return and failures.

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
        self._peer: Peer | None = None
        self._recorders: dict[Track, TrackRecorder] = {}
        self._failed_recorders: list[TrackRecorder] = []
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

    async def connect(self, sdp: str, tracks: Mapping[str, str], min_free_mib: int) -> str:
        """Answer a browser's offer; it replaces the connection before it.

        Raises OfferRefused or DiskFull, and then the old connection goes on.
        """
        await asyncio.to_thread(_make_room, self._directory, min_free_mib)
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
        recorders = [*self._failed_recorders, *self._recorders.values()]
        self._recorders, self._failed_recorders = {}, []
        if peer is None:
            return
        await peer.close()
        now = self.now_s
        if cause != FINISHED:
            for track in Track:
                self._silent_since.setdefault(track, self._arrived.get(track, now))
            self._on_change("connection_ended", now, {"cause": cause})
        self._arrived.clear()
        self.recorded += await asyncio.to_thread(_finish_all, recorders)

    def explain_silence(self, until_s: float) -> None:
        """Give every silence that lasts its cause; called when the exam ends."""
        for track in Track:
            self._explain(track, until_s)

    def _take(self, frame: EncodedFrame) -> None:
        at_s = self.place(frame.arrival)
        is_first = frame.track not in self._arrived
        self._arrived[frame.track] = at_s
        self._explain(frame.track, at_s)
        if is_first:
            self._on_change("resumed", at_s, {"track": frame.track.value})
        recorder = self._recorders.get(frame.track)
        if recorder is not None:
            try:
                recorder.write(frame)
            except RecordingFailed as error:
                self._failed(frame.track, error)
        newest = self.newest if frame.track == Track.CAMERA else self.newest_screen
        newest.offer(frame)

    def _failed(self, track: Track, error: RecordingFailed) -> None:
        log.error("recording_failed", track=track.value, reason=error.reason)
        self._failed_recorders.append(self._recorders.pop(track))
        self.causes[track].append(Cause(self.now_s, float("inf"), f"recorder_{error.reason}"))
        values: dict[str, float | int | bool | str] = {"track": track.value, "cause": error.reason}
        self._on_change("silent", self.now_s, values)

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


def _make_room(directory: Path, min_free_mib: int) -> None:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if shutil.disk_usage(directory).free < min_free_mib * 1024 * 1024:
        raise DiskFull
