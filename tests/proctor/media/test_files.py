"""The container: appended cluster by cluster, readable meanwhile, seekable in the end."""

import io
import os
from pathlib import Path
from typing import NamedTuple

import av
import pytest

from proctor.media import files, h264
from proctor.media.container import Block, NotARecording, NotRecordable
from proctor.media.frames import Codec

pytestmark = pytest.mark.media


class Film(NamedTuple):
    """Five seconds, a key frame each."""

    codec: Codec
    pictures: tuple[bytes, ...]


@pytest.fixture(params=["VP8", "H264"])
def film(request, pictures, h264_pictures) -> Film:
    coded = {"VP8": pictures, "H264": h264_pictures}
    return Film(request.param, coded[request.param])


def written(path: Path, film: Film, is_finished: bool = True) -> Path:
    codec, pictures = film
    writer = files.Writer(path, codec, pictures[0], start_ms=-1_500)
    for number, data in enumerate(pictures):
        writer.add(Block(round(1000 * number / 15), number % 15 == 0, data))
    writer.flush()
    writer.close()
    if is_finished:
        files.finish(path)
    return path


def test_finished_file_decodes_whole_with_times_and_duration(tmp_path, film) -> None:
    path = written(tmp_path / "a", film)

    with av.open(str(path)) as container:
        times = [round(1000 * frame.time) for frame in container.decode(video=0)]
        duration_s = container.duration / av.time_base

    assert times == [round(1000 * number / 15) for number in range(75)]
    assert duration_s == pytest.approx(74 / 15, abs=0.1)


def test_file_of_one_picture_has_an_end(tmp_path, film) -> None:
    """To Chromium a length of zero is one without end, and it does not seek in it."""
    writer = files.Writer(tmp_path / "one", film.codec, film.pictures[0], 0)
    writer.add(Block(0, True, film.pictures[0]))
    writer.flush()
    writer.close()
    files.finish(tmp_path / "one")

    with av.open(str(tmp_path / "one")) as container:
        assert container.duration > 0


def test_finished_file_seeks_to_the_key_frame(tmp_path, film) -> None:
    path = written(tmp_path / "a", film)

    with av.open(str(path)) as container:
        container.seek(3_500_000)
        packet = next(container.demux(video=0))

    assert (packet.pts, packet.is_keyframe) == (3_000, True)


def test_index_and_file_agree_on_the_clusters(tmp_path, film) -> None:
    path = written(tmp_path / "a", film, is_finished=False)

    layout = files.scan(path)

    assert files.read_clusters(path) == layout.clusters
    assert [cluster.start_ms for cluster in layout.clusters] == [0, 1_000, 2_000, 3_000, 4_000]
    assert all(cluster.starts_with_key for cluster in layout.clusters)
    assert layout.end == path.stat().st_size
    assert files.read_header(path) == layout.header
    assert (layout.header.codec, layout.header.start_ms) == (film.codec, -1_500)


def test_blocks_come_back_as_they_were_written(tmp_path, film) -> None:
    path = written(tmp_path / "a", film)
    data = path.read_bytes()

    blocks = [
        block
        for cluster in files.read_clusters(path)
        for block in files.read_blocks(data[cluster.offset : cluster.offset + cluster.size])
    ]

    assert [block.data for block in blocks] == list(film.pictures)
    assert [block.is_key for block in blocks] == [number % 15 == 0 for number in range(75)]


@pytest.mark.parametrize(
    "tail",
    [b"\x1f", b"\x1f\x43\xb6\x75\x01", b"\0" * 40, b"\xff" * 70, b"\0\0\1\0moof" + b"\0" * 90],
)
def test_torn_tail_is_cut_off(tmp_path, film, tail: bytes) -> None:
    path = written(tmp_path / "a", film, is_finished=False)
    whole = path.stat().st_size
    with path.open("ab") as file:
        file.write(tail)

    assert files.finish(path).end == whole
    assert files.scan(path).header.is_finished


@pytest.mark.parametrize("lost", [1, 700, 2_000])
def test_torn_cluster_is_dropped_and_the_rest_kept(tmp_path, film, lost: int) -> None:
    path = written(tmp_path / "a", film, is_finished=False)
    os.truncate(path, path.stat().st_size - lost)
    files.index_path(path).unlink()

    files.finish(path)

    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 60
    assert [each.start_ms for each in files.read_clusters(path)] == [0, 1_000, 2_000, 3_000]


def test_finishing_twice_changes_nothing(tmp_path, film) -> None:
    path = written(tmp_path / "a", film)
    before = path.read_bytes()

    files.finish(path)

    assert path.read_bytes() == before


def test_interrupted_finish_is_done_again(tmp_path, film) -> None:
    path = written(tmp_path / "a", film)
    done = path.read_bytes()
    header = files.read_header(path)
    path.write_bytes(files.opening(header) + done[header.body :])

    files.finish(path)

    assert path.read_bytes() == done


def test_cluster_without_key_frame_is_marked(tmp_path, film) -> None:
    path, pictures = tmp_path / "a", film.pictures
    writer = files.Writer(path, film.codec, pictures[0], start_ms=0)
    for number, data in enumerate(pictures[:15] + pictures[1:15]):
        writer.add(Block(100 * number, number == 0, data))
    writer.flush()
    writer.close()

    assert [each.starts_with_key for each in files.read_clusters(path)] == [True, False, False]
    assert [each.starts_with_key for each in files.finish(path).clusters] == [True, False, False]


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"\x1a\x45\xdf\xa3" + b"\xff" * 200, b"\0\0\0 ftypisom"]
)
def test_other_files_are_refused(tmp_path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)

    with pytest.raises(NotARecording):
        files.finish(path)


@pytest.mark.parametrize("kept", [(0x67,), (0x65,), (0x67, 0x65)])
def test_h264_without_its_parameter_sets_is_not_begun(tmp_path, h264_pictures, kept) -> None:
    units = h264.units(h264_pictures[0])
    data = b"".join(h264.START_CODE + each for each in units if each[0] in kept)

    with pytest.raises(NotRecordable):
        files.Writer(tmp_path / "a", "H264", data, 0)
    assert not (tmp_path / "a").exists()


def test_growing_mp4_is_fragments_to_a_player(tmp_path, h264_pictures) -> None:
    """What is sent to somebody who watches: the header, then clusters as they come."""
    path = written(tmp_path / "a", Film("H264", h264_pictures))
    layout = files.scan(path)
    seen = files.opening(layout.header) + path.read_bytes()[layout.clusters[2].offset : layout.end]

    with av.open(io.BytesIO(seen)) as container:
        times = [round(1000 * frame.time) for frame in container.decode(video=0)]

    assert times == [round(1000 * number / 15) for number in range(30, 75)]
