"""One phrase typed by many: a person's repetitions told from those of other people.

A likelihood ratio that a few wild timings cannot move, a support vector machine and a forest, each
against a background of other people who typed the same phrase, added up.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.special import gammaln
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

from keystroke.presses import Floats

# below these a duration is the clock's, not the finger's
_SHORTEST_HOLD_MS: Final = 5.0
_SHORTEST_INTERVAL_MS: Final = 10.0
_FLIGHT_MS: Final = 50.0
# a normal variable's standard deviation in units of its median absolute deviation
_MAD: Final = 1.4826


def phrase_features(holds_ms: Floats, intervals_ms: Floats, flights_ms: Floats) -> Floats:
    """Features of repetitions, shape (..., k): logarithms, signed for flights, which overlap."""
    flights = np.sign(flights_ms) * np.log1p(np.abs(flights_ms) / _FLIGHT_MS)
    holds = np.log(np.maximum(holds_ms, _SHORTEST_HOLD_MS))
    intervals = np.log(np.maximum(intervals_ms, _SHORTEST_INTERVAL_MS))
    return np.concatenate([holds, intervals, flights], axis=-1)


class LogMedian(BaseEstimator):  # type: ignore[misc]
    """Scaled Manhattan distance to the median, no feature counting for more than *cap*."""

    def __init__(self, cap: float = 6.0, floor: float = 0.02) -> None:
        self.cap = cap
        self.floor = floor

    def fit(self, X: Floats, y: None = None) -> Self:
        """Learn one person's repetitions, shape (n, k) of ``phrase_features``."""
        self.median_ = np.median(X, axis=0)
        self.deviation_ = np.abs(X - self.median_).mean(axis=0) + self.floor
        return self

    def score_samples(self, X: Floats) -> Floats:
        """Minus the distance of each repetition, shape (n,)."""
        check_is_fitted(self)
        far = np.abs(X - self.median_) / self.deviation_
        return np.asarray(-np.minimum(far, self.cap).sum(axis=1), np.float64)


@dataclass(frozen=True)
class Background:
    """Other people's repetitions of the phrase, shape (people, repetitions, k)."""

    features: Floats

    @property
    def pooled(self) -> Floats:
        """All repetitions, shape (people * repetitions, k)."""
        return self.features.reshape(-1, self.features.shape[-1])

    def standardised(self, X: Floats) -> Floats:
        """*X* in robust spreads of the pooled repetitions, cut at five."""
        pooled = self.pooled
        return np.asarray(np.clip((X - np.median(pooled, axis=0)) / _spread(pooled), -5, 5))


class RobustLikelihoodRatio(BaseEstimator):  # type: ignore[misc]
    """Student-t of the person, drawn to the background by few repetitions, against all people's."""

    def __init__(
        self,
        background: Background,
        freedom: float = 5.0,
        prior_repetitions: float = 10.0,
        cap: float = 6.0,
    ) -> None:
        self.background = background
        self.freedom = freedom
        self.prior_repetitions = prior_repetitions
        self.cap = cap

    def fit(self, X: Floats, y: None = None) -> Self:
        """Learn one person's repetitions, shape (n, k) of ``phrase_features``."""
        people = self.background.features
        centres = np.median(people, axis=1)
        spreads = _MAD * np.median(np.abs(people - centres[:, None]), axis=1)
        within = np.exp(np.log(spreads**2 + 1e-4).mean(axis=0))
        n, pull = len(X), within / np.maximum(centres.var(axis=0), 1e-6)
        median = np.median(X, axis=0)
        own = (_MAD * np.median(np.abs(X - median), axis=0)) ** 2
        self.centre_ = (n * median + pull * centres.mean(axis=0)) / (n + pull)
        prior = self.prior_repetitions
        variance = (prior * within + n * own) / (prior + n)
        self.spread_ = np.sqrt(variance * (1 + 1 / (n + pull)) + 1e-4)
        pooled = self.background.pooled
        self.all_centre_, self.all_spread_ = np.median(pooled, axis=0), _spread(pooled)
        return self

    def score_samples(self, X: Floats) -> Floats:
        """Sum of the log ratios of the features, each cut at *cap*, shape (n,)."""
        check_is_fitted(self)
        own = _student(X, self.centre_, self.spread_, self.freedom)
        other = _student(X, self.all_centre_, self.all_spread_, self.freedom)
        return np.asarray(np.clip(own - other, -self.cap, self.cap).sum(axis=1), np.float64)


