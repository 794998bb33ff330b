import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from keystroke.verifiers.detectors import (
    Euclidean,
    Mahalanobis,
    Manhattan,
    OneClass,
    OutlierCount,
    ScaledManhattan,
)

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


def test_city_block_and_squared_distance_by_hand() -> None:
    repetitions = np.array([[1.0, 2.0], [5.0, 6.0]])
    probe = np.array([[6.0, 8.0]])
    assert Manhattan().fit(repetitions).score_samples(probe).tolist() == [-7.0]
    assert Euclidean().fit(repetitions).score_samples(probe).tolist() == [-25.0]
    # lengths 10 of the probe and 5 of the mean
    assert Euclidean(normed=True).fit(repetitions).score_samples(probe).tolist() == [-0.5]


def test_a_timing_beyond_three_deviations_is_filtered() -> None:
    repetitions = np.array([[100.0]] * 20 + [[1000.0]])
    assert Manhattan(filtered=True).fit(repetitions).score_samples(np.array([[90.0]])) == [-10.0]


def test_covariance_scales_the_distance() -> None:
    repetitions = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    # variances 2/3 and 8/3, no covariance
    scores = Mahalanobis().fit(repetitions).score_samples(np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert scores == pytest.approx([-1.5, -0.375])


def test_the_nearest_repetition_counts() -> None:
    repetitions = np.array([[0.0, 0.0], [10.0, 1.0], [20.0, -1.0]])
    assert Mahalanobis(nearest=True).fit(repetitions).score_samples(repetitions) == pytest.approx(
        [0.0, 0.0, 0.0]
    )


def test_outliers_are_counted() -> None:
    repetitions = np.array([[0.0, 0.0], [2.0, 2.0]])
    # means 1, standard deviations 1.41: the limit lies at 3.77
    scores = OutlierCount().fit(repetitions).score_samples(np.array([[3.7, 3.8], [9.0, -9.0]]))
    assert scores.tolist() == [-1.0, -2.0]


def test_one_class_scores_fall_with_distance() -> None:
    repetitions = np.random.default_rng(3).normal(size=(50, 2))
    near, far = OneClass().fit(repetitions).score_samples(np.array([[0.0, 0.0], [4.0, 4.0]]))
    assert near > 0 > far
