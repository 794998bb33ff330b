"""The thread that writes all recordings."""

import threading

import pytest

from proctor.media import disk as disk_module
from proctor.media.disk import Disk

pytestmark = pytest.mark.unit


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
    order: list[float] = []
    disk = Disk()
    recordings = [Recording(sealed_at, order) for sealed_at in (3.0, 1.0, 2.0)]
    for each in recordings:
        disk.attend(each)
    for each in recordings:
        each.visited.wait()
        each.visited.clear()
    for each in recordings:
        each.visited.wait()
    disk.close()

    assert order[-3:] == [1.0, 2.0, 3.0]


def test_dismissed_recording_is_visited_no_more(monkeypatch) -> None:
    monkeypatch.setattr(disk_module, "VISIT_EVERY_S", 0.01)
    disk = Disk()
    gone, stays = Recording(0.0, []), Recording(0.0, [])
    for each in (gone, stays):
        disk.attend(each)
    gone.visited.wait()
    disk.dismiss(gone)
    stays.visited.clear()
    stays.visited.wait()
    gone.visited.clear()
    for _ in range(3):
        stays.visited.clear()
        stays.visited.wait()
    disk.close()

    assert not gone.visited.is_set()
