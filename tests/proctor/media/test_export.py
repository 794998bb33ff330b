"""A clip as MP4: the same pictures at the same times."""

import io

import av
import numpy as np
import pytest

from proctor.media.clips import cut_clip
from proctor.media.export import ExportBusy, ExportFailed, as_mp4, export_alone
from proctor.media.recorder import TrackRecorder
from proctor.observations import Track

pytestmark = pytest.mark.media


def test_mp4_holds_the_clip_at_its_times(tmp_path, frames) -> None:
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0)
    for frame in frames(6.0):
        recorder.write(frame)
    clip = cut_clip([recorder.finish().path], 2.0, 4.0, tmp_path / "clip.webm")

    made = as_mp4(clip.path)

    assert made[4:8] == b"ftyp"
    with av.open(str(clip.path)) as before, av.open(io.BytesIO(made)) as after:
        assert after.streams.video[0].codec_context.name == "h264"
        pairs = list(zip(before.decode(video=0), after.decode(video=0), strict=True))
    assert len(pairs) == 31
    for old, new in pairs:
        assert new.time == pytest.approx(old.time, abs=0.001)
    first = [picture.to_ndarray(format="gray").astype(float) for picture in pairs[0]]
    assert np.abs(first[0] - first[1]).mean() < 12


def test_clip_of_h264_is_given_as_it_is(tmp_path, frames) -> None:
    recorder = TrackRecorder(tmp_path, Track.CAMERA, epoch=0.0, codec="H264")
    for frame in frames(3.0, codec="H264"):
        recorder.write(frame)
    clip = cut_clip([recorder.finish().path], 1.0, 2.0, tmp_path / "clip")

    assert as_mp4(clip.path) == clip.path.read_bytes()


def test_a_second_export_is_told_to_come_again() -> None:
    with export_alone(), pytest.raises(ExportBusy), export_alone():
        pass
    with export_alone():
        pass


@pytest.mark.parametrize("data", [b"", b"no clip"])
def test_what_is_no_clip_is_not_exported(tmp_path, data: bytes) -> None:
    (tmp_path / "clip.webm").write_bytes(data)

    with pytest.raises(ExportFailed):
        as_mp4(tmp_path / "clip.webm")
