"""Encoded pictures for the media tests: a seeded moving pattern through a real VP8 encoder."""

from fractions import Fraction

import av
import numpy as np
import pytest

from proctor.media.frames import EncodedFrame, is_key_frame
from proctor.observations import Track

FRAME_RATE = 15
KEY_EVERY = 15


@pytest.fixture(scope="session")
def pictures() -> tuple[bytes, ...]:
    """Five seconds of VP8, 160x120 at 15 fps, a key frame each second."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 160, 120, "yuv420p"
    encoder.time_base = Fraction(1, FRAME_RATE)
    encoder.options = {"deadline": "realtime", "lag-in-frames": "0", "g": str(KEY_EVERY)}
    base = np.random.default_rng(7).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    encoded = []
    for number in range(5 * FRAME_RATE):
        picture = av.VideoFrame.from_ndarray(np.roll(base, 2 * number, axis=1), format="rgb24")
        picture.pts = number
        encoded += [bytes(packet) for packet in encoder.encode(picture)]
    assert [is_key_frame("VP8", each) for each in encoded].count(True) == 5
    return tuple(encoded)


@pytest.fixture
def frames(pictures):
    """Frames of *seconds* from monotonic *start*, the five seconds repeated."""

    def make(seconds: float, start: float = 0.0, track: Track = Track.CAMERA) -> list[EncodedFrame]:
        made = []
        for number in range(round(seconds * FRAME_RATE)):
            data = pictures[number % len(pictures)]
            arrival = start + number / FRAME_RATE
            made.append(
                EncodedFrame(track, "VP8", 6_000 * number, arrival, is_key_frame("VP8", data), data)
            )
        return made

    return make
