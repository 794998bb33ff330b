import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from keystroke.verifiers.detectors import ScaledManhattan

pytestmark = pytest.mark.unit


def test_each_timing_is_measured_in_its_own_deviations() -> None:
    repetitions = np.array([[100.0, 200.0], [120.0, 240.0]])
    detector = ScaledManhattan().fit(repetitions)
    # means 110 and 220, mean absolute deviations 10 and 20
    assert detector.score_samples(np.array([[110.0, 220.0], [130.0, 180.0]])).tolist() == [0, -4]


def test_a_timing_that_never_varied_does_not_divide_by_zero() -> None:
    detector = ScaledManhattan(floor=5.0).fit(np.full((4, 1), 100.0))
    assert detector.score_samples(np.array([[110.0]])).tolist() == [-2]


def test_an_unfitted_detector_does_not_score() -> None:
    with pytest.raises(NotFittedError):
        ScaledManhattan().score_samples(np.zeros((1, 2)))
