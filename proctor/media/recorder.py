"""Encoded frames in, one file per track and peer out: readable while it grows, sealed often.

Durability: clusters of at most a second, each one append; at least every 10 s the device is synced
and a seal written and synced. A killed process loses at most 2 s, a power cut at most 12 s.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from proctor.errors import Unavailable
from proctor.media import files
from proctor.media.container import Block, NotARecording, NotRecordable
from proctor.media.disk import SEAL_EVERY_S, Disk
from proctor.media.frames import Codec, EncodedFrame
from proctor.media.gaps import Interval, frame_intervals
from proctor.media.timeline import Timeline
from proctor.observations import Track

CLUSTER_WAIT_S = 1.0
# about 4 minutes of both tracks: a stalled disk costs pictures, not memory
MAX_BACKLOG_BYTES = 16 << 20
MAX_FILE_BYTES = 1 << 48
DIGEST_PIECE_BYTES = 1 << 20
CODEC_NOT_RECORDABLE = "codec_not_recordable"
NO_SPACE = ("ENOSPC", "EDQUOT")


@dataclass(frozen=True, slots=True)
class RecordedTrack:
    """What one file holds: ``starts_s`` and ``intervals`` in seconds since the epoch.

    ``sha256`` is empty when the device may not hold it: then the intervals are what was sealed.
    """

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
    """Records one track of one peer below *directory*, in the thread of *disk*.

    ``epoch``: monotonic seconds that the recording's times count from. ``path`` exists at once and
    stays empty until the first key frame. ``dropped``: frames refused because the disk stalled
    or skipped; they become a gap. ``disk``: None for one of its own. ``codec``: of every frame.
    """

    def __init__(
        self,
        directory: Path,
        track: Track,
        epoch: float,
        disk: Disk | None = None,
        codec: Codec = "VP8",
    ) -> None:
        self.path = _free_path(directory, track, files.SUFFIX[codec])
        self.track = track
        self._codec = codec
        self.dropped = 0
        self.sealed_at = self._flushed = time.monotonic()
        # whoever watches waits for no full second of pictures
        self.is_watched = False
        self._timeline = Timeline(epoch)
        self._frames: deque[EncodedFrame] = deque()
        # each counter is written by one thread only
        self._taken_bytes = self._written_bytes = 0
        self._needs_key = True
        # guards all below: the disk's thread writes, whoever finishes takes over
        self._lock = threading.Lock()
        self._writer: files.Writer | None = None
        self._start_ms = 0
        self._times = array("q")
        self._recorded: RecordedTrack | None = None
        self._seals = self._sealed_pictures = 0
        self._seal_from = 0
        # whether the device held what it was given whenever it was asked
        self._is_held = True
        self._failure: RecordingFailed | None = None
        self._own_disk = None if disk else Disk()
        self._disk = disk or self._own_disk
        assert self._disk is not None
        self._disk.attend(self)

    @property
    def holds_pictures(self) -> bool:
        """Whether pictures have reached the file."""
        writer = self._writer
        return writer is not None and writer.end > writer.body

    def write(self, frame: EncodedFrame) -> bool:
        """Queue *frame*; never blocks. False when it is not taken, or a key frame is awaited.

        Raises RecordingFailed once the file cannot be written.
        """
        if self._failure is not None:
            raise self._failure
        if frame.codec != self._codec:
            raise RecordingFailed(CODEC_NOT_RECORDABLE)
        is_full = self._taken_bytes - self._written_bytes + len(frame.data) > MAX_BACKLOG_BYTES
        if is_full or (self._needs_key and not frame.is_key):
            self.dropped += is_full
            self._needs_key = True
            return False
        self._needs_key = False
        self._taken_bytes += len(frame.data)
        self._frames.append(frame)
        return True

    def skip(self) -> None:
        """A frame goes by unrecorded: the next that is taken is a key frame."""
        self.dropped += 1
        self._needs_key = True

    def finish(self) -> RecordedTrack:
        """Write out, seal and make seekable; blocks for the disk, so not for the event loop.

        Raises RecordingFailed, which holds what was recorded until then.
        """
        assert self._disk is not None
        self._disk.dismiss(self)
        if self._own_disk is not None:
            self._own_disk.close()
        self._guarded(self._finish)
        if self._failure is not None:
            raise RecordingFailed(self._failure.reason, self._kept()) from self._failure
        assert self._recorded is not None
        return self._recorded

    def visit(self) -> None:
        """Write what has gathered; a failure is told to the next ``write``."""
        self._guarded(self._write_out)

    def seal_if_due(self) -> None:
        """Seal what was written, if the last seal is long enough ago."""
        if time.monotonic() - self.sealed_at >= SEAL_EVERY_S:
            self._guarded(self._seal)

    def _guarded(self, work: Callable[[], None]) -> None:
        with self._lock:
            if self._failure is not None:
                return
            try:
                work()
            except OSError as error:
                self._fail(errno.errorcode.get(error.errno or 0, "disk"), error)
            except NotRecordable as error:
                self._fail(CODEC_NOT_RECORDABLE, error)
            # the thread's outermost loop: no recording may end unnoticed
            except Exception as error:  # noqa: BLE001
                self._fail("recorder_broken", error)

    def _write_out(self) -> None:
        while self._frames:
            self._append(self._frames.popleft())
        wait_s = 0.0 if self.is_watched else CLUSTER_WAIT_S
        if self._writer is not None and time.monotonic() - self._flushed >= wait_s:
            self._writer.flush()
            self._flushed = time.monotonic()

    def _append(self, frame: EncodedFrame) -> None:
        at_s = self._timeline.place(frame.rtp_timestamp, frame.arrival, frame.taken)
        at_ms = round(1000 * at_s)
        if self._writer is None:
            self._start_ms = at_ms
            self._writer = files.Writer(self.path, self._codec, frame.data, at_ms)
            self._seal_from = self._writer.body
        else:
            at_ms = max(at_ms, self._times[-1] + 1)
        before = self._writer.end
        self._writer.add(Block(at_ms - self._start_ms, frame.is_key, frame.data))
        self._times.append(at_ms)
        self._written_bytes += len(frame.data)
        if self._writer.end != before:
            self._flushed = time.monotonic()

    def _seal(self) -> None:
        self.sealed_at = time.monotonic()
        if self._writer is None or self._writer.end == self._seal_from or not self._is_held:
            return
        self._hold(self._writer.sync)
        end, pictures = self._writer.end, len(self._times) - self._writer.waiting
        _append_seal(self.path, self._seals + 1, self._seal_from, end, repaired=False)
        self._seals += 1
        self._seal_from, self._sealed_pictures = end, pictures
        self._keep(_seals_path(self.path))
        if self._seals == 1:
            # the names of all three files
            self._keep(self.path.parent)

    def _keep(self, path: Path) -> None:
        # that a file cannot be opened says nothing of the device
        with files.opened(path) as file:
            self._hold(partial(os.fsync, file))

    def _hold(self, sync: Callable[[], None]) -> None:
        # a device that lost something says so once, and then holds all it still has
        self._is_held = False
        sync()
        self._is_held = True

    def _finish(self) -> None:
        self._write_out()
        if self._writer is not None:
            self._writer.flush()
            self._seal()
            self._close()
            files.finish(self.path)
        self._recorded = _describe(self.path, self.track, self._start_ms, self._times)

    def _close(self) -> None:
        # once: the number of a closed file is given to the next one that is opened
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _fail(self, reason: str, error: Exception) -> None:
        self._failure = RecordingFailed(reason)
        self._failure.__cause__ = error
        with suppress(OSError):
            self._seal()
        with suppress(OSError):
            self._close()
        self._frames.clear()

    def _kept(self) -> RecordedTrack:
        with suppress(OSError, NotARecording):
            # a device that lost what it was given may not be told to hold it now
            if self._is_held:
                return repair(self.path)
        return RecordedTrack(
            track=self.track,
            path=self.path,
            starts_s=self._start_ms / 1000,
            intervals=_intervals(self.track, self._times[: self._sealed_pictures]),
            bytes=self._written_bytes,
            sha256="",
        )


def repair(path: Path) -> RecordedTrack:
    """Finish a recording whose recorder was killed: its torn tail is cut off, the rest sealed.

    A finished recording is only described. Raises NotARecording, OSError.
    """
    if path.stat().st_size == 0:
        return _describe(path, _track_of(path), 0, array("q"))
    sealed = max((seal.end for seal in read_seals(path)), default=0)
    layout = files.finish(path, sealed)
    sealed = max(sealed, layout.header.body)
    if sealed < layout.end:
        lines = _seal_lines(path)
        _seals_path(path).write_bytes(b"".join(line + b"\n" for line in lines))
        _append_seal(path, len(lines) + 1, sealed, layout.end, repaired=True)
    if _seals_path(path).exists():
        files.keep(_seals_path(path))
        files.keep(path.parent)
    return read_recorded(path)


def read_recorded(path: Path) -> RecordedTrack:
    """What the file at *path* holds by now, read from the file itself.

    A damaged cluster holds the pictures before the damage. Raises NotARecording, OSError.
    """
    layout = files.scan(path)
    times = array("q")
    with path.open("rb") as file:
        for cluster in layout.clusters:
            file.seek(cluster.offset)
            with suppress(NotARecording):
                for block in files.read_blocks(file.read(cluster.size)):
                    times.append(layout.header.start_ms + block.at_ms)
    return _describe(path, _track_of(path), layout.header.start_ms, array("q", sorted(times)))


def read_seals(path: Path) -> tuple[Seal, ...]:
    """The seals of the recording at *path*; a torn or damaged line is left out."""
    return tuple(seal for line in _seal_lines(path) if (seal := _seal_of(line)))


def broken_seals(path: Path) -> tuple[int, ...]:
    """Numbers of the sealed segments whose bytes are no longer those that were sealed, or whose
    seal cannot be read."""
    return tuple(
        number
        for number, line in enumerate(_seal_lines(path), 1)
        if (seal := _seal_of(line)) is None or _digest(path, seal.start, seal.end) != seal.sha256
    )


def _describe(path: Path, track: Track, start_ms: int, times: array[int]) -> RecordedTrack:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return RecordedTrack(
        track=track,
        path=path,
        starts_s=start_ms / 1000,
        intervals=_intervals(track, times),
        bytes=path.stat().st_size,
        sha256=digest,
    )


def _intervals(track: Track, times: array[int]) -> tuple[Interval, ...]:
    return frame_intervals(track, (at_ms / 1000 for at_ms in times))


def _free_path(directory: Path, track: Track, suffix: str) -> Path:
    number = 1
    while True:
        path = directory / f"{track}-{number:03d}{suffix}"
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


def _seal_lines(path: Path) -> list[bytes]:
    """Each seal's line, without a torn last one."""
    if not _seals_path(path).exists():
        return []
    return _seals_path(path).read_bytes().split(b"\n")[:-1]


def _seal_of(line: bytes) -> Seal | None:
    """The seal *line* holds, None for one that is damaged."""
    try:
        seal = Seal(**json.loads(line))
        is_whole = 0 <= seal.start < seal.end < MAX_FILE_BYTES
    # whatever stands there instead
    except (ValueError, TypeError, RecursionError):
        return None
    return seal if is_whole and isinstance(seal.end + seal.start, int) else None


def _digest(path: Path, start: int, end: int) -> str:
    """SHA-256 of those bytes, as far as the file goes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(start)
        while piece := file.read(min(DIGEST_PIECE_BYTES, end - start)):
            digest.update(piece)
            start += len(piece)
    return digest.hexdigest()
