"""Detectors of the literature for repeated text, kept as baselines.

Each learns one person's repetitions, shape (repetitions, timings), any one unit, and scores others:
minus a distance, higher = more alike. They are those of Killourhy and Maxion 2009.
"""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.svm import OneClassSVM
from sklearn.utils.validation import check_is_fitted

from keystroke.presses import Floats


class ScaledManhattan(BaseEstimator):  # type: ignore[misc]
    """Distance to the mean vector, each timing in units of its mean absolute deviation."""

    def __init__(self, floor: float = 1e-6) -> None:
        self.floor = floor

    def fit(self, X: Floats, y: None = None) -> Self:
        """Learn one person's repetitions."""
        self.mean_ = X.mean(axis=0)
        self.deviation_ = np.maximum(np.abs(X - self.mean_).mean(axis=0), self.floor)
        return self

    def score_samples(self, X: Floats) -> Floats:
        """Minus the distance of each repetition, shape (n,)."""
        check_is_fitted(self)
        return np.asarray(-(np.abs(X - self.mean_) / self.deviation_).sum(axis=1), np.float64)


class Manhattan(BaseEstimator):  # type: ignore[misc]
    """City-block distance to the mean; *filtered*: timings beyond three deviations left out."""

    def __init__(self, filtered: bool = False) -> None:
        self.filtered = filtered

    def fit(self, X: Floats, y: None = None) -> Self:
        """Learn one person's repetitions."""
        self.mean_ = X.mean(axis=0)
        if self.filtered:
            outlying = np.abs(X - self.mean_) > 3 * X.std(axis=0, ddof=1)
            self.mean_ = np.ma.masked_array(X, outlying).mean(axis=0).filled(0.0)
        return self

    def score_samples(self, X: Floats) -> Floats:
        """Minus the distance of each repetition, shape (n,)."""
        check_is_fitted(self)
        return np.asarray(-np.abs(X - self.mean_).sum(axis=1), np.float64)


class Euclidean(BaseEstimator):  # type: ignore[misc]
    """Squared distance to the mean; *normed*: divided by the lengths of both vectors."""

    def __init__(self, normed: bool = False) -> None:
        self.normed = normed

    def fit(self, X: Floats, y: None = None) -> Self:
        """Learn one person's repetitions."""
        self.mean_ = X.mean(axis=0)
        return self

    def score_samples(self, X: Floats) -> Floats:
        """Minus the distance of each repetition, shape (n,)."""
        check_is_fitted(self)
        distance = ((X - self.mean_) ** 2).sum(axis=1)
        lengths = self._lengths(X) if self.normed else 1.0
        return np.asarray(-distance / lengths, np.float64)

    def _lengths(self, X: Floats) -> Floats:
        return np.asarray(np.linalg.norm(X, axis=1) * np.linalg.norm(self.mean_), np.float64)


class Mahalanobis(BaseEstimator):  # type: ignore[misc]
    """Distance to the mean, or to the *nearest* repetition, in units of the covariance."""

    def __init__(self, nearest: bool = False) -> None:
        self.nearest = nearest

    def fit(self, X: Floats, y: None = None) -> Self:
        """Learn one person's repetitions."""
        self.precision_ = np.linalg.pinv(np.cov(X.T))
        self.points_ = X if self.nearest else X.mean(axis=0, keepdims=True)
        return self

    def score_samples(self, X: Floats) -> Floats:
        """Minus the distance of each repetition, shape (n,)."""
        check_is_fitted(self)
        return np.array([-self._distances(x).min() for x in X])

    def _distances(self, x: Floats) -> Floats:
        offsets = self.points_ - x
        return np.asarray((offsets @ self.precision_ * offsets).sum(axis=1), np.float64)


class OutlierCount(BaseEstimator):  # type: ignore[misc]
    """How many timings lie further than *limit* standard deviations from the mean."""

    def __init__(self, limit: float = 1.96, floor: float = 1e-9) -> None:
        self.limit = limit
        self.floor = floor

    def fit(self, X: Floats, y: None = None) -> Self:
        """Learn one person's repetitions."""
        self.mean_ = X.mean(axis=0)
        self.deviation_ = X.std(axis=0, ddof=1) + self.floor
        return self

    def score_samples(self, X: Floats) -> Floats:
        """Minus the count of each repetition, shape (n,)."""
        check_is_fitted(self)
        outlying = np.abs(X - self.mean_) / self.deviation_ > self.limit
        return np.asarray(-outlying.sum(axis=1), np.float64)


class OneClass(BaseEstimator):  # type: ignore[misc]
    """Distance to the border of a one-class support vector machine over standardised timings."""

    def __init__(self, nu: float = 0.5, floor: float = 1e-9) -> None:
        self.nu = nu
        self.floor = floor

    def fit(self, X: Floats, y: None = None) -> Self:
        """Learn one person's repetitions."""
        self.mean_ = X.mean(axis=0)
        self.deviation_ = X.std(axis=0) + self.floor
        self.border_ = OneClassSVM(nu=self.nu, gamma="scale").fit(self._standardised(X))
        return self

    def score_samples(self, X: Floats) -> Floats:
        """Distance inside the border of each repetition, shape (n,)."""
        check_is_fitted(self)
        return np.asarray(self.border_.decision_function(self._standardised(X)), np.float64)

    def _standardised(self, X: Floats) -> Floats:
        return np.asarray((X - self.mean_) / self.deviation_, np.float64)
