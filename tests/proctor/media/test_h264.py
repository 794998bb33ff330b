"""What a parameter set says, and frames that come without theirs."""

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.media import h264
from tests.support.h264_film import h264_film

pytestmark = pytest.mark.media

SPS, PPS, IDR, SLICE = (
    h264.START_CODE + bytes([kind]) + b"\x88x" for kind in (0x67, 0x68, 0x65, 0x41)
)


@pytest.mark.parametrize(
    ("size", "pixels", "profile", "params", "chroma"),
    [
        ((640, 480), "yuv420p", "baseline", "", 1),
        ((1920, 1080), "yuv420p", "high", "", 1),
        ((322, 182), "yuv420p", "main", "", 1),
        ((320, 180), "yuv444p", "high444", "", 3),
        ((320, 180), "yuv422p", "high422", "", 2),
        ((1280, 720), "yuv420p", "high", "cqm=jvt", 1),
        ((1280, 720), "yuv420p", "main", "tff=1", 1),
    ],
)
def test_size_is_that_of_the_encoder(size, pixels, profile, params, chroma) -> None:
    (data,) = h264_film([av.VideoFrame(*size, pixels)], 15, profile, params)

    shape = h264.read_shape(h264.sets_of(data)[h264.SPS])

    assert (shape.width, shape.height) == size
    assert (shape.chroma_format, shape.luma_bits) == (chroma, 8)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_shape_or_refused(data: bytes) -> None:
    try:
        shape = h264.read_shape(b"\x67" + data)
    except h264.Unreadable:
        return
    assert 0 < shape.width < 1 << 16
    assert 0 < shape.height < 1 << 16


@given(st.lists(st.binary(min_size=1, max_size=20).filter(lambda unit: 0 not in unit), min_size=1))
def test_lengths_and_start_codes_are_the_same_units(parts: list[bytes]) -> None:
    stream = b"".join(h264.START_CODE + part for part in parts)

    assert h264.units(stream) == parts
    assert h264.with_start_codes(h264.with_lengths(stream)) == stream


def test_key_frame_is_given_the_sets_that_came_before() -> None:
    sets = h264.ParameterSets()

    assert sets.complete(IDR) == IDR
    assert sets.complete(SPS + PPS + IDR) == SPS + PPS + IDR
    assert sets.complete(SLICE) == SLICE
    assert sets.complete(IDR) == SPS + PPS + IDR
    assert sets.complete(SPS + b"2" + IDR) == PPS + SPS + b"2" + IDR


def test_sets_too_large_to_be_any_are_not_kept() -> None:
    assert h264.sets_of(SPS + bytes(h264.MAX_SET_BYTES) + PPS) == {h264.PPS: PPS[4:]}
