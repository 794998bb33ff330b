"""Encoded frames in, one WebM file per track and peer out: readable while it grows, sealed often.

Durability: clusters of at most a second, each one append; the device is synced and a seal written
at least every 10 s. A killed process loses at most 2 s, a power cut at most 12 s.
"""

from __future__ import annotations

import errno
import hashlib
import json
import queue
import threading
import time
from array import array
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from proctor.errors import Unavailable
from proctor.media import webm
from proctor.media.frames import EncodedFrame, vp8_size
from proctor.media.gaps import Interval, frame_intervals
from proctor.media.timeline import Timeline
from proctor.observations import Track

LOOK_EVERY_S = 0.5
CLUSTER_WAIT_S = 1.0
SEAL_EVERY_S = 9.0
# about 4 minutes of both tracks: a stalled disk costs pictures, not memory
MAX_BACKLOG_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class RecordedTrack:
    """What one file holds: ``starts_s`` and ``intervals`` in seconds since the epoch."""

    track: Track
    path: Path
    starts_s: float
    intervals: tuple[Interval, ...]
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Seal:
    """A stretch of clusters, in bytes of the file, and its SHA-256 as the disk returned it.

    ``repaired``: written after the recorder was killed, so the stretch was unsealed meanwhile.
    """

    segment: int
    start: int
    end: int
    sha256: str
    repaired: bool


class RecordingFailed(Unavailable):
    """The recording stopped; what was written before is kept."""

    def __init__(self, reason: str, recorded: RecordedTrack | None = None) -> None:
        super().__init__(reason=reason)
        self.reason = reason
        self.recorded = recorded


class TrackRecorder:
    """Records one track of one peer below *directory*, in a thread of its own.

    ``epoch``: monotonic seconds that the recording's times count from. ``path`` exists at once and
    stays empty until the first key frame. ``dropped``: frames refused because the disk stalled;
    they become a gap. VP8 only.
    """

    def __init__(self, directory: Path, track: Track, epoch: float) -> None:
        self.path = _free_path(directory, track)
        self.dropped = 0
        self._track = track
        self._timeline = Timeline(epoch)
        self._frames: queue.SimpleQueue[EncodedFrame | None] = queue.SimpleQueue()
        # each counter is written by one thread only
        self._taken_bytes = self._written_bytes = 0
        self._needs_key = True
        self._writer: webm.WebmWriter | None = None
        self._start_ms = 0
        self._times = array("q")
        self._flushed = self._sealed = time.monotonic()
        self._seals = 0
        self._seal_from = 0
        self._failure: RecordingFailed | None = None
        self._recorded: RecordedTrack | None = None
        self._thread = threading.Thread(target=self._run, name=f"record-{track}", daemon=True)
        self._thread.start()

    def write(self, frame: EncodedFrame) -> None:
        """Queue *frame*; never blocks. Raises RecordingFailed once the file cannot be written."""
        if self._failure is not None:
            raise self._failure
        if frame.codec != "VP8":
            raise RecordingFailed("codec_not_recordable")
        is_full = self._taken_bytes - self._written_bytes + len(frame.data) > MAX_BACKLOG_BYTES
        if is_full or (self._needs_key and not frame.is_key):
            self.dropped += is_full
            self._needs_key = True
            return
        self._needs_key = False
        self._taken_bytes += len(frame.data)
        self._frames.put(frame)

    def finish(self) -> RecordedTrack:
        """Write out, seal and make seekable; blocks for the disk, so not for the event loop.

        Raises RecordingFailed, which holds what was recorded until then.
        """
        self._frames.put(None)
        self._thread.join()
        if self._recorded is None:
            raise self._failure or RecordingFailed("recorder_ended")
        return self._recorded

    def _run(self) -> None:
        try:
            self._record()
            self._recorded = self._finish()
        except OSError as error:
            self._fail(errno.errorcode.get(error.errno or 0, "disk"))
        # the thread's outermost loop: no recording may end unnoticed
        except Exception:
            self._fail("recorder_broken")
            raise

    def _record(self) -> None:
        while True:
            try:
                frame = self._frames.get(timeout=LOOK_EVERY_S)
            except queue.Empty:
                self._look()
                continue
            if frame is None:
                return
            self._append(frame)
            self._look()

    def _append(self, frame: EncodedFrame) -> None:
        at_ms = round(1000 * self._timeline.place(frame.rtp_timestamp, frame.arrival))
        if self._writer is None:
            self._start_ms = at_ms
            self._writer = webm.WebmWriter(self.path, *vp8_size(frame.data), at_ms)
            self._seal_from = self._writer.body
        else:
            at_ms = max(at_ms, self._times[-1] + 1)
        before = self._writer.end
        self._writer.add(webm.Block(at_ms - self._start_ms, frame.is_key, frame.data))
        self._times.append(at_ms)
        self._written_bytes += len(frame.data)
        if self._writer.end != before:
            self._flushed = time.monotonic()

    def _look(self) -> None:
        if self._writer is None:
            return
        now = time.monotonic()
        if now - self._flushed >= CLUSTER_WAIT_S:
            self._writer.flush()
            self._flushed = now
        if now - self._sealed >= SEAL_EVERY_S:
            self._seal(self._writer)
            self._sealed = now

    def _seal(self, writer: webm.WebmWriter) -> None:
        if writer.end == self._seal_from:
            return
        writer.sync()
        _append_seal(self.path, self._seals + 1, self._seal_from, writer.end, repaired=False)
        self._seals += 1
        self._seal_from = writer.end

    def _finish(self) -> RecordedTrack:
        if self._writer is not None:
            self._writer.flush()
            self._seal(self._writer)
            self._writer.close()
            webm.finish(self.path)
        return _describe(self.path, self._track, self._start_ms, self._times)

    def _fail(self, reason: str) -> None:
        recorded = None
        with suppress(OSError, webm.NotARecording):
            if self._writer is not None:
                with suppress(OSError):
                    self._seal(self._writer)
                self._writer.close()
            recorded = read_recorded(self.path)
        self._failure = RecordingFailed(reason, recorded)


