import numpy as np
import pytest

from keystroke.fixed_text import (
    PUBLISHED,
    PersonScores,
    Repetitions,
    detector_scores,
    mean_eer_interval,
    phrase_scores,
    standings,
)

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def repetitions() -> Repetitions:
    """Seven people of 210 repetitions: two holds, one interval and one flight."""
    rng = np.random.default_rng(7)
    people = rng.uniform(60, 140, (7, 1, 4)) * [1, 1, 2, 1]
    timings = people * np.exp(0.1 * rng.standard_normal((7, 210, 4)))
    return Repetitions(timings, timings[..., :2], timings[..., 2:3], timings[..., 3:])


def test_every_later_repetition_meets_each_other_persons_first_five(
    repetitions: Repetitions,
) -> None:
    for people in detector_scores(repetitions, 200).values():
        assert [(len(p.mated), len(p.non_mated)) for p in people] == [(10, 30)] * 7


def test_every_impostor_is_tested_once_against_a_background_without_them(
    repetitions: Repetitions,
) -> None:
    for people in phrase_scores(repetitions, 10).values():
        # each impostor is in one group
        assert [len(p.non_mated) for p in people] == [30] * 7


def test_attempts_stand_beside_other_people(repetitions: Repetitions) -> None:
    found = standings(repetitions)
    # ten attempts of seven people, once with each of three backgrounds, and once by each other
    assert (len(found.mated), len(found.non_mated)) == (10 * 7 * 3, 10 * 7 * 6)
    assert found.mated.mean() > 0.9 > found.non_mated.mean()


def test_every_published_detector_is_measured(repetitions: Repetitions) -> None:
    assert PUBLISHED.keys() <= detector_scores(repetitions, 20).keys()


def test_the_interval_of_equal_people_is_their_rate() -> None:
    alike = [PersonScores(np.array([1.0, 3.0]), np.array([0.0, 2.0]))] * 4
    assert mean_eer_interval(alike) == (0.5, 0.5)
