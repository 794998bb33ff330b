"""A growing recording as if it ended now."""

import io
from itertools import pairwise

import av
import pytest

from proctor.media import webm
from proctor.media.snapshot import snapshot

pytestmark = pytest.mark.media


def growing(path, pictures, count: int) -> webm.WebmWriter:
    writer = webm.WebmWriter(path, 160, 120, 0)
    for number in range(count):
        data = pictures[number % len(pictures)]
        writer.add(webm.Block(number * 1000 // 15, number % 15 == 0, data))
    writer.flush()
    return writer


def whole(made) -> bytes:
    return b"".join(made.read(0, made.size))


def test_growing_recording_seeks_as_a_finished_one(tmp_path, pictures) -> None:
    path = tmp_path / "camera-001.webm"
    writer = growing(path, pictures, 75)

    made = snapshot(path)

    data = whole(made)
    assert len(data) == made.size
    with av.open(io.BytesIO(data)) as container:
        assert container.duration == pytest.approx(74 / 15 * av.time_base, abs=1_000)
        container.seek(3_000_000)
        assert next(container.decode(video=0)).time == pytest.approx(3.0, abs=0.001)
    assert not webm.scan(path).is_finished
    writer.close()
    webm.finish(path)
    assert data == path.read_bytes()


def test_what_was_seen_stays_the_same_while_it_grows(tmp_path, pictures) -> None:
    path = tmp_path / "camera-001.webm"
    writer = growing(path, pictures, 45)
    made = snapshot(path)
    before = whole(made)
    for number in range(45, 75):
        writer.add(webm.Block(number * 1000 // 15, number % 15 == 0, pictures[number]))
    writer.flush()

    assert whole(snapshot(path, made.end)) == before
    assert snapshot(path).size > made.size
    writer.close()
    webm.finish(path)
    assert whole(snapshot(path, made.end)) == before


def test_parts_are_of_the_whole(tmp_path, pictures) -> None:
    path = tmp_path / "camera-001.webm"
    growing(path, pictures, 30).close()
    made = snapshot(path)
    data = whole(made)

    body = len(made.head)
    edges = [0, 5, body - 1, body, body + 9, made.end - 1, made.end, made.end + 3, made.size]
    for start, stop in [*pairwise(edges), (3, made.size), (body - 4, made.end + 4)]:
        assert b"".join(made.read(start, stop)) == data[start:stop]
