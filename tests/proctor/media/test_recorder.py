"""Recording a track: what is on disk in the end, after a kill, and when the disk fails."""

import errno
import itertools
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import av
import pytest

from proctor.media import files
from proctor.media import recorder as recorder_module
from proctor.media.frames import Codec
from proctor.media.gaps import Interval
from proctor.media.recorder import (
    RecordingFailed,
    TrackRecorder,
    broken_seals,
    read_recorded,
    read_seals,
    repair,
)
from proctor.observations import Track
from tests.support.waiting import wait_until

pytestmark = pytest.mark.media

# feeds frames of a seeded file, never faster than real time, until killed, telling how far it came
CHILD = """
import os, sys, time
from pathlib import Path
from proctor.media.frames import EncodedFrame, is_key_frame
from proctor.media.recorder import TrackRecorder
from proctor.observations import Track
directory, codec, limit = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
pictures = [bytes.fromhex(line) for line in (directory / "pictures.hex").read_text().split()]
epoch = time.monotonic()
# what was written outlives the process; how long the device takes to hold it is another matter
os.fdatasync = os.fsync = lambda file: None
recorder = TrackRecorder(directory, Track.CAMERA, epoch, codec=codec)
number = 0
while number < limit * 15:
    arrival = epoch + number / 15
    time.sleep(1 / 15)
    data = pictures[number % len(pictures)]
    is_key = is_key_frame(codec, data)
    frame = EncodedFrame(Track.CAMERA, codec, 6000 * number, arrival, is_key, data)
    recorder.write(frame)
    print(number / 15, flush=True)
    number += 1
recorder.finish()
"""


class Unattended:
    """Stands for the disk and has no thread: the test visits."""

    def attend(self, recording: TrackRecorder) -> None:
        pass

    def dismiss(self, recording: TrackRecorder) -> None:
        pass


def run_child(
    directory: Path, pictures: tuple[bytes, ...], codec: Codec, seconds: float
) -> subprocess.Popen:
    (directory / "pictures.hex").write_text("\n".join(each.hex() for each in pictures))
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(directory), codec, str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(recorder_module.__file__).parents[2],
    )


def test_recording_holds_every_frame_and_says_so(tmp_path, frames) -> None:
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=100.0)
    for frame in frames(5.0, start=102.0):
        recorder.write(frame)

    recorded = recorder.finish()

    assert recorded.path == tmp_path / "camera-001.webm"
    assert recorded.starts_s == 2.0
    assert recorded.intervals == (Interval(2.0, pytest.approx(7.0, abs=0.001)),)
    assert recorded == read_recorded(recorded.path)
    with av.open(str(recorded.path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 75


def test_next_peer_of_the_track_gets_its_own_file(tmp_path, frames) -> None:
    for number in (1, 2):
        recorder = TrackRecorder(tmp_path, Track.SCREEN, epoch=0.0)
        for frame in frames(1.0):
            recorder.write(frame)
        assert recorder.finish().path.name == f"screen-00{number}.webm"


def test_silence_between_frames_is_no_interval(tmp_path, frames) -> None:
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0)
    for frame in [*frames(2.0), *frames(2.0, start=10.0)]:
        recorder.write(replace(frame, rtp_timestamp=round(90_000 * frame.arrival)))

    assert recorder.finish().intervals == (
        Interval(0.0, pytest.approx(2.0, abs=0.001)),
        Interval(10.0, pytest.approx(12.0, abs=0.001)),
    )


def test_recording_starts_at_a_key_frame(tmp_path, frames) -> None:
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0)
    for frame in frames(3.0)[7:]:
        recorder.write(frame)

    assert recorder.finish().intervals == (Interval(1.0, pytest.approx(3.0, abs=0.001)),)


def test_recorder_without_frames_leaves_an_empty_file(tmp_path) -> None:
    recorded = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0).finish()

    assert (recorded.intervals, recorded.bytes) == ((), 0)
    assert repair(recorded.path) == recorded


def test_codec_that_was_not_agreed_on_is_refused_visibly(tmp_path, frames) -> None:
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0)

    with pytest.raises(RecordingFailed) as failure:
        recorder.write(replace(frames(1.0)[0], codec="H264"))

    assert failure.value.reason == "codec_not_recordable"
    recorder.finish()