def repair(path: Path) -> RecordedTrack:
    """Finish a recording whose recorder was killed: its torn tail is cut off, the rest sealed.

    A finished recording is only described. Raises webm.NotARecording, OSError.
    """
    if path.stat().st_size == 0:
        return _describe(path, _track_of(path), 0, array("q"))
    layout = webm.finish(path)
    seals = read_seals(path)
    sealed = seals[-1].end if seals else layout.body
    if sealed < layout.end:
        _seals_path(path).write_bytes(b"".join(map(_seal_line, seals)))
        _append_seal(path, len(seals) + 1, sealed, layout.end, repaired=True)
    return read_recorded(path)


def read_recorded(path: Path) -> RecordedTrack:
    """What the file at *path* holds by now, read from the file itself."""
    layout = webm.scan(path)
    times = array("q")
    with path.open("rb") as file:
        for cluster in layout.clusters:
            file.seek(cluster.offset)
            blocks = webm.read_blocks(file.read(cluster.size))
            times.extend(layout.start_ms + block.at_ms for block in blocks)
    return _describe(path, _track_of(path), layout.start_ms, times)


def read_seals(path: Path) -> tuple[Seal, ...]:
    """The seals of the recording at *path*, a torn last line left out."""
    if not _seals_path(path).exists():
        return ()
    lines = _seals_path(path).read_bytes().split(b"\n")[:-1]
    return tuple(Seal(**json.loads(line)) for line in lines)


def broken_seals(path: Path) -> tuple[int, ...]:
    """Numbers of the sealed segments whose bytes are no longer those that were sealed."""
    return tuple(
        seal.segment
        for seal in read_seals(path)
        if _digest(path, seal.start, seal.end) != seal.sha256
    )


def _describe(path: Path, track: Track, start_ms: int, times: array[int]) -> RecordedTrack:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return RecordedTrack(
        track=track,
        path=path,
        starts_s=start_ms / 1000,
        intervals=frame_intervals(track, (at_ms / 1000 for at_ms in times)),
        bytes=path.stat().st_size,
        sha256=digest,
    )


def _free_path(directory: Path, track: Track) -> Path:
    number = 1
    while True:
        path = directory / f"{track}-{number:03d}.webm"
        with suppress(FileExistsError):
            path.touch(mode=0o600, exist_ok=False)
            return path
        number += 1


def _track_of(path: Path) -> Track:
    return Track(path.name.rpartition("-")[0])


def _seals_path(path: Path) -> Path:
    return path.with_name(path.name + ".seals")


def _append_seal(path: Path, segment: int, start: int, end: int, repaired: bool) -> None:
    seal = Seal(segment, start, end, _digest(path, start, end), repaired)
    with _seals_path(path).open("ab") as file:
        file.write(_seal_line(seal))


def _seal_line(seal: Seal) -> bytes:
    return json.dumps(asdict(seal), sort_keys=True).encode() + b"\n"


def _digest(path: Path, start: int, end: int) -> str:
    with path.open("rb") as file:
        file.seek(start)
        return hashlib.sha256(file.read(end - start)).hexdigest()
