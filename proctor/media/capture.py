"""The media of one sitting over all its connections: recorded, watched, the newest frame kept.

Times are seconds on the sitting's recording clock, which goes on over reconnections and restarts.
All methods run on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import errno
import shutil
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from proctor.clock import Clock
from proctor.errors import Unavailable
from proctor.media.frames import EncodedFrame
from proctor.media.gaps import Cause
from proctor.media.peer import Peer
from proctor.media.recorder import RecordedTrack, RecordingFailed, TrackRecorder
from proctor.media.sampler import NewestFrame
from proctor.observations import Track
from proctor.plumbing.uncancelled import to_the_end

log = structlog.get_logger()

LIVE_WITHIN_S = 4.0
NO_PACKETS = "no_packets"

#: what happened to a track, when, and short facts about it
ChangeTaker = Callable[[str, float, dict[str, float | int | bool | str]], None]


class DiskFull(Unavailable):
    """There is no room for another recording."""

    key = "error.disk_full"


class Capture:
    """Camera and screen of one sitting. ``on_change`` hears of silence, return and failures.

    ``epoch``: monotonic seconds at zero of the recording clock. ``recorded``: files already
    finished.
    """

    def __init__(
        self, clock: Clock, directory: Path, epoch: float, address: str, on_change: ChangeTaker
    ) -> None:
        self.recorded: list[RecordedTrack] = []
        self.newest = NewestFrame()
        self._clock = clock
        self._directory = directory
        self._epoch = epoch
        self._address = address
        self._on_change = on_change
        self._peer: Peer | None = None
        # of the connection; a peer may end before it is known here
        self._token: object = None
        self._connected_s = 0.0
        self._recorders: dict[Track, TrackRecorder] = {}
        self._failures: dict[Track, str] = {}
        self._arrived: dict[Track, float] = {}
        self._silent_since: dict[Track, float] = {}
        self._causes: dict[Track, list[Cause]] = {track: [] for track in Track}
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

    def live_tracks(self) -> dict[Track, bool]:
        """Which tracks have arrived within the last seconds."""
        now = self.now_s
        return {t: now - self._arrived.get(t, -LIVE_WITHIN_S) < LIVE_WITHIN_S for t in Track}

    def place(self, monotonic: float) -> float:
        """Monotonic seconds on the recording clock."""
        return monotonic - self._epoch

    def lost(self, track: Track, since_s: float, until_s: float, cause: str) -> None:
        """Nothing of *track* arrived between, for a reason known from elsewhere, nor since."""
        self._causes[track].append(Cause(since_s, until_s, cause))
        self._silent_since[track] = until_s

    def causes(self) -> dict[Track, list[Cause]]:
        """What is known until now to have kept each track from being recorded."""
        found = {track: list(known) for track, known in self._causes.items()}
        for track, since_s in self._silent_since.items():
            found[track].append(Cause(since_s, self.now_s, NO_PACKETS))
        return found

    async def connect(self, sdp: str, tracks: Mapping[str, str], min_free_mib: int) -> str:
        """Answer a browser's offer; it replaces the connection before it.

        Raises OfferRefused or DiskFull, and then the old connection goes on.
        """
        return await to_the_end(self._replace(sdp, tracks, min_free_mib))

    async def drop(self, cause: str) -> None:
        """End the connection and finish its files; does nothing when there is none."""
        await to_the_end(self._drop(cause))

    async def _replace(self, sdp: str, tracks: Mapping[str, str], min_free_mib: int) -> str:
        token = object()
        async with self._changing:
            await asyncio.to_thread(_make_room, self._directory, min_free_mib)
            peer, answer = await Peer.answer(
                sdp,
                tracks=tracks,
                on_frame=self._take,
                on_closed=partial(self._closed, token),
                on_silence=self._silent,
                on_resume=self._resumed,
                address=self._address,
            )
            try:
                recorders = await asyncio.to_thread(_open_all, self._directory, self._epoch)
            except DiskFull:
                await peer.close()
                raise
            await self._end("reconnected")
            self._peer, self._token, self._recorders = peer, token, recorders
            self._connected_s = self.now_s
            self.newest = NewestFrame()
        return answer

    async def _drop(self, cause: str, token: object = None) -> None:
        """End the connection, or the one of *token* unless another took its place."""
        async with self._changing:
            if token is None or token is self._token:
                await self._end(cause)

    async def _end(self, cause: str) -> None:
        peer, self._peer = self._peer, None
        recorders, self._recorders = self._recorders, {}
        if peer is None:
            return
        await peer.close()
        now = self.now_s
        for track in Track:
            self._silent_since.setdefault(track, self._arrived.get(track, self._connected_s))
        self._arrived.clear()
        finished, failed = await asyncio.to_thread(_finish_all, recorders)
        self._explain_failures(finished, self._failures | failed)
        self._failures = {}
        self.recorded += finished.values()
        self._on_change("connection_ended", now, {"cause": cause})

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
        since_s = self._silent_since.pop(track, None)
        if since_s is not None:
            self._causes[track].append(Cause(since_s, at_s, NO_PACKETS))
        if track == Track.CAMERA:
            self.newest.offer(frame)
        if is_first:
            self._on_change("resumed", at_s, {"track": track.value})
        if track in self._recorders and track not in self._failures:
            try:
                self._recorders[track].write(frame)
            except RecordingFailed as error:
                self._failed(track, error.reason)

    def _failed(self, track: Track, reason: str) -> None:
        """The exam goes on without this recording, which is finished with its connection."""
        log.error("recording_failed", track=track.value, reason=reason)
        self._failures[track] = reason
        self._on_change("silent", self.now_s, {"track": track.value, "cause": f"recorder_{reason}"})

    def _silent(self, track: Track, since: float) -> None:
        self._silent_since.setdefault(track, self.place(since))
        self._on_change("silent", self.place(since), {"track": track.value})

    def _resumed(self, track: Track, since: float) -> None:
        # what arrives again and is not recorded is still missing
        if track not in self._failures:
            self._on_change("resumed", self.now_s, {"track": track.value})

    def _closed(self, token: object, reason: str) -> None:
        self._spawn(self._drop(f"connection_{reason}", token))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _open_all(directory: Path, epoch: float) -> dict[Track, TrackRecorder]:
    """A recorder for each track. Raises DiskFull, and then none is left running."""
    recorders: dict[Track, TrackRecorder] = {}
    try:
        for track in Track:
            recorders[track] = TrackRecorder(directory, track, epoch)
    except OSError as error:
        _finish_all(recorders)
        raise _disk_full(error) from error
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
            log.error("recording_failed", track=track.value, reason=error.reason)
            failed[track] = error.reason
            if error.recorded is not None:
                finished[track] = error.recorded
    return finished, failed


def _make_room(directory: Path, min_free_mib: int) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        free = shutil.disk_usage(directory).free
    except OSError as error:
        raise _disk_full(error) from error
    if free < min_free_mib * 1024 * 1024:
        raise DiskFull


def _disk_full(error: OSError) -> DiskFull:
    log.error("recording_not_begun", reason=errno.errorcode.get(error.errno or 0))
    return DiskFull()
