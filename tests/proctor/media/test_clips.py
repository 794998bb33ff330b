"""Clips: cut without transcoding, aligned to key frames, from finished and growing files."""

import hashlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import pytest

from proctor.media.backfill import KeptPicture, fill
from proctor.media.clips import ClipUnavailable, cut_clip
from proctor.media.frames import Codec
from proctor.media.pictures import NoPicture, key_frame_near
from proctor.media.recorder import TrackRecorder
from proctor.observations import Track
from tests.support.waiting import wait_until

pytestmark = pytest.mark.media


def record(directory: Path, frames) -> Path:
    recorder = TrackRecorder(directory, Track.CAMERA, epoch=0.0, codec=frames[0].codec)
    for frame in frames:
        recorder.write(frame)
    return recorder.finish().path


def decoded_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


@pytest.mark.parametrize(("codec", "name"), [("VP8", "clip.webm"), ("H264", "clip.mp4")])
def test_clip_begins_at_the_key_frame_before_and_ends_where_asked(
    tmp_path, frames, codec: Codec, name: str
) -> None:
    path = record(tmp_path, frames(20.0, codec=codec))

    clip = cut_clip([path], 7.4, 12.0, tmp_path / "clip")

    assert clip.path == tmp_path / name

    assert (clip.start_s, clip.end_s) == (7.0, 12.0)
    times = decoded_times(clip.path)
    assert (len(times), times[0], times[-1]) == (76, 0.0, 5.0)
    assert clip.sha256 == hashlib.sha256(clip.path.read_bytes()).hexdigest()


def test_parent_hash_is_of_the_source_bytes(tmp_path, frames) -> None:
    path = record(tmp_path, frames(10.0))

    clip = cut_clip([path], 3.0, 5.0, tmp_path / "clip.webm")

    (source,) = clip.sources
    copied = path.read_bytes()[source.start : source.end]
    assert clip.parent_sha256 == hashlib.sha256(copied).hexdigest()


def test_clip_takes_what_was_sent_afterwards_into_the_gap_of_one_file(tmp_path, frames) -> None:
    """The file goes on after a gap of 40 s that another file fills."""
    whole = frames(60.0)
    live = [frame for frame in whole if not 10.0 <= frame.arrival < 50.0]
    before = record(tmp_path, live)
    sent = [KeptPicture(f.arrival, f.is_key, f.data) for f in whole if 10.0 <= f.arrival < 50.0]
    after = fill(tmp_path, Track.CAMERA, sent).path

    clip = cut_clip([before, after], 5.0, 56.0, tmp_path / "clip.webm")

    times = decoded_times(clip.path)
    assert (clip.start_s, clip.end_s) == (5.0, 56.0)
    assert len(times) == 51 * 15 + 1
    assert max(b - a for a, b in pairwise(times)) < 0.1


def test_a_connection_begins_with_its_key_frame_where_what_was_sent_ends(tmp_path, frames) -> None:
    """The last picture sent afterwards is of the time of the first that arrived again."""
    live = record(tmp_path, frames(10.0))
    again = frames(10.0, start=20.0)
    sent = [KeptPicture(f.arrival, f.is_key, f.data) for f in frames(10.0, start=10.0)]
    sent.append(KeptPicture(20.0, False, again[1].data))
    parts = [live, fill(tmp_path, Track.CAMERA, sent).path, record(tmp_path, again)]

    clip = cut_clip(parts, 5.0, 29.0, tmp_path / "clip.webm")

    with av.open(str(clip.path)) as container:
        keys = [packet.pts for packet in container.demux(video=0) if packet.is_keyframe]
    # in milliseconds of the clip
    assert round(1000 * (20.0 - clip.start_s)) in keys
    assert len(decoded_times(clip.path)) == 24 * 15 + 1


def test_clip_spans_a_reconnection(tmp_path, frames) -> None:
    before = record(tmp_path, frames(5.0))
    after = record(tmp_path, frames(5.0, start=8.0))

    clip = cut_clip([after, before], 3.0, 10.0, tmp_path / "clip.webm")

    assert (clip.start_s, clip.end_s, len(clip.sources)) == (3.0, 10.0, 2)
    times = decoded_times(clip.path)
    assert times[29:31] == [pytest.approx(2 - 1 / 15, abs=0.001), 5.0]


def test_clip_of_two_codecs_holds_the_one_with_more_of_it(tmp_path, frames) -> None:
    before = record(tmp_path, frames(5.0))
    after = record(tmp_path, frames(5.0, start=8.0, codec="H264"))

    clip = cut_clip([before, after], 3.0, 12.0, tmp_path / "clip")

    assert (clip.path.suffix, clip.start_s, clip.end_s) == (".mp4", 8.0, 12.0)
    assert [source.path for source in clip.sources] == [after]
    assert len(decoded_times(clip.path)) == 61


def test_clip_asked_in_a_gap_begins_with_the_first_picture_after(tmp_path, frames) -> None:
    before = record(tmp_path, frames(5.0))
    after = record(tmp_path, frames(5.0, start=20.0))

    clip = cut_clip([before, after], 10.0, 22.0, tmp_path / "clip.webm")

    assert clip.start_s == 20.0


def test_clip_is_cut_while_the_recording_grows(tmp_path, frames) -> None:
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0)
    some = frames(20.0)
    for frame in some[:180]:
        recorder.write(frame)
    wait_until(lambda: recorder._written_bytes == recorder._taken_bytes)

    early = cut_clip([recorder.path], 4.0, 9.0, tmp_path / "early.webm")
    for frame in some[180:]:
        recorder.write(frame)
    recorder.finish()
    late = cut_clip([recorder.path], 4.0, 9.0, tmp_path / "late.webm")

    assert (early.start_s, early.end_s) == (4.0, 9.0)
    assert early.sha256 == late.sha256
    assert early.parent_sha256 == late.parent_sha256


def test_clip_of_rare_key_frames_reaches_back_to_one(tmp_path, frames) -> None:
    rare = [
        frame if number == 0 else replace(frame, is_key=False)
        for number, frame in enumerate(frames(5.0))
    ]
    path = record(tmp_path, rare)

    assert cut_clip([path], 3.0, 4.0, tmp_path / "clip.webm").start_s == 0.0


def test_nothing_recorded_is_no_clip(tmp_path, frames) -> None:
    path = record(tmp_path, frames(5.0))
    empty = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0)

    for start_s, end_s in ((30.0, 40.0), (-9.0, -1.0)):
        with pytest.raises(ClipUnavailable):
            cut_clip([path, empty.path], start_s, end_s, tmp_path / "clip.webm")
    assert not (tmp_path / "clip.webm").exists()
    empty.finish()


def test_the_picture_of_a_moment_is_the_key_frame_nearest_to_it(tmp_path, frames) -> None:
    whole = frames(20.0)
    path = record(tmp_path, [frame for frame in whole if not 8.5 < frame.arrival < 16.5])
    keys = {frame.arrival: frame.data for frame in whole if frame.is_key}

    assert key_frame_near([path], 3.4) == ("VP8", keys[3.0])
    assert key_frame_near([path], 3.6) == ("VP8", keys[4.0])
    assert key_frame_near([path], -2.0) == ("VP8", keys[0.0])
    assert key_frame_near([path], 12.0) == ("VP8", keys[8.0])
    for at_s in (-6.0, 25.0):
        with pytest.raises(NoPicture):
            key_frame_near([path], at_s)
    with pytest.raises(NoPicture):
        key_frame_near([], 3.0)
