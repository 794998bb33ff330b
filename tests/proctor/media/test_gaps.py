"""Recorded seconds and gaps with causes."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.media.gaps import Cause, Gap, Interval, coverage, frame_intervals, gaps
from proctor.observations import Track

pytestmark = pytest.mark.unit

# sixteenths of a second are exact in binary, so sums can be compared exactly
seconds = st.integers(-200, 2_000).map(lambda n: n / 16)
spans = st.tuples(seconds, seconds).map(sorted)
intervals = st.lists(spans.map(lambda s: Interval(*s)), max_size=12)
causes = st.lists(
    st.tuples(spans, st.sampled_from(["disconnected", "share_ended"])).map(
        lambda c: Cause(c[0][0], c[0][1], c[1])
    ),
    max_size=5,
)


@given(intervals, spans, causes)
def test_recorded_and_gaps_make_up_the_exam(covered, exam, known) -> None:
    start, end = exam
    found = gaps(Track.CAMERA, covered, start, end, known)

    assert coverage(covered, start, end) + sum(g.end - g.start for g in found) == end - start


@given(intervals, spans, causes)
def test_gaps_are_ordered_disjoint_and_uncovered(covered, exam, known) -> None:
    found = gaps(Track.SCREEN, covered, *exam, known)

    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert all(g.start < g.end and coverage(covered, g.start, g.end) == 0 for g in found)


def test_frame_covers_until_the_next_within_the_silence_limit() -> None:
    assert frame_intervals(Track.CAMERA, [1.0, 1.5, 2.25]) == (Interval(1.0, 2.25 + 1 / 15),)


def test_frame_before_a_silence_covers_one_nominal_frame() -> None:
    found = frame_intervals(Track.SCREEN, [0.5, 1.0, 4.0, 4.5])
    assert found == (Interval(0.5, 1.2), Interval(4.0, 4.7))
    assert frame_intervals(Track.SCREEN, [1.0, 3.9]) == (Interval(1.0, 3.9 + 0.2),)


def test_frame_that_stands_alone_is_a_still_and_covers_nothing() -> None:
    stills = [2.0, 4.0, 6.0]
    assert frame_intervals(Track.CAMERA, stills) == ()
    assert frame_intervals(Track.CAMERA, [*stills, 8.0, 8.5]) == (Interval(8.0, 8.5 + 1 / 15),)


def test_no_frames_cover_nothing() -> None:
    assert frame_intervals(Track.CAMERA, []) == ()
    assert gaps(Track.CAMERA, [], 0.0, 9.0) == (Gap(Track.CAMERA, 0.0, 9.0, "unknown"),)


def test_gap_is_split_where_its_cause_changes() -> None:
    found = gaps(
        Track.CAMERA,
        [Interval(0.0, 10.0), Interval(20.0, 30.0)],
        0.0,
        31.0,
        [Cause(10.0, 14.0, "disconnected"), Cause(12.0, 16.0, "recorder_failed")],
    )

    assert found == (
        Gap(Track.CAMERA, 10.0, 14.0, "disconnected"),
        Gap(Track.CAMERA, 14.0, 16.0, "recorder_failed"),
        Gap(Track.CAMERA, 16.0, 20.0, "unknown"),
        Gap(Track.CAMERA, 30.0, 31.0, "unknown"),
    )


def test_intervals_outside_the_exam_do_not_count() -> None:
    assert coverage([Interval(-5.0, 2.0), Interval(1.0, 3.0), Interval(9.0, 20.0)], 0.0, 10.0) == 4
