"""Detectors of the literature, kept as baselines for repeated text."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from keystroke.template import Floats


class ScaledManhattan(BaseEstimator):  # type: ignore[misc]
    """Distance to the mean vector, each timing in units of its mean absolute deviation.

    Source: Killourhy and Maxion 2009, "Manhattan (scaled)".
    """

    def __init__(self, floor: float = 1e-6) -> None:
        self.floor = floor

    def fit(self, X: Floats, y: None = None) -> Self:
        """Learn one person's repetitions, shape (repetitions, timings), any one unit."""
        self.mean_ = X.mean(axis=0)
        self.deviation_ = np.maximum(np.abs(X - self.mean_).mean(axis=0), self.floor)
        return self

    def score_samples(self, X: Floats) -> Floats:
        """Minus the distance of each repetition, shape (n,); higher = more alike."""
        check_is_fitted(self)
        return np.asarray(-(np.abs(X - self.mean_) / self.deviation_).sum(axis=1), np.float64)
