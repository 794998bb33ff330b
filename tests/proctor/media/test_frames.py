"""Where a decoder may start."""

import pytest

from proctor.media.frames import EncodedFrame, is_key_frame, vp8_size
from proctor.media.h264 import START_CODE
from proctor.media.sampler import NewestFrame
from proctor.observations import Track

pytestmark = pytest.mark.unit

VP8_KEY = bytes.fromhex("10020 09d012a 4001 f000".replace(" ", "")) + b"picture"
VP8_DELTA = b"\x11\x02\x00" + b"picture"
SPS, PPS, IDR, SLICE = (b"\0\0\0\1" + bytes([kind]) + b"\x88x" for kind in (0x67, 0x68, 0x65, 0x41))
# a slice that does not begin with the first macroblock
LATER = START_CODE + b"\x65\x42x"


@pytest.mark.parametrize(
    ("codec", "data", "expected"),
    [
        ("VP8", VP8_KEY, True),
        ("VP8", VP8_DELTA, False),
        ("VP8", VP8_KEY[5:], False),
        ("VP8", b"", False),
        ("H264", SPS + PPS + IDR, True),
        ("H264", SPS + PPS + IDR + LATER, True),
        ("H264", SPS + PPS + LATER, False),
        ("H264", SPS + PPS + START_CODE + b"\x65", False),
        ("H264", b"rest" + SPS + PPS + IDR, False),
        ("H264", PPS + IDR, False),
        ("H264", SPS + IDR, False),
        ("H264", SLICE, False),
        ("H264", b"", False),
    ],
)
def test_key_frame_is_known_by_its_first_bytes(codec, data, expected) -> None:
    assert is_key_frame(codec, data) is expected


def test_size_is_read_from_the_key_frame() -> None:
    assert vp8_size(VP8_KEY) == (320, 240)


def _frame(number: int, is_key: bool = True) -> EncodedFrame:
    return EncodedFrame(Track.CAMERA, "VP8", number, float(number), is_key, b"x")


def test_sampler_holds_only_the_newest_key_frame_and_counts_the_others() -> None:
    newest = NewestFrame()
    for number in (1, 2, 3):
        newest.offer(_frame(number))
    newest.offer(_frame(4, is_key=False))

    assert newest.take() == _frame(3)
    assert newest.take() is None
    assert newest.dropped == 2


def test_sampler_drops_nothing_that_was_taken() -> None:
    newest = NewestFrame()
    newest.offer(_frame(1))
    newest.take()
    newest.offer(_frame(2))

    assert newest.dropped == 0
