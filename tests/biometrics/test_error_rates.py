import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biometrics.error_rates import Scores, det, eer, fmr, fnmr, interval, threshold_at_fmr

pytestmark = pytest.mark.unit

MATED = np.array([0.4, 0.6, 0.8, 0.9])
NON_MATED = np.array([0.1, 0.2, 0.4, 0.7])
EMPTY: Scores = np.array([])

some_scores = st.lists(st.floats(-1, 1), min_size=1, max_size=40).map(np.array)


def test_score_equal_to_the_threshold_is_accepted() -> None:
    assert fmr(NON_MATED, 0.4) == 0.5
    assert fnmr(MATED, 0.4) == 0.0


def test_rates_just_above_a_score() -> None:
    assert fmr(NON_MATED, 0.41) == 0.25
    assert fnmr(MATED, 0.41) == 0.25


def test_unmeasured_rate_is_not_a_rate_of_zero() -> None:
    for rate in (fmr, fnmr, threshold_at_fmr):
        with pytest.raises(ValueError, match="unmeasured"):
            rate(EMPTY, 0.5)
    for curve in (det, eer):
        with pytest.raises(ValueError, match="unmeasured"):
            curve(EMPTY, NON_MATED)
        with pytest.raises(ValueError, match="unmeasured"):
            curve(MATED, EMPTY)


def test_score_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        fmr(np.array([0.1, np.nan]), 0.5)


def test_det_runs_from_all_accepted_to_none() -> None:
    curve = det(MATED, NON_MATED)
    assert curve.thresholds.tolist() == [0.1, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, np.inf]
    assert curve.fmr.tolist() == [1.0, 0.75, 0.5, 0.25, 0.25, 0.0, 0.0, 0.0]
    assert curve.fnmr.tolist() == [0.0, 0.0, 0.0, 0.25, 0.5, 0.5, 0.75, 1.0]


def test_equal_error_rate() -> None:
    assert eer(MATED, NON_MATED) == 0.25
    assert eer(np.array([0.9, 0.8]), np.array([0.1, 0.2])) == 0.0
    assert eer(np.array([0.5]), np.array([0.5])) == 0.5


def test_threshold_keeps_the_target() -> None:
    assert threshold_at_fmr(NON_MATED, 0.25) == np.nextafter(0.4, np.inf)
    assert threshold_at_fmr(NON_MATED, 1.0) == 0.1


def test_target_below_one_in_n_is_refused() -> None:
    with pytest.raises(ValueError, match="1/n"):
        threshold_at_fmr(NON_MATED, 0.2)


def test_wilson_interval_matches_a_published_value() -> None:
    # Newcombe 1998, table I: 81 of 263
    bounds = interval(81, 263)
    assert (round(bounds.low, 4), round(bounds.high, 4)) == (0.2553, 0.3662)


def test_no_error_gives_the_rule_of_three() -> None:
    bounds = interval(0, 300)
    assert bounds.low == 0.0
    assert bounds.high == pytest.approx(3 / 300, rel=0.01)
    assert interval(300, 300).low == pytest.approx(1 - bounds.high)


@pytest.mark.parametrize(("errors", "trials"), [(0, 0), (-1, 5), (6, 5)])
def test_interval_of_impossible_counts_is_refused(errors: int, trials: int) -> None:
    with pytest.raises(ValueError, match="trials"):
        interval(errors, trials)


@given(some_scores, st.floats(-1, 1), st.floats(0, 1))
def test_false_matches_fall_and_false_non_matches_rise(
    scores: Scores, threshold: float, step: float
) -> None:
    assert fmr(scores, threshold + step) <= fmr(scores, threshold)
    assert fnmr(scores, threshold + step) >= fnmr(scores, threshold)


@given(some_scores, some_scores)
def test_det_agrees_with_the_rates(mated: Scores, non_mated: Scores) -> None:
    curve = det(mated, non_mated)
    for at, accepted, rejected in zip(curve.thresholds, curve.fmr, curve.fnmr, strict=True):
        assert accepted == pytest.approx(fmr(non_mated, float(at)))
        assert rejected == pytest.approx(fnmr(mated, float(at)))


@given(some_scores, st.floats(0.001, 1))
def test_threshold_at_a_target_is_kept_or_refused(scores: Scores, target: float) -> None:
    if target < 1 / scores.size:
        with pytest.raises(ValueError, match="1/n"):
            threshold_at_fmr(scores, target)
    else:
        assert fmr(scores, threshold_at_fmr(scores, target)) <= target
