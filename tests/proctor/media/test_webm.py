"""The container: appended cluster by cluster, readable meanwhile, seekable in the end."""

import os
from pathlib import Path

import av
import pytest

from proctor.media import webm

pytestmark = pytest.mark.media


def written(path: Path, pictures: tuple[bytes, ...], is_finished: bool = True) -> Path:
    writer = webm.WebmWriter(path, 160, 120, start_ms=-1_500)
    for number, data in enumerate(pictures):
        writer.add(webm.Block(round(1000 * number / 15), number % 15 == 0, data))
    writer.flush()
    writer.close()
    if is_finished:
        webm.finish(path)
    return path


def test_finished_file_decodes_whole_with_times_and_duration(tmp_path, pictures) -> None:
    path = written(tmp_path / "a.webm", pictures)

    with av.open(str(path)) as container:
        times = [round(1000 * frame.time) for frame in container.decode(video=0)]
        duration_s = container.duration / av.time_base

    assert times == [round(1000 * number / 15) for number in range(75)]
    assert duration_s == pytest.approx(74 / 15, abs=0.1)


def test_file_of_one_picture_has_an_end(tmp_path, pictures) -> None:
    """To Chromium a length of zero is one without end, and it does not seek in it."""
    writer = webm.WebmWriter(tmp_path / "one.webm", 160, 120, 0)
    writer.add(webm.Block(0, True, pictures[0]))
    writer.flush()
    writer.close()
    webm.finish(tmp_path / "one.webm")

    with av.open(str(tmp_path / "one.webm")) as container:
        assert container.duration == 1_000


def test_finished_file_seeks_to_the_key_frame(tmp_path, pictures) -> None:
    path = written(tmp_path / "a.webm", pictures)

    with av.open(str(path)) as container:
        container.seek(3_500_000)
        packet = next(container.demux(video=0))

    assert (packet.pts, packet.is_keyframe) == (3_000, True)


def test_index_and_file_agree_on_the_clusters(tmp_path, pictures) -> None:
    path = written(tmp_path / "a.webm", pictures, is_finished=False)

    layout = webm.scan(path)

    assert webm.read_clusters(path) == layout.clusters
    assert [cluster.start_ms for cluster in layout.clusters] == [0, 1_000, 2_000, 3_000, 4_000]
    assert all(cluster.starts_with_key for cluster in layout.clusters)
    assert layout.end == path.stat().st_size
    assert webm.read_start_ms(path) == layout.start_ms == -1_500


def test_blocks_come_back_as_they_were_written(tmp_path, pictures) -> None:
    path = written(tmp_path / "a.webm", pictures)
    data = path.read_bytes()

    blocks = [
        block
        for cluster in webm.read_clusters(path)
        for block in webm.read_blocks(data[cluster.offset : cluster.offset + cluster.size])
    ]

    assert [block.data for block in blocks] == list(pictures)
    assert [block.is_key for block in blocks] == [number % 15 == 0 for number in range(75)]


@pytest.mark.parametrize("tail", [b"\x1f", b"\x1f\x43\xb6\x75\x01", b"\0" * 40, b"\xff" * 70])
def test_torn_tail_is_cut_off(tmp_path, pictures, tail: bytes) -> None:
    path = written(tmp_path / "a.webm", pictures, is_finished=False)
    whole = path.stat().st_size
    with path.open("ab") as file:
        file.write(tail)

    assert webm.finish(path).end == whole
    assert webm.scan(path).is_finished


@pytest.mark.parametrize("lost", [1, 700, 2_000])
def test_torn_cluster_is_dropped_and_the_rest_kept(tmp_path, pictures, lost: int) -> None:
    path = written(tmp_path / "a.webm", pictures, is_finished=False)
    os.truncate(path, path.stat().st_size - lost)
    webm.index_path(path).unlink()

    webm.finish(path)

    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 60
    assert [each.start_ms for each in webm.read_clusters(path)] == [0, 1_000, 2_000, 3_000]


def test_finishing_twice_changes_nothing(tmp_path, pictures) -> None:
    path = written(tmp_path / "a.webm", pictures)
    before = path.read_bytes()

    webm.finish(path)

    assert path.read_bytes() == before


def test_interrupted_finish_is_done_again(tmp_path, pictures) -> None:
    path = written(tmp_path / "a.webm", pictures)
    done = path.read_bytes()
    segment = webm.scan(path).segment
    path.write_bytes(done[: segment - 8] + webm.UNKNOWN_SIZE + done[segment:])

    webm.finish(path)

    assert path.read_bytes() == done


def test_cluster_without_key_frame_is_marked(tmp_path, pictures) -> None:
    path = tmp_path / "a.webm"
    writer = webm.WebmWriter(path, 160, 120, start_ms=0)
    for number, data in enumerate(pictures[:15] + pictures[1:15]):
        writer.add(webm.Block(100 * number, number == 0, data))
    writer.flush()
    writer.close()

    assert [each.starts_with_key for each in webm.read_clusters(path)] == [True, False, False]
    assert [each.starts_with_key for each in webm.finish(path).clusters] == [True, False, False]


@pytest.mark.parametrize("content", [b"", b"RIFF", b"\x1a\x45\xdf\xa3" + b"\xff" * 200])
def test_other_files_are_refused(tmp_path, content: bytes) -> None:
    path = tmp_path / "a.webm"
    path.write_bytes(content)

    with pytest.raises(webm.NotARecording):
        webm.finish(path)
