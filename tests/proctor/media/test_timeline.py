"""Frames on the recording's time axis."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.media.timeline import Timeline

pytestmark = pytest.mark.unit


def test_first_frame_lies_at_its_arrival_and_the_next_by_rtp_distance() -> None:
    timeline = Timeline(epoch=100.0)

    assert timeline.place(5_000, 102.5) == 2.5
    assert timeline.place(5_000 + 9_000, 102.9) == pytest.approx(2.6)


def test_rtp_timestamp_wraps() -> None:
    timeline = Timeline(epoch=0.0)
    timeline.place(2**32 - 4_500, 1.0)

    assert timeline.place(4_500, 1.1) == pytest.approx(1.1)


def test_frame_before_the_epoch_has_a_negative_time() -> None:
    assert Timeline(epoch=10.0).place(0, 7.0) == -3.0


def test_congested_frames_keep_the_spacing_they_were_taken_with() -> None:
    timeline = Timeline(epoch=0.0)
    timeline.place(0, 0.0)

    assert timeline.place(90_000, 2.9) == pytest.approx(1.0)
    assert timeline.place(180_000, 2.9) == pytest.approx(2.0)


@pytest.mark.parametrize("jump_s", [5.0, 3_600.0, -3_600.0])
def test_sender_whose_clock_jumps_is_anchored_at_arrival(jump_s: float) -> None:
    timeline = Timeline(epoch=0.0)
    timeline.place(0, 0.0)

    assert timeline.place(int(jump_s * 90_000) % 2**32, 0.1) == pytest.approx(0.1)


@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.floats(0, 2)), min_size=1, max_size=50),
)
def test_times_never_go_back_and_stay_near_arrival(steps: list[tuple[int, float]]) -> None:
    timeline, arrival, last, latest = Timeline(epoch=0.0), 0.0, 0.0, 0.0
    for rtp, wait in steps:
        arrival += wait
        placed = timeline.place(rtp, arrival)
        latest = max(latest, arrival)
        assert placed >= last
        assert arrival - 3.0 <= placed <= latest + 1.0
        last = placed
