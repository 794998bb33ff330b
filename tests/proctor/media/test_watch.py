"""Silence of a track and the schedule of key frames."""

import pytest

from proctor.media.pace import Pace
from proctor.media.watch import KeySchedule, SilenceWatch, TrackChange
from proctor.observations import Track

pytestmark = pytest.mark.unit


def test_camera_is_silent_after_one_second_and_screen_after_three() -> None:
    watch = SilenceWatch(start=10.0)

    assert watch.check(10.9) == []
    assert watch.check(11.0) == [TrackChange(Track.CAMERA, is_silent=True, since=10.0)]
    assert watch.check(12.9) == []
    assert watch.check(13.0) == [TrackChange(Track.SCREEN, is_silent=True, since=10.0)]


def test_stills_make_no_silence_and_a_film_after_them_is_expected_anew() -> None:
    watch = SilenceWatch(start=0.0)
    watch.expect(Pace.STILLS, 0.5)
    assert watch.check(7.4) == []
    watch.saw(Track.CAMERA, 7.4)
    watch.expect(Pace.FULL, 9.0)
    assert watch.check(9.9) == []
    assert watch.check(10.0) == [TrackChange(Track.CAMERA, is_silent=True, since=9.0)]


def test_track_that_is_silent_stays_so_at_another_pace() -> None:
    watch = SilenceWatch(start=0.0)
    watch.check(1.0)
    watch.expect(Pace.STILLS, 2.0)
    assert watch.saw(Track.CAMERA, 3.0) == TrackChange(Track.CAMERA, is_silent=False, since=0.0)


def test_silent_track_resumes_with_its_next_frame() -> None:
    watch = SilenceWatch(start=0.0)
    assert watch.saw(Track.CAMERA, 0.5) is None
    watch.check(2.0)

    assert watch.saw(Track.CAMERA, 7.0) == TrackChange(Track.CAMERA, is_silent=False, since=0.5)
    assert watch.saw(Track.CAMERA, 7.1) is None


@pytest.mark.parametrize(("track", "interval"), [(Track.CAMERA, 1.0), (Track.SCREEN, 10.0)])
def test_key_frames_are_asked_at_the_interval_of_the_track(track: Track, interval: float) -> None:
    keys = KeySchedule()

    assert keys.due(track, 0.0, needs_key=False, round_trip_s=0.0)
    assert not keys.due(track, interval - 0.01, needs_key=False, round_trip_s=0.0)
    assert keys.due(track, interval, needs_key=False, round_trip_s=0.0)


def test_key_frame_is_asked_again_while_the_picture_is_lost() -> None:
    keys = KeySchedule()
    keys.due(Track.SCREEN, 0.0, needs_key=False, round_trip_s=0.0)

    assert not keys.due(Track.SCREEN, 0.25, needs_key=True, round_trip_s=0.0)
    assert keys.due(Track.SCREEN, 0.3, needs_key=True, round_trip_s=0.0)


def test_key_frame_is_not_asked_again_before_it_can_be_here() -> None:
    keys = KeySchedule()
    keys.due(Track.SCREEN, 0.0, needs_key=True, round_trip_s=1.0)

    assert not keys.due(Track.SCREEN, 1.4, needs_key=True, round_trip_s=1.0)
    assert keys.due(Track.SCREEN, 1.5, needs_key=True, round_trip_s=1.0)


def test_key_frame_of_a_still_is_asked_again_after_its_time_from_the_request_on() -> None:
    keys = KeySchedule()
    keys.pace = Pace.STILLS
    keys.due(Track.SCREEN, 0.0, needs_key=False, round_trip_s=0.8)

    asked = [
        at for at in range(15, 40) if keys.due(Track.SCREEN, at, needs_key=True, round_trip_s=0.8)
    ]

    assert asked == [15, 21, 27, 33, 39]


def test_late_looks_make_no_interval_longer() -> None:
    keys = KeySchedule()

    asked = [
        at
        for at in range(0, 1000, 7)
        if keys.due(Track.CAMERA, at / 100, needs_key=False, round_trip_s=0.0)
    ]

    assert asked == [0, 105, 203, 301, 406, 504, 602, 700, 805, 903]
    assert keys.due(Track.CAMERA, 30.0, needs_key=False, round_trip_s=0.0)
    assert not keys.due(Track.CAMERA, 30.9, needs_key=False, round_trip_s=0.0)


def test_requested_key_frame_does_not_wait() -> None:
    keys = KeySchedule()
    keys.due(Track.SCREEN, 0.0, needs_key=False, round_trip_s=0.0)
    keys.request(Track.SCREEN)

    assert keys.due(Track.SCREEN, 0.01, needs_key=False, round_trip_s=0.0)
    assert not keys.due(Track.SCREEN, 0.02, needs_key=False, round_trip_s=0.0)