class AgainstOthers(BaseEstimator):  # type: ignore[misc]
    """A classifier of the person against the background, both kinds weighted alike.

    ``trees``: their number, 0 for a support vector machine with radial kernel.
    """

    def __init__(self, background: Background, trees: int = 0, seed: int = 0) -> None:
        self.background = background
        self.trees = trees
        self.seed = seed

    def fit(self, X: Floats, y: None = None) -> Self:
        """Learn one person's repetitions, shape (n, k) of ``phrase_features``."""
        others = self.background.pooled
        both = self.background.standardised(np.concatenate([X, others]))
        is_own = np.arange(len(both)) < len(X)
        weight = 0.5 * np.where(is_own, len(others) / len(X), 1.0)
        self.classifier_ = self._blank().fit(both, is_own, sample_weight=weight)
        return self

    def score_samples(self, X: Floats) -> Floats:
        """Distance to the border, or log odds of the trees, shape (n,)."""
        check_is_fitted(self)
        standardised = self.background.standardised(X)
        if not self.trees:
            return np.asarray(self.classifier_.decision_function(standardised), np.float64)
        own = np.clip(self.classifier_.predict_proba(standardised)[:, 1], 1e-3, 1 - 1e-3)
        return np.asarray(np.log(own / (1 - own)), np.float64)

    def _blank(self) -> SVC | ExtraTreesClassifier:
        if not self.trees:
            return SVC(C=1.0, gamma=0.02)
        return ExtraTreesClassifier(
            self.trees, min_samples_leaf=2, max_features=0.3, random_state=self.seed
        )


class PhraseVerifier(BaseEstimator):  # type: ignore[misc]
    """The three added up, over a person's *recent* repetitions.

    A phrase is typed differently once it is practised: the newest repetitions tell more than all.
    """

    def __init__(self, background: Background, recent: int = 50, trees: int = 100) -> None:
        self.background = background
        self.recent = recent
        self.trees = trees

    def fit(self, X: Floats, y: None = None) -> Self:
        """Learn one person's repetitions in order, shape (n, k) of ``phrase_features``."""
        newest = X[-self.recent :]
        self.parts_ = (
            RobustLikelihoodRatio(self.background).fit(newest),
            AgainstOthers(self.background).fit(newest),
            AgainstOthers(self.background, trees=self.trees).fit(newest),
        )
        return self

    def score_samples(self, X: Floats) -> Floats:
        """Comparison score of each repetition, shape (n,), higher = more alike."""
        check_is_fitted(self)
        ratio, border, odds = (part.score_samples(X) for part in self.parts_)
        return np.asarray(0.1 * np.clip(ratio, -40, 40) + border + 0.5 * odds, np.float64)


def less_alike(own: Floats, others: Floats, probes: Floats) -> Floats:
    """Share of other people's repetitions that are less like *own* than each probe is, shape (m,).

    Half of the *others*, shape (people, n, k), are what the verifier learns against; the other
    half are compared with it as the probes, shape (m, k), are; and the other way round. So nobody
    is compared who was learned from, except the person of *own*.
    """
    share = np.zeros(len(probes))
    for half in (0, 1):
        verifier = PhraseVerifier(Background(others[half::2])).fit(own)
        beside = others[1 - half :: 2].reshape(-1, others.shape[-1])
        scores = np.sort(verifier.score_samples(beside))
        share += np.searchsorted(scores, verifier.score_samples(probes)) / len(scores) / 2
    return share


def _spread(pooled: Floats) -> Floats:
    """Robust standard deviation per feature, never zero."""
    return np.asarray(
        _MAD * np.median(np.abs(pooled - np.median(pooled, axis=0)), axis=0) + 1e-3, np.float64
    )


def _student(X: Floats, centre: Floats, spread: Floats, freedom: float) -> Floats:
    """Log density of Student's t per feature."""
    half = (freedom + 1) / 2
    norm = gammaln(half) - gammaln(freedom / 2) - 0.5 * np.log(freedom * np.pi)
    z = (X - centre) / spread
    return np.asarray(norm - np.log(spread) - half * np.log1p(z * z / freedom), np.float64)