def test_seals_cover_every_cluster_and_show_a_changed_byte(tmp_path, frames, monkeypatch) -> None:
    monkeypatch.setattr(recorder_module, "SEAL_EVERY_S", 0.0)
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0)
    for frame in frames(5.0):
        recorder.write(frame)
        if frame.is_key:
            recorder.visit()
            recorder.seal_if_due()
    path = recorder.finish().path

    seals, layout = read_seals(path), files.scan(path)
    assert len(seals) == 5
    assert (seals[0].start, seals[-1].end) == (layout.header.body, layout.end)
    assert all(a.end == b.start for a, b in itertools.pairwise(seals))
    assert broken_seals(path) == ()

    data = bytearray(path.read_bytes())
    data[seals[2].start + 200] ^= 1
    path.write_bytes(data)
    assert broken_seals(path) == (3,)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_kill_9_loses_at_most_two_seconds(tmp_path, pictures, h264_pictures, codec: Codec) -> None:
    shown = {"VP8": pictures, "H264": h264_pictures}[codec]
    child = run_child(tmp_path, shown, codec, seconds=60)
    assert child.stdout is not None
    for line in child.stdout:
        if float(line) >= 5.5:
            break
    child.send_signal(signal.SIGKILL)
    rest, _ = child.communicate()
    fed_s = float(rest.split()[-1]) if rest.split() else 5.5

    recorded = repair(tmp_path / f"camera-001{files.SUFFIX[codec]}")

    assert fed_s - 2.0 <= recorded.intervals[-1].end <= fed_s + 0.1
    assert len(recorded.intervals) == 1
    assert read_seals(recorded.path)[-1].repaired
    assert broken_seals(recorded.path) == ()
    assert repair(recorded.path) == recorded
    with av.open(str(recorded.path)) as container:
        last = [frame.time for frame in container.decode(video=0)][-1]
    assert recorded.starts_s + last == pytest.approx(recorded.intervals[-1].end, abs=0.1)


def test_full_disk_fails_the_recording_and_keeps_what_was_written(
    tmp_path, frames, monkeypatch
) -> None:
    free = [1_000_000]
    write = os.write

    def write_to_small_disk(file: int, data: bytes) -> int:
        if free[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = write(file, data[: free[0]])
        free[0] -= taken
        return taken

    monkeypatch.setattr(files.os, "write", write_to_small_disk)
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0)
    some = frames(5.0)
    free[0] = sum(len(frame.data) + 30 for frame in some[:40])
    for frame in some:
        recorder.write(frame)
    with pytest.raises(RecordingFailed) as failure:
        recorder.finish()

    assert failure.value.reason == "ENOSPC"
    assert failure.value.recorded is not None
    assert failure.value.recorded.intervals == (Interval(0.0, pytest.approx(2.0, abs=0.001)),)
    assert broken_seals(recorder.path) == ()
    assert read_seals(recorder.path)[-1].end == files.scan(recorder.path).end
    with pytest.raises(RecordingFailed):
        recorder.write(some[0])


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_device_that_lost_something_once_seals_nothing_afterwards(
    tmp_path, frames, monkeypatch, number: int
) -> None:
    """Linux tells of a failed write-back once; asked again, the device holds what is left."""
    answers = iter([OSError(number, "lost")])

    def fail_once(file: int) -> None:
        for error in answers:
            raise error

    monkeypatch.setattr(files.os, "fdatasync", fail_once)
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0)
    for frame in frames(2.0):
        recorder.write(frame)

    with pytest.raises(RecordingFailed) as failure:
        recorder.finish()

    assert read_seals(recorder.path) == ()
    assert failure.value.recorded is not None
    assert (failure.value.recorded.intervals, failure.value.recorded.sha256) == ((), "")


def test_device_holds_each_stretch_then_its_seal_and_at_last_the_whole(
    tmp_path, frames, monkeypatch
) -> None:
    held = []

    def note(file: int) -> None:
        held.append(Path(os.readlink(f"/proc/self/fd/{file}")).name)

    monkeypatch.setattr(files.os, "fdatasync", note)
    monkeypatch.setattr(files.os, "fsync", note)
    monkeypatch.setattr(recorder_module, "SEAL_EVERY_S", 0.0)
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0, disk=Unattended())
    for frame in frames(5.0):
        recorder.write(frame)
        if frame.is_key:
            recorder.visit()
            recorder.seal_if_due()
    name = recorder.finish().path.name

    stretch = [name, f"{name}.seals"]
    assert held == [*stretch, tmp_path.name, *4 * stretch, f"{name}.idx", name]


def test_device_that_lost_a_seal_seals_nothing_afterwards(tmp_path, frames, monkeypatch) -> None:
    answers = iter([OSError(errno.EIO, "Input/output error")])

    def fail_once(file: int) -> None:
        for error in answers:
            raise error

    monkeypatch.setattr(files.os, "fsync", fail_once)
    monkeypatch.setattr(recorder_module, "SEAL_EVERY_S", 0.0)
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0, disk=Unattended())
    some = frames(5.0)
    for frame in some[:31]:
        recorder.write(frame)
    recorder.visit()
    recorder.seal_if_due()
    with pytest.raises(RecordingFailed):
        recorder.write(some[31])
    with pytest.raises(RecordingFailed) as failure:
        recorder.finish()

    assert failure.value.recorded is not None
    assert failure.value.recorded.sha256 == ""
    # what the seal is of was held before it
    assert failure.value.recorded.intervals[0].end >= 1.9
    assert len(read_seals(recorder.path)) == 1


