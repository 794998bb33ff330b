import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biometrics.calibration import Calibration, SequentialTest

pytestmark = pytest.mark.unit


def after(*ratios: float) -> SequentialTest:
    test = SequentialTest()
    for llr in ratios:
        test = test.after(llr)
    return test


def test_fit_puts_zero_half_way_and_the_slope_by_the_spread() -> None:
    # means 0.8 and 0.2, pooled variance 0.01
    mated = np.array([0.7, 0.8, 0.9])
    non_mated = np.array([0.1, 0.2, 0.3])
    fitted = Calibration.fit(mated, non_mated)
    assert fitted.slope == pytest.approx(60.0)
    assert fitted.llr(0.5) == pytest.approx(0.0, abs=1e-9)


def test_fit_without_enough_or_varied_scores_is_refused() -> None:
    with pytest.raises(ValueError, match="two scores"):
        Calibration.fit(np.array([0.9]), np.array([0.1, 0.2]))
    with pytest.raises(ValueError, match="vary"):
        Calibration.fit(np.array([0.9, 0.9]), np.array([0.1, 0.1]))


def test_falling_line_is_refused() -> None:
    with pytest.raises(ValueError, match="raise"):
        Calibration.fit(np.array([0.1, 0.2]), np.array([0.8, 0.9]))


def test_no_single_probe_alarms() -> None:
    assert after(-1000.0).evidence == 8.0
    assert not after(-1000.0).is_alarmed


def test_second_clear_probe_of_another_person_alarms() -> None:
    assert after(-9.0, -9.0).is_alarmed
    assert not after(-6.0, -6.0).is_alarmed
    assert after(-6.0, -6.0, -0.1).is_alarmed


def test_evidence_for_the_person_wears_doubt_down_but_is_not_saved_up() -> None:
    assert after(-5.0, 3.0).evidence == 2.0
    assert after(*[20.0] * 100, -9.0, -9.0).is_alarmed


def test_probe_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not evidence"):
        SequentialTest().after(float("nan"))


@given(st.lists(st.floats(-1e6, 1e6), max_size=50), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_more_like_the_reference_never_means_more_evidence_against(
    before: list[float], llr: float, better: float
) -> None:
    assert after(*before, llr + better).evidence <= after(*before, llr).evidence
