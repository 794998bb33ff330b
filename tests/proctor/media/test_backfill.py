"""What a browser kept while it was cut off: read with care, put only where something is missing."""

import struct
from pathlib import Path

import av
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proctor.media.backfill import (
    BackfillRefused,
    KeptPicture,
    fill,
    holes,
    missing_of,
    read_pictures,
)
from proctor.media.gaps import Cause, Interval
from proctor.media.recorder import broken_seals, read_recorded, read_seals
from proctor.observations import Track

pytestmark = pytest.mark.media

KEY = b"\x10\x02\x00\x9d\x01\x2a\x80\x02\xe0\x01" + bytes(20)
DELTA = b"\x11\x02\x00" + bytes(20)


def wire(*pictures: tuple[float, bytes]) -> bytes:
    return b"".join(struct.pack("!dI", at_ms, len(data)) + data for at_ms, data in pictures)


def kept(*at_s: float, key_every: int = 5) -> list[KeptPicture]:
    return [
        KeptPicture(at, n % key_every == 0, KEY if n % key_every == 0 else DELTA)
        for n, at in enumerate(at_s)
    ]


def test_pictures_are_read_with_their_times() -> None:
    found = read_pictures(wire((1_500.0, KEY), (1_600.0, DELTA)))

    assert [(each.at_s, each.is_key, each.data) for each in found] == [
        (1.5, True, KEY),
        (1.6, False, DELTA),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(11),
        wire((1.0, DELTA)),
        wire((1.0, KEY))[:-1],
        wire((1.0, KEY), (2.0, b"")),
        wire((2.0, KEY), (2.0, DELTA)),
        wire((2.0, KEY), (1.0, DELTA)),
        wire((float("nan"), KEY)),
        wire((1.0, KEY), (float("inf"), DELTA)),
        wire((1.0, KEY), (70_000.0, DELTA)),
        wire(*((float(n), KEY) for n in range(1_201))),
        struct.pack("!dI", 1.0, 0xFFFFFFFF) + KEY,
    ],
)
def test_what_is_out_of_order_or_bounds_is_refused(data: bytes) -> None:
    with pytest.raises(BackfillRefused):
        read_pictures(data)


@given(st.binary(max_size=200))
@example(wire((1.0, KEY)))
def test_hostile_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = read_pictures(data)
    except BackfillRefused:
        return
    assert sum(12 + len(each.data) for each in found) == len(data)


def test_only_what_is_missing_is_taken_and_only_from_a_key_frame_on() -> None:
    pictures = kept(*(n / 5 for n in range(50)))

    taken = missing_of(pictures, [Interval(2.5, 6.1)])

    assert (taken[0].at_s, taken[0].is_key) == (3.0, True)
    assert taken[-1].at_s == 6.0
    assert len(taken) == 16
    assert missing_of(pictures, []) == ()


def test_what_was_filled_is_no_hole_any_more() -> None:
    causes = [Cause(10.0, 20.0, "server_restart"), Cause(20.0, 22.0, "no_packets")]

    left = holes(Track.CAMERA, causes, [Interval(11.0, 15.0), Interval(19.0, 21.0)])

    assert left == [Interval(10.0, 11.0), Interval(15.0, 19.0), Interval(21.0, 22.0)]


def test_file_of_what_was_missing_is_whole_sealed_and_lies_where_it_was(
    tmp_path: Path, frames
) -> None:
    sent = [KeptPicture(30.0 + n / 15, f.is_key, f.data) for n, f in enumerate(frames(4.0))]

    made = fill(tmp_path, Track.CAMERA, sent)
    before = made.path.read_bytes()
    # whether a row names it is not known here
    again = fill(tmp_path, Track.CAMERA, sent[:30])

    assert again.path != made.path
    assert made.path.read_bytes() == before
    recorded = read_recorded(made.path)
    assert recorded.track is Track.CAMERA
    assert (recorded.starts_s, len(recorded.intervals)) == (30.0, 1)
    assert recorded.intervals[0].end == pytest.approx(made.held.end, abs=0.01)
    assert (len(read_seals(made.path)), broken_seals(made.path)) == (1, ())
    with av.open(str(made.path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == made.pictures == 60
