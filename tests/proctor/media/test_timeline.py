"""Frames on the recording's time axis."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.media.timeline import SenderClock, Timeline

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


def test_tracks_are_as_far_apart_as_they_were_for_the_sender() -> None:
    """The screen's first key frame takes 0.8 s longer to arrive than the camera's."""
    clock, camera, screen = SenderClock(), Timeline(epoch=0.0), Timeline(epoch=0.0)
    clock.heard(1, 3.9e9, 50_000)
    clock.heard(2, 3.9e9, 2**32 - 9_000)
    placed = {}
    for number in range(30):
        taken, delay = number / 10, 0.9 if number < 5 else 0.1
        rtp = 50_000 + 9_000 * number
        arrival = 100.0 + taken + 0.05
        placed[1, number] = camera.place(rtp, arrival, clock.taken_at(1, rtp, arrival))
        rtp = (2**32 - 9_000 + 9_000 * number) % 2**32
        arrival = 100.0 + taken + delay
        placed[2, number] = screen.place(rtp, arrival, clock.taken_at(2, rtp, arrival))

    for number in range(30):
        assert placed[2, number] - placed[1, number] == pytest.approx(0.0, abs=0.002)
    assert placed[1, 29] == pytest.approx(102.95, abs=0.002)


def test_time_taken_is_not_known_before_the_sender_reports() -> None:
    assert SenderClock().taken_at(1, 0, 5.0) is None


def test_drifting_clock_is_followed() -> None:
    clock = SenderClock()
    for second in range(10_800):
        arrival = second * (1 + 100e-6) + 0.03
        clock.heard(1, 3.9e9 + second, second * 90_000 % 2**32)
        taken = clock.taken_at(1, second * 90_000 % 2**32, arrival)
        assert taken == pytest.approx(arrival, abs=0.001)


def test_sender_that_sets_its_wall_clock_is_believed_anew() -> None:
    clock = SenderClock()
    clock.heard(1, 1000.0, 0)
    assert clock.taken_at(1, 0, 50.0) == 50.0
    clock.heard(1, 4601.0, 90_000)
    assert clock.taken_at(1, 90_000, 51.0) == pytest.approx(51.0)


@pytest.mark.parametrize("taken", [-1e9, 4.0, 8.5, 1e9])
def test_time_taken_that_cannot_be_is_not_believed(taken: float) -> None:
    timeline = Timeline(epoch=0.0)
    timeline.place(0, 7.0, None)

    assert timeline.place(9_000, 7.1, taken) == pytest.approx(7.1)
