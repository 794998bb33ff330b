import numpy as np
import pytest

from keystroke.free_text import Cell, Trials, across, trial_rows, within
from keystroke.presses import Presses
from keystroke.verifiers.count_plda import Evidence
from keystroke.verifiers.profile import Belief, Profile

pytestmark = pytest.mark.unit


def sitting(n: int) -> Presses:
    """Presses whose interval is their number."""
    return Presses.of_keyboard(np.arange(n, dtype=float), np.zeros(n, np.int64), np.full(n, 90.0))


def spans(parts: object) -> list[tuple[float, int]]:
    assert isinstance(parts, list)
    return [(float(p.dt_ms[0]), len(p)) for p in parts]


def test_one_sitting_enrols_before_and_probes_after_a_gap() -> None:
    enrolled, probes = within([sitting(2500)], 500, 100)
    assert spans(enrolled) == [(1500, 500)]
    assert spans(probes) == [(2100, 100), (2200, 100), (2300, 100), (2400, 100)]


def test_who_stops_early_is_left_out() -> None:
    assert within([sitting(2150)], 500, 100) == ([], [])


def test_later_sittings_are_probed_and_the_first_enrolled() -> None:
    enrolled, probes = across([sitting(300)] * 4, 500, 150)
    assert spans(enrolled) == [(0, 300), (0, 200)]
    assert spans(probes) == [(0, 150), (150, 150)] * 2


def test_enrolment_may_fall_short_by_a_tenth_and_no_more() -> None:
    assert across([sitting(450)] * 3, 500, 100)[0] != []
    assert across([sitting(449)] * 3, 500, 100) == ([], [])


def profile(of: float) -> Profile:
    return Profile(Belief(Evidence(np.zeros((1, 1)), np.array([of])), 0.0), None, 100)


def test_each_probe_meets_its_own_profile_and_the_wanted_number_of_others() -> None:
    profiles = {i: profile(i) for i in range(5)}
    cell = Cell(profiles, [(3, profile(30.0)), (0, profile(0.0))])
    rows, reference, probe = trial_rows(
        cell,
        lambda a, b: np.array([a.timings.evidence.pull[0], b.timings.evidence.pull[0]]),
        2,
        seed=1,
    )
    assert rows.shape == (6, 2)
    assert probe.tolist() == [3, 3, 3, 0, 0, 0]
    assert (reference[0], reference[3]) == (3, 0)
    assert (reference == rows[:, 0]).all()
    assert np.sum(reference == probe) == 2


def test_a_resampled_person_brings_all_their_comparisons() -> None:
    trials = Trials(np.arange(4.0), np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    again = trials.resampled(np.random.default_rng(2))
    counts = {s: int(np.sum(again.scores == s)) for s in range(4)}
    drawn = (counts[0], counts[3])
    assert sum(drawn) == 2
    assert counts[1] == counts[2] == drawn[0] * drawn[1]
