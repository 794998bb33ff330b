"""The media of one sitting when its disk fills, fails and comes back."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from proctor.media import capture as capture_module
from proctor.media import disk as disk_module
from proctor.media import files
from proctor.media import recorder as recorder_module
from proctor.media.capture import FINISHED, Capture, DiskFull
from proctor.media.disk import Disk
from proctor.media.frames import EncodedFrame
from proctor.media.gaps import coverage, gaps
from proctor.media.pace import Pace
from proctor.media.port import MediaPort
from proctor.media.recorder import broken_seals
from proctor.observations import Track
from tests.support.clock import SetClock
from tests.support.small_disk import mounted

pytestmark = pytest.mark.media

SMALL = 4 << 20


def in_loop(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 30))


class Browser:
    """Stands where a peer is: sends what the test says."""

    codec = "VP8"

    def __init__(self, on_frame: Callable[[EncodedFrame], None]) -> None:
        self.send = on_frame
        self.asked: list[Track] = []
        self.dropped: Counter[str] = Counter()
        self.given_up = 0

    @classmethod
    async def answer(cls, sdp: str, *, on_frame, **_: object) -> tuple["Browser", str]:
        return cls(on_frame), "answer"

    def request_keyframe(self, track: Track) -> None:
        self.asked.append(track)

    def expect(self, pace: object) -> None:
        pass

    async def close(self) -> None:
        pass


class Exam:
    """A capture on a disk, fed a second at a time."""

    def __init__(self, directory: Path, disk: Disk, frames) -> None:
        self.clock = SetClock(datetime(2026, 5, 4, 9, tzinfo=UTC))
        self.changes: list[tuple[str, dict]] = []
        self.files: list[Path] = []
        self.second = 0
        self._frames = frames
        self._port = MediaPort("127.0.0.1")
        self.capture = Capture(
            self.clock,
            directory,
            self.clock.monotonic(),
            self._port,
            disk,
            lambda name, _, values: self.changes.append((name, values)),
            lambda _, path: self.files.append(path),
        )

    async def feed(self, seconds: int) -> None:
        browser = self.capture.peer
        for _ in range(seconds):
            for track in Track:
                begin = self.clock.monotonic()
                for frame in self._frames(1.0, begin, track):
                    ticks = 90_000 * self.second + frame.rtp_timestamp
                    browser.send(replace(frame, rtp_timestamp=ticks))
            self.clock.advance(1.0)
            self.second += 1
            await asyncio.sleep(0)

    async def feed_until(self, condition: Callable[[], object], pause_s: float = 0.05) -> None:
        async with asyncio.timeout(20.0):
            while not condition():
                await self.feed(1)
                await asyncio.sleep(pause_s)

    def stops(self) -> set[tuple[str, str]]:
        return {
            (values["track"], values["cause"].removeprefix("recorder_"))
            for name, values in self.changes
            if name == "silent" and str(values["cause"]).startswith("recorder_")
        }

    async def end(self) -> None:
        await self.capture.drop(FINISHED)
        self._port.close()


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_module, "Peer", Browser)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 4 MiB, all but 300 kB of it taken by ``ballast``."""
    root = tmp_path / "small"
    with mounted(root, SMALL):
        (root / "ballast").write_bytes(bytes(SMALL - 300_000))
        yield root


def test_full_disk_stops_the_recording_and_room_begins_it_again(small_disk: Path, frames) -> None:
    async def scenario() -> None:
        disk = Disk(small_disk)
        exam = Exam(small_disk / "sitting", disk, frames)
        await exam.capture.connect("offer", {}, 0.0)
        await exam.feed_until(lambda: exam.stops() >= {("camera", "ENOSPC"), ("screen", "ENOSPC")})
        (small_disk / "ballast").unlink()
        back_s = exam.capture.now_s
        await exam.feed(1)
        await exam.feed_until(lambda: exam.capture.now_s - back_s >= 30.0)
        assert set(exam.capture.paths) == set(Track)
        assert exam.files
        await exam.end()
        disk.close()

        length = exam.capture.now_s
        for track in Track:
            kept = [each for each in exam.capture.recorded if each.track is track]
            held = [interval for each in kept for interval in each.intervals]
            missing = gaps(track, held, 0.0, length, exam.capture.causes()[track])
            assert {gap.cause for gap in missing} <= {"recorder_ENOSPC", "no_packets"}
            assert "recorder_ENOSPC" in {gap.cause for gap in missing}
            stopped = [gap for gap in missing if gap.cause == "recorder_ENOSPC"]
            assert max(gap.end for gap in stopped) <= back_s + 30.0
            told = sum(gap.end - gap.start for gap in stopped)
            assert told >= sum(gap.end - gap.start for gap in missing) - 0.1
            assert coverage(held, 0.0, length) + sum(
                gap.end - gap.start for gap in missing
            ) == pytest.approx(length)
            for each in kept:
                assert broken_seals(each.path) == ()
                assert files.scan(each.path).header.is_finished

    in_loop(scenario)


