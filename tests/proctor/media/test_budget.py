"""How much one sitting may write."""

import pytest

from proctor.media.budget import BYTES_PER_S, MOST_BYTES, Budget
from proctor.observations import Track

pytestmark = pytest.mark.unit


def run(budget: Budget, bytes_per_s: int, seconds: int, begin: int = 0) -> dict[Track, int]:
    """Bytes taken of each track, of which half of *bytes_per_s* come ten times a second."""
    taken = dict.fromkeys(Track, 0)
    size = bytes_per_s // 20
    for number in range(10 * seconds):
        for track in Track:
            taken[track] += size * budget.takes(track, size, begin + number / 10)
    return taken


def test_exam_at_several_times_the_caps_is_taken_whole() -> None:
    assert sum(run(Budget(), 400_000, 600).values()) == pytest.approx(600 * 400_000)


def test_flood_is_held_to_the_rate_and_costs_the_screen_first() -> None:
    budget = Budget()

    early = run(budget, 4_000_000, 10)
    later = run(budget, 4_000_000, 600, begin=10)

    assert early[Track.CAMERA] > 1.5 * early[Track.SCREEN]
    assert sum(later.values()) <= 600 * BYTES_PER_S + MOST_BYTES
    assert later[Track.CAMERA] > 200 * BYTES_PER_S


def test_recording_comes_back_after_a_flood() -> None:
    budget = Budget()
    run(budget, 4_000_000, 60)

    taken = run(budget, 75_000, 60, begin=120)

    assert taken == dict.fromkeys(Track, pytest.approx(60 * 37_500, abs=100))
