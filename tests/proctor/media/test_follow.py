from pathlib import Path

import pytest

from proctor.media import files
from proctor.media.container import Block
from proctor.media.follow import Follower
from proctor.media.frames import is_key_frame
from tests.support.sittings import FRAME_RATE, pictures

pytestmark = pytest.mark.unit


class Growing:
    """A file that grows by a picture at a time, every one a cluster of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer = files.Writer(path, "VP8", pictures()[0], 2500)
        self.shown = 0

    def grow(self, count: int) -> None:
        for _ in range(count):
            data = pictures()[self.shown % len(pictures())]
            at_ms = 1000 * self.shown // FRAME_RATE
            self.writer.add(Block(at_ms, is_key_frame("VP8", data), data))
            self.writer.flush()
            self.shown += 1

    def bytes(self, start: int = 0) -> bytes:
        return self.path.read_bytes()[start:]


def test_begins_at_the_last_key_frame_and_goes_on_with_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "camera-001.webm"
    path.touch()
    follower = Follower(path)
    assert follower.read() is None
    growing = Growing(path)
    assert follower.read() is None
    growing.grow(FRAME_RATE + 2)
    header = growing.bytes()[: growing.writer.body]
    second_key = files.read_clusters(path)[FRAME_RATE].offset
    first = follower.read()
    assert first is not None
    assert (first.is_start, first.zero_s) == (True, 2.5)
    assert first.data == header + growing.bytes(second_key)
    end = growing.writer.end
    assert follower.read() is None
    growing.grow(3)
    more = follower.read()
    assert more is not None
    assert (more.is_start, more.data) == (False, growing.bytes(end))


def test_viewer_that_fell_behind_sees_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = Growing(tmp_path / "camera-001.webm")
    follower = Follower(growing.path)
    growing.grow(1)
    follower.read()
    monkeypatch.setattr("proctor.media.follow.MAX_PIECE_BYTES", 1000)
    growing.grow(3 * FRAME_RATE + 1)
    piece = follower.read()
    assert piece is not None
    last_key = files.read_clusters(growing.path)[3 * FRAME_RATE].offset
    assert piece.is_start
    assert piece.data.endswith(growing.bytes(last_key))


def test_what_it_gives_is_a_recording_of_its_own(tmp_path: Path) -> None:
    growing = Growing(tmp_path / "screen-001.webm")
    follower = Follower(growing.path)
    growing.grow(2 * FRAME_RATE + 3)
    first = follower.read()
    growing.grow(2)
    more = follower.read()
    assert first is not None and more is not None
    seen = tmp_path / "seen.webm"
    seen.write_bytes(first.data + more.data)
    layout = files.scan(seen)
    assert (layout.header.start_ms, len(layout.clusters)) == (2500, 5)
    assert layout.clusters[0].starts_with_key