def test_disk_that_stalls_is_a_gap_with_its_cause(tmp_path: Path, frames, monkeypatch) -> None:
    # two seconds and more, however hard the encoder found them
    monkeypatch.setattr(recorder_module, "MAX_BACKLOG_BYTES", 80_000)

    async def scenario() -> None:
        disk = Disk(tmp_path)
        exam = Exam(tmp_path / "sitting", disk, frames)
        await exam.capture.connect("offer", {}, 0.0)
        # nobody visits the recordings any more
        disk.close()
        await exam.feed_until(lambda: exam.stops() >= {("camera", "stalled")})
        stalled_s = exam.capture.now_s
        await exam.feed(5)
        for recorder in exam.capture._recorders.values():
            recorder.visit()
        await exam.feed(1)
        assert ("resumed", {"track": "camera"}) in exam.changes[-2:]
        await exam.end()
        causes = [each for each in exam.capture.causes()[Track.CAMERA] if each.end > stalled_s]
        assert causes[0].cause == "recorder_stalled"
        assert causes[0].end - causes[0].start >= 5.0

    in_loop(scenario)


def test_sender_of_far_too_much_is_recorded_as_far_as_its_budget_goes(
    tmp_path: Path, frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a third of what the camera alone brings, and some seconds of it at once
    rate = sum(len(frame.data) for frame in frames(3.0)) // 9
    monkeypatch.setattr("proctor.media.budget.BYTES_PER_S", rate)
    monkeypatch.setattr("proctor.media.budget.MOST_BYTES", 20 * rate)
    monkeypatch.setattr("proctor.media.budget.AGAIN_BYTES", 5 * rate)
    left = {Track.CAMERA: 0.0, Track.SCREEN: 10.0 * rate}
    monkeypatch.setattr("proctor.media.budget.KEPT_BYTES", left)

    async def scenario() -> None:
        disk = Disk(tmp_path)
        exam = Exam(tmp_path / "sitting", disk, frames)
        await exam.capture.connect("offer", {}, 0.0)
        await exam.feed_until(lambda: exam.stops() == {(t, "over_budget") for t in Track}, 0.0)
        # once the disk was visited
        await exam.feed_until(lambda: ("resumed", {"track": "camera"}) in exam.changes[4:], 0.02)
        await exam.feed(60)
        taken = exam.capture.taken_bytes
        await exam.end()
        disk.close()
        length = exam.capture.now_s
        assert {each.bytes > 0 for each in exam.capture.recorded} == {True}
        assert sum(each.bytes for each in exam.capture.recorded) < 0.8 * taken
        for track in Track:
            (kept,) = [each for each in exam.capture.recorded if each.track is track]
            causes = exam.capture.causes()[track]
            missing = gaps(track, kept.intervals, 0.0, length, causes)
            told = sum(gap.end - gap.start for gap in missing if gap.cause.endswith("over_budget"))
            # but for the key frame that is waited for at either end of each
            assert told > 0.8 * sum(gap.end - gap.start for gap in missing)

    in_loop(scenario)


def test_screen_is_given_up_before_the_camera_and_something_is_left(
    small_disk: Path, frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_module, "MEASURE_EVERY_S", 0.0)
    (small_disk / "ballast").write_bytes(bytes(SMALL - 1_600_000))

    async def scenario() -> None:
        disk = Disk(small_disk, min_free=2_000_000)
        exam = Exam(small_disk / "sitting", disk, frames)
        disk._min_free = 0
        await exam.capture.connect("offer", {}, 0.0)
        disk._min_free = 2_000_000
        await exam.feed_until(lambda: ("screen", "disk_low") in exam.stops(), 0.2)
        assert exam.stops() == {("screen", "disk_low")}
        await exam.feed_until(lambda: ("camera", "disk_low") in exam.stops(), 0.2)
        await exam.end()
        disk.close()
        assert {cause for _, cause in exam.stops()} == {"disk_low"}
        (small_disk / "event").write_bytes(bytes(100_000))

    in_loop(scenario)


def test_failed_sync_stops_the_recording_and_nothing_is_sealed(
    tmp_path: Path, frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: int) -> None:
        raise OSError(5, "Input/output error")

    async def scenario() -> None:
        disk = Disk(tmp_path)
        exam = Exam(tmp_path / "sitting", disk, frames)
        monkeypatch.setattr("proctor.media.recorder.SEAL_EVERY_S", 0.0)
        monkeypatch.setattr(files.os, "fdatasync", fail)
        await exam.capture.connect("offer", {}, 0.0)
        await exam.feed_until(lambda: exam.stops() >= {("camera", "EIO"), ("screen", "EIO")})
        monkeypatch.undo()
        await exam.feed_until(lambda: len(exam.files) == 2)
        await exam.end()
        disk.close()
        assert not list((tmp_path / "sitting").glob("*-001.webm.seals"))
        assert len(exam.capture.recorded) == 4

    in_loop(scenario)


def test_file_that_cannot_be_read_back_has_no_hash_and_keeps_nobody(
    tmp_path: Path, frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = recorder_module.hashlib.file_digest

    def fail(file, kind):
        if Path(file.name).name == "camera-001.webm":
            raise OSError(5, "Input/output error")
        return digest(file, kind)

    async def scenario() -> None:
        disk = Disk(tmp_path)
        exam = Exam(tmp_path / "sitting", disk, frames)
        await exam.capture.connect("offer", {}, 0.0)
        await exam.feed(3)
        monkeypatch.setattr(recorder_module.hashlib, "file_digest", fail)
        with structlog.testing.capture_logs() as told:
            await exam.capture.connect("offer", {}, 0.0)
        await exam.feed(3)
        await exam.end()
        assert disk._recordings == ()
        disk.close()
        hashes = {each.path.name: each.sha256 for each in exam.capture.recorded}
        assert {name for name, found in hashes.items() if not found} == {"camera-001.webm"}
        assert len(hashes) == 4
        assert told[0] == {
            "event": "recording_failed",
            "log_level": "error",
            "sitting": "sitting",
            "track": "camera",
            "reason": "EIO",
        }

    in_loop(scenario)


def test_codec_that_was_not_agreed_on_is_not_tried_again(tmp_path: Path, frames) -> None:
    async def scenario() -> None:
        disk = Disk(tmp_path)
        exam = Exam(tmp_path / "sitting", disk, frames)
        await exam.capture.connect("offer", {}, 0.0)
        for second in range(60):
            frame = replace(frames(1.0, float(second))[0], codec="H264")
            exam.capture.peer.send(frame)
            exam.clock.advance(1.0)
        await exam.end()
        disk.close()
        assert exam.stops() == {("camera", "codec_not_recordable")}
        assert exam.files == []

    in_loop(scenario)


def test_screen_is_asked_for_a_picture_every_two_seconds_that_somebody_looks(
    tmp_path: Path, frames
) -> None:
    async def scenario() -> None:
        disk = Disk(tmp_path)
        exam = Exam(tmp_path / "sitting", disk, frames)
        await exam.capture.connect("offer", {}, 0.0)
        await exam.feed(2)
        assert exam.capture.look_at(Track.CAMERA).arrival == exam.clock.monotonic() - 1.0
        assert exam.capture.peer.asked == []
        for _ in range(10):
            exam.clock.advance(0.5)
            seen = [exam.capture.look_at(Track.SCREEN) for _ in range(2)]
            assert seen == [exam.capture.newest_screen.last] * 2
        assert exam.capture.peer.asked == [Track.SCREEN] * 3
        exam.capture.keep_pace(Pace.LOW)
        exam.clock.advance(10.0)
        exam.capture.look_at(Track.SCREEN)
        assert len(exam.capture.peer.asked) == 3
        await exam.end()
        disk.close()

    in_loop(scenario)


def test_sitting_is_refused_when_its_exam_has_no_room(tmp_path: Path, frames) -> None:
    async def scenario() -> None:
        disk = Disk(tmp_path)
        disk.close()
        disk._measured = lambda: 75_000 * 3_600 * 1.5
        exam = Exam(tmp_path / "sitting", disk, frames)
        await exam.capture.connect("offer", {}, 3_600.0)
        # the same sitting again, after a reconnection, is promised nothing twice
        await exam.capture.connect("offer", {}, 3_500.0)
        other = Exam(tmp_path / "other", disk, frames)
        with pytest.raises(DiskFull):
            await other.capture.connect("offer", {}, 3_600.0)
        await exam.end()
        await other.capture.connect("offer", {}, 3_600.0)
        await other.end()

    in_loop(scenario)


def test_exam_under_way_is_connected_again_however_little_room_there_is(
    tmp_path: Path, frames
) -> None:
    async def scenario() -> None:
        disk = Disk(tmp_path, min_free=1_000)
        disk.close()
        disk._measured = lambda: 600.0
        disk._measure()
        exam = Exam(tmp_path / "sitting", disk, frames)
        with pytest.raises(DiskFull):
            await exam.capture.connect("offer", {}, 60.0)
        await exam.capture.connect("offer", {}, 60.0, is_under_way=True)
        await exam.feed(3)
        assert exam.stops() == set()
        await exam.end()
        assert disk._promised == {}
        assert {each.track for each in exam.capture.recorded if each.intervals} == set(Track)

    in_loop(scenario)