@pytest.mark.parametrize("left_out", [".seals", ""])
def test_file_that_cannot_be_opened_for_a_sync_costs_no_hash(
    tmp_path, frames, monkeypatch, left_out: str
) -> None:
    """Too many files are open for a moment; the device holds all it was given."""
    opening, failed = os.open, []

    def fail_once(path: Path, flags: int, *mode: int) -> int:
        is_meant = path.name.endswith(".seals") if left_out else path == tmp_path
        if is_meant and flags == os.O_RDONLY and not failed:
            failed.append(path)
            raise OSError(errno.EMFILE, "Too many open files")
        return opening(path, flags, *mode)

    monkeypatch.setattr(files.os, "open", fail_once)
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0, disk=Unattended())
    for frame in frames(2.0):
        recorder.write(frame)

    with pytest.raises(RecordingFailed) as failure:
        recorder.finish()

    assert (failure.value.reason, len(failed)) == ("EMFILE", 1)
    assert failure.value.recorded == read_recorded(recorder.path)
    assert broken_seals(recorder.path) == ()


def test_failing_device_holds_what_it_held_at_the_last_seal_and_has_no_hash(
    tmp_path, frames, monkeypatch
) -> None:
    def fail(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(recorder_module, "SEAL_EVERY_S", 0.0)
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0)
    some = frames(5.0)
    for frame in some[:31]:
        recorder.write(frame)
    recorder.visit()
    recorder.seal_if_due()
    monkeypatch.setattr(files.os, "fdatasync", fail)
    for frame in some[31:]:
        recorder.write(frame)

    with pytest.raises(RecordingFailed) as failure:
        recorder.finish()

    assert failure.value.reason == "EIO"
    recorded = failure.value.recorded
    assert recorded is not None
    assert recorded.sha256 == ""
    (seal,) = read_seals(recorder.path)
    sealed = [each for each in files.scan(recorder.path).clusters if each.offset < seal.end]
    assert len(recorded.intervals) == 1
    assert recorded.intervals[0].start == 0.0
    assert recorded.intervals[0].end <= len(sealed) + 0.1
    assert recorded.intervals[0].end >= 1.9


def test_what_a_failing_write_left_is_sealed_and_seekable(tmp_path, frames, monkeypatch) -> None:
    """The device takes no more, and holds what it was given."""
    write, left = os.write, [3]

    def fail_late(file: int, data: bytes) -> int:
        if os.readlink(f"/proc/self/fd/{file}").endswith(".webm"):
            if not left[0]:
                raise OSError(errno.EIO, "Input/output error")
            left[0] -= 1
        return write(file, data)

    monkeypatch.setattr(files.os, "write", fail_late)
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0)
    for frame in frames(5.0):
        recorder.write(frame)

    with pytest.raises(RecordingFailed) as failure:
        recorder.finish()

    recorded = failure.value.recorded
    assert recorded == read_recorded(recorder.path)
    assert recorded.intervals == (Interval(0.0, pytest.approx(2.0, abs=0.001)),)
    assert files.scan(recorder.path).header.is_finished
    assert read_seals(recorder.path)[-1].end == files.scan(recorder.path).end


@pytest.mark.parametrize("name", ["", ".idx"])
def test_file_that_cannot_be_begun_is_not_left_open(tmp_path, frames, monkeypatch, name) -> None:
    write, opened = os.write, len(os.listdir("/proc/self/fd"))

    def fail(file: int, data: bytes) -> int:
        raise OSError(errno.EIO, "Input/output error")

    if name:
        (tmp_path / f"a{name}").mkdir()
    monkeypatch.setattr(files.os, "write", write if name else fail)
    for _ in range(3):
        with pytest.raises(OSError, match=r"directory|Input"):
            files.Writer(tmp_path / "a", "VP8", frames(1.0)[0].data, 0)

    assert len(os.listdir("/proc/self/fd")) == opened


def test_stalled_disk_costs_frames_not_memory(tmp_path, frames, monkeypatch) -> None:
    stalled, released = threading.Event(), threading.Event()
    write = os.write

    def stall(file: int, data: bytes) -> int:
        stalled.set()
        assert released.wait(60.0)
        return write(file, data)

    monkeypatch.setattr(files.os, "write", stall)
    monkeypatch.setattr(recorder_module, "MAX_BACKLOG_BYTES", 60_000)
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0)
    some = frames(20.0)
    recorder.write(some[0])
    assert stalled.wait(60.0)
    for frame in some[1:270]:
        recorder.write(frame)
    assert recorder.dropped > 0
    assert recorder._taken_bytes - recorder._written_bytes <= 60_000
    released.set()
    wait_until(lambda: recorder._written_bytes == recorder._taken_bytes)
    for frame in some[270:]:
        recorder.write(frame)

    recorded = recorder.finish()

    assert len(recorded.intervals) == 2
    assert recorded.intervals[1].start == pytest.approx(18.0)
