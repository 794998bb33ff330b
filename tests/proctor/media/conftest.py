"""Encoded pictures for the media tests: a seeded moving pattern through real encoders."""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import pytest

from proctor.media.frames import Codec, EncodedFrame, is_key_frame
from proctor.observations import Track
from tests.support.h264_film import h264_film

FRAME_RATE = 15
KEY_EVERY = 15


def _film() -> Iterator[av.VideoFrame]:
    base = np.random.default_rng(7).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    for number in range(5 * FRAME_RATE):
        picture = av.VideoFrame.from_ndarray(np.roll(base, 2 * number, axis=1), format="rgb24")
        picture.pts = number
        yield picture


@pytest.fixture(scope="session")
def pictures() -> tuple[bytes, ...]:
    """Five seconds of VP8, 160x120 at 15 fps, a key frame each second."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 160, 120, "yuv420p"
    encoder.time_base = Fraction(1, FRAME_RATE)
    encoder.options = {"deadline": "realtime", "lag-in-frames": "0", "g": str(KEY_EVERY)}
    encoded = []
    for picture in _film():
        encoded += [bytes(packet) for packet in encoder.encode(picture)]
    assert [is_key_frame("VP8", each) for each in encoded].count(True) == 5
    return tuple(encoded)


@pytest.fixture(scope="session")
def h264_pictures() -> tuple[bytes, ...]:
    """The same in H.264, as packets bring it: start codes of four bytes."""
    encoded = tuple(h264_film((each.reformat(format="yuv420p") for each in _film()), FRAME_RATE))
    assert [is_key_frame("H264", each) for each in encoded].count(True) == 5
    return encoded


@pytest.fixture
def frames(pictures, h264_pictures):
    """Frames of *seconds* from monotonic *start*, the five seconds repeated."""
    coded = {"VP8": pictures, "H264": h264_pictures}

    def make(
        seconds: float, start: float = 0.0, track: Track = Track.CAMERA, codec: Codec = "VP8"
    ) -> list[EncodedFrame]:
        made = []
        shown = coded[codec]
        for number in range(round(seconds * FRAME_RATE)):
            data = shown[number % len(shown)]
            arrival = start + number / FRAME_RATE
            is_key = is_key_frame(codec, data)
            made.append(EncodedFrame(track, codec, 6_000 * number, arrival, is_key, data))
        return made

    return make
