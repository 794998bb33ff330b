"""A growing recording as if it ended now."""

import io
from itertools import pairwise

import av
import pytest

from proctor.media import files
from proctor.media.container import Block
from proctor.media.snapshot import snapshot

pytestmark = pytest.mark.media


def growing(path, pictures, count: int) -> files.Writer:
    writer = files.Writer(path, "VP8", pictures[0], 0)
    for number in range(count):
        data = pictures[number % len(pictures)]
        writer.add(Block(number * 1000 // 15, number % 15 == 0, data))
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
    assert not files.scan(path).header.is_finished
    writer.close()
    files.finish(path)
    assert data == path.read_bytes()


def test_what_was_seen_stays_the_same_while_it_grows(tmp_path, pictures) -> None:
    path = tmp_path / "camera-001.webm"
    writer = growing(path, pictures, 45)
    made = snapshot(path)
    before = whole(made)
    for number in range(45, 75):
        writer.add(Block(number * 1000 // 15, number % 15 == 0, pictures[number]))
    writer.flush()

    assert whole(snapshot(path, made.end)) == before
    assert snapshot(path).size > made.size
    writer.close()
    files.finish(path)
    assert whole(snapshot(path, made.end)) == before


def test_growing_mp4_is_a_plain_file_with_one_index(tmp_path, h264_pictures) -> None:
    path = tmp_path / "camera-001.mp4"
    writer = files.Writer(path, "H264", h264_pictures[0], 0)
    for number, data in enumerate(h264_pictures):
        writer.add(Block(number * 1000 // 15, number % 15 == 0, data))
    writer.flush()

    data = whole(snapshot(path))

    kinds = []
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        kinds.append(data[at + 4 : at + 8])
        at += size if size > 1 else int.from_bytes(data[at + 8 : at + 16], "big")
    assert kinds == [b"ftyp", b"mdat", b"moov"]
    with av.open(io.BytesIO(data)) as container:
        container.seek(3_000_000)
        assert next(container.decode(video=0)).time == pytest.approx(3.0, abs=0.001)
    writer.close()
    files.finish(path)
    assert data == path.read_bytes()


def test_parts_are_of_the_whole(tmp_path, pictures) -> None:
    path = tmp_path / "camera-001.webm"
    growing(path, pictures, 30).close()
    made = snapshot(path)
    data = whole(made)

    body = len(made.head)
    edges = [0, 5, body - 1, body, body + 9, made.end - 1, made.end, made.end + 3, made.size]
    for start, stop in [*pairwise(edges), (3, made.size), (body - 4, made.end + 4)]:
        assert b"".join(made.read(start, stop)) == data[start:stop]
