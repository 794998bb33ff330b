"""The thread that writes all recordings."""

import errno
import threading
from math import inf
from types import SimpleNamespace

import pytest

from proctor.media import disk as disk_module
from proctor.media.disk import SEAL_EVERY_S, Disk
from proctor.observations import Track

pytestmark = pytest.mark.unit

LIMIT_S = 10.0
SYNC_S = 0.0175


class Recording:
    """Counts its visits and notes when it was sealed."""

    def __init__(self, sealed_at: float, order: list[float]) -> None:
        self.sealed_at = sealed_at
        self.visited = threading.Event()
        self._order = order

    def visit(self) -> None:
        self.visited.set()

    def seal_if_due(self) -> None:
        self._order.append(self.sealed_at)


def test_all_recordings_are_visited_and_the_longest_unsealed_is_first(monkeypatch) -> None:
    monkeypatch.setattr(disk_module, "VISIT_EVERY_S", 0.01)
    # no round is broken off, however slow the machine is
    monkeypatch.setattr(disk_module, "SYNC_BUDGET_S", inf)
    order: list[float] = []
    disk = Disk()
    recordings = [Recording(sealed_at, order) for sealed_at in (30.0, 10.0, 20.0)]
    for each in recordings:
        disk.attend(each)
    for _ in range(2):
        for each in recordings:
            assert each.visited.wait(LIMIT_S)
            each.visited.clear()
    disk.close()

    assert order[-3:] == [recordings[number].sealed_at for number in (1, 2, 0)]


class Clock:
    """Time that passes only where the disk's thread waits, on its rest or on the device."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        """As ``Event.wait``; set after two minutes."""
        self.now += seconds
        return self.now > 120.0


class Slow:
    """A recording whose device takes 17.5 ms for both syncs of a seal."""

    def __init__(self, clock: Clock, begun: float) -> None:
        self._clock = clock
        self.sealed_at = self._held = begun
        self.longest_s = 0.0

    def visit(self) -> None:
        pass

    def seal_if_due(self) -> None:
        if self._clock.now - self.sealed_at >= SEAL_EVERY_S:
            self.sealed_at = self._clock.now
            self._clock.now += SYNC_S
            self.longest_s = max(self.longest_s, self._clock.now - self._held)
            self._held = self.sealed_at


@pytest.mark.parametrize("begin_within_s", [0.0, 1.0, SEAL_EVERY_S])
def test_seals_of_a_slow_device_keep_their_ten_seconds(begin_within_s: float, monkeypatch) -> None:
    """The disk idles only when nothing is due: 7 s of syncs have room in 8."""
    disk = Disk()
    disk.close()
    clock = Clock()
    monkeypatch.setattr(disk_module, "time", clock)
    monkeypatch.setattr(disk, "_closing", clock)
    recordings = [Slow(clock, begin_within_s * number / 400) for number in range(400)]
    for each in recordings:
        disk.attend(each)

    disk._run()

    assert max(each.longest_s for each in recordings) <= 10.0


def test_dismissed_recording_is_visited_no_more(monkeypatch) -> None:
    monkeypatch.setattr(disk_module, "VISIT_EVERY_S", 0.01)
    disk = Disk()
    gone, stays = Recording(0.0, []), Recording(0.0, [])
    for each in (gone, stays):
        disk.attend(each)
    assert gone.visited.wait(LIMIT_S)
    disk.dismiss(gone)
    # the round that is under way may still visit it
    stays.visited.clear()
    assert stays.visited.wait(LIMIT_S)
    gone.visited.clear()
    for _ in range(3):
        stays.visited.clear()
        assert stays.visited.wait(LIMIT_S)
    disk.close()

    assert not gone.visited.is_set()


def test_exams_are_admitted_while_there_is_room_for_all_of_them(tmp_path, monkeypatch) -> None:
    free = 10_000_000 + 75_000 * 100
    monkeypatch.setattr(disk_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    disk = Disk(tmp_path / "recordings", min_free=10_000_000)
    try:
        assert disk.admit("one", 60.0)
        assert not disk.admit("two", 60.0)
        assert disk.admit("two", 30.0)
        disk.release("one")
        assert disk.admit("three", 60.0)
    finally:
        disk.close()


def test_sitting_that_was_admitted_is_not_refused_when_room_became_short(
    tmp_path, monkeypatch
) -> None:
    usage = SimpleNamespace(free=10_000_000 + 10 * 75_000 * 3_600)
    monkeypatch.setattr(disk_module.shutil, "disk_usage", lambda _: usage)
    disk = Disk(tmp_path, min_free=10_000_000)
    disk.close()
    assert all(disk.admit(number, 3_600.0) for number in range(10))
    # somebody else's files
    usage.free -= 100_000_000

    assert all(disk.admit(number, 3_590.0) for number in range(10))
    assert not disk.admit("new", 60.0)
    disk._promised.clear()
    for number in range(10):
        disk.promise(number, 3_500.0)
    assert not disk.admit("new", 60.0)
    assert disk.admit(3, 3_500.0)


def test_screens_are_given_up_first_and_come_back_last(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(disk_module, "VISIT_EVERY_S", 60.0)
    usage = SimpleNamespace(free=1_000)
    monkeypatch.setattr(disk_module.shutil, "disk_usage", lambda _: usage)
    disk = Disk(tmp_path, min_free=1_000)
    taken = {}
    for free in (500, 499, 250, 249, 374, 375, 749, 750):
        usage.free = free
        disk._measure()
        taken[free] = {track for track in Track if disk.takes(track)}
    disk.close()

    assert taken[500] == set(Track)
    assert taken[499] == taken[250] == {Track.CAMERA}
    assert taken[249] == taken[374] == set()
    assert taken[375] == taken[749] == {Track.CAMERA}
    assert taken[750] == set(Track)


def test_disk_that_cannot_be_measured_takes_nothing_until_it_can(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(disk_module, "VISIT_EVERY_S", 60.0)
    disk = Disk(tmp_path, min_free=1)

    def broken(_: object) -> object:
        raise OSError(errno.EIO, "input/output error")

    with monkeypatch.context() as failing:
        failing.setattr(disk_module.shutil, "disk_usage", broken)
        disk._measure()
        assert not any(disk.takes(track) for track in Track)
    disk._measure()
    assert all(disk.takes(track) for track in Track)
    disk.close()
