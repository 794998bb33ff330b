"""Count-aware PLDA over sums of timings: who types, told from how often and how fast.

Each zone's hold and each frequent pair's interval is a normal variable around the population's
mean; its offset is speaker factors, plus channel factors of the session, plus noise that shrinks
with the number of presses. Sessions add up in closed form.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtrs
from sklearn.base import BaseEstimator

from keystroke.template import LOG_SCALE, Floats, Ints, Sums
from keystroke.zones import N_ZONES, Zone

N_TYPED = int(Zone.MODIFIER)
_ARRAYS = (
    "pairs_",
    "population_mean_",
    "population_sd_",
    "mean_",
    "event_variance_",
    "block_variance_",
    "speaker_",
    "channel_",
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What sessions say of the speaker factors: precision (r, r) and its weighted mean (r,)."""

    precision: Floats
    pull: Floats

    def __add__(self, other: "Evidence") -> "Evidence":
        return Evidence(self.precision + other.precision, self.pull + other.pull)

    def log_likelihood(self) -> float:
        """Log likelihood of the evidence, up to the part that does not depend on the speaker."""
        # LAPACK itself: half the time goes to what scipy.linalg puts around it
        root, _ = dpotrf(np.eye(len(self.pull)) + self.precision, lower=1)
        z, _ = dtrtrs(root, self.pull, lower=1)
        return float(0.5 * (z @ z) - np.log(np.diag(root)).sum())


class CountPlda(BaseEstimator):  # type: ignore[misc]
    """The population of typists. Arrays of the fitted model end in an underscore.

    ``session_noise``: how much more a feature wanders between sessions than within the single
    sittings the population was trained on.
    """

    def __init__(
        self,
        n_pairs: int = 250,
        n_speaker: int = 100,
        n_channel: int = 8,
        session_noise: float = 2.0,
    ) -> None:
        self.n_pairs = n_pairs
        self.n_speaker = n_speaker
        self.n_channel = n_channel
        self.session_noise = session_noise

    def fit(self, X: Sequence[tuple[Sums, Sums]], y: None = None) -> Self:
        """Learn from one pair of sums per person: the first and second half of a sitting."""
        total = Sums.empty()
        for first, second in X:
            total = total + first + second
        self._fit_population(total)
        firsts, seconds = ([self._moments(half[i]) for half in X] for i in (0, 1))
        n1, y1, v1 = (np.array(a) for a in zip(*firsts, strict=True))
        n2, y2, v2 = (np.array(a) for a in zip(*seconds, strict=True))
        n = n1 + n2
        self.mean_ = (n1 * y1 + n2 * y2).sum(0) / np.maximum(n.sum(0), 1)
        # 0.05 and 0.01: floors, so that a feature seen twice is not taken for certain
        events = np.maximum(n.sum(0), 1)
        self.event_variance_ = np.maximum((n1 * v1 + n2 * v2).sum(0) / events, 0.05)
        self.block_variance_ = self._between_halves(n1, y1, n2, y2)
        scale = np.sqrt(self.block_variance_ + self.event_variance_ / 15)
        self.speaker_ = self._speaker_factors(n1, y1, n2, y2, scale)
        self.channel_ = self._channel_factors(n1, y1, n2, y2, scale)
        return self

    def evidence(self, session: Sums) -> Evidence:
        """What one session says of its typist, its channel factors integrated out."""
        n, offset, _ = self._moments(session)
        # a hundred keys have a quarter of the features
        seen = np.flatnonzero(n)
        noise = (
            self.event_variance_[seen] / n[seen] + self.session_noise * self.block_variance_[seen]
        )
        root = 1 / np.sqrt(noise)
        speaker, channel = (root[:, None] * f[seen] for f in (self.speaker_, self.channel_))
        moved = root * (offset[seen] - self.mean_[seen])
        told = np.column_stack([speaker, moved])
        inner, _ = dpotrf(np.eye(channel.shape[1]) + channel.T @ channel, lower=1)
        by_channel, _ = dtrtrs(inner, channel.T @ told, lower=1)
        found = speaker.T @ told - by_channel[:, :-1].T @ by_channel
        return Evidence(found[:, :-1], found[:, -1])

    def score(self, reference: Sequence[Sums], probe: Sums) -> float:
        """Log-likelihood ratio of same against different typist, before calibration.

        ``reference``: one element per session, at least one.
        """
        enrolled = self.evidence(reference[0])
        for session in reference[1:]:
            enrolled = enrolled + self.evidence(session)
        fresh = self.evidence(probe)
        apart = enrolled.log_likelihood() + fresh.log_likelihood()
        return (enrolled + fresh).log_likelihood() - apart

    def pair_times(self) -> tuple[Floats, Floats]:
        """Mean and spread of log milliseconds per pair of zones, shape (zones**2,).

        Pairs that were not modelled have the mean of those that were.
        """
        means, spreads = self.population_mean_[N_TYPED:], self.population_sd_[N_TYPED:]
        mean = np.full(N_ZONES * N_ZONES, means.mean())
        spread = np.full(N_ZONES * N_ZONES, spreads.mean())
        mean[self.pairs_], spread[self.pairs_] = means, spreads
        return mean, spread

    def hold_times(self) -> tuple[Floats, Floats]:
        """Mean and spread of log milliseconds of holds per zone, shape (zones,)."""
        means, spreads = self.population_mean_[:N_TYPED], self.population_sd_[:N_TYPED]
        rest = N_ZONES - N_TYPED
        mean = np.concatenate([means, np.full(rest, means.mean())])
        return mean, np.concatenate([spreads, np.full(rest, spreads.mean())])

    def save(self, path: Path) -> None:
        """Write the fitted population as plain arrays."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        floats = {n: a.astype(np.float32) for n, a in arrays.items() if n != "pairs_"}
        np.savez_compressed(
            path,
            pairs_=arrays["pairs_"].astype(np.int32),
            session_noise=np.array(self.session_noise),
            **floats,
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """The population that ``save`` wrote. Raises KeyError when an array is missing."""
        with np.load(path, allow_pickle=False) as stored:
            population = cls(
                n_pairs=len(stored["pairs_"]),
                n_speaker=stored["speaker_"].shape[1],
                n_channel=stored["channel_"].shape[1],
                session_noise=float(stored["session_noise"]),
            )
            for name in _ARRAYS:
                wide = stored[name].astype(np.int64 if name == "pairs_" else np.float64)
                setattr(population, name, wide)
            return population

    def _fit_population(self, total: Sums) -> None:
        """Mean and spread of log times per zone and per pair; rare pairs lean on their zones."""
        hold_mean, hold_sd = _shrunk(total.holds[:N_TYPED], None, 20)
        grid = np.arange(N_ZONES * N_ZONES)
        typed = (grid // N_ZONES < N_TYPED) & (grid % N_ZONES < N_TYPED)
        chosen = grid[typed][np.argsort(-total.pairs[typed, 0], kind="stable")[: self.n_pairs]]
        self.pairs_ = np.sort(chosen)
        additive = _additive(total.pairs)
        pair_mean, pair_sd = _shrunk(total.pairs[self.pairs_], additive[self.pairs_], 30)
        self.population_mean_ = np.concatenate([hold_mean, pair_mean])
        self.population_sd_ = np.concatenate([hold_sd, pair_sd])

    def _moments(self, sums: Sums) -> tuple[Floats, Floats, Floats]:
        """Count, mean and variance per feature, in spreads of the population; shape (d,) each."""
        rows = np.concatenate([sums.holds[:N_TYPED], sums.pairs[self.pairs_]])
        n, mean, variance = _mean_variance(rows)
        offset = np.where(n > 0, (mean - self.population_mean_) / self.population_sd_, 0)
        return n, offset, variance / self.population_sd_**2

    def _between_halves(self, n1: Floats, y1: Floats, n2: Floats, y2: Floats) -> Floats:
        """Variance of a feature from one half to the other beyond what the events explain, (d,)."""
        both = (n1 >= 2) & (n2 >= 2)
        events = self.event_variance_ / 2 * (1 / np.maximum(n1, 1) + 1 / np.maximum(n2, 1))
        excess = np.where(both, (y1 - y2) ** 2 / 2 - events, 0).sum(0)
        return np.asarray(np.clip(excess / np.maximum(both.sum(0), 1), 0.01, 1.0), np.float64)

    def _speaker_factors(
        self, n1: Floats, y1: Floats, n2: Floats, y2: Floats, scale: Floats
    ) -> Floats:
        """Factors of what the halves of a person share; noise is not shared, so it drops out."""
        w1, w2 = n1 / (n1 + 4), n2 / (n2 + 4)
        shared = (w1 * (y1 - self.mean_)).T @ (w2 * (y2 - self.mean_))
        shared = shared / np.maximum(w1.T @ w2, 1e-6)
        return _factors((shared + shared.T) / 2, scale, self.n_speaker)

    def _channel_factors(
        self, n1: Floats, y1: Floats, n2: Floats, y2: Floats, scale: Floats
    ) -> Floats:
        """Factors of what moves together between the halves of a person."""
        n = np.minimum(n1, n2)
        weight = n / (n + 4)
        moved = weight * (y1 - y2) / np.sqrt(2)
        covariance = (moved.T @ moved) / np.maximum(weight.T @ weight, 1e-6)
        # the diagonal is block and event variance, modelled apart
        np.fill_diagonal(covariance, 0)
        return _factors(covariance, scale, self.n_channel)


def _mean_variance(rows: Ints) -> tuple[Floats, Floats, Floats]:
    n, total, squares = rows.T.astype(np.float64)
    some = np.maximum(n, 1)
    mean = total / some
    variance = np.maximum(squares / some - mean * mean, 0)
    return n, mean / LOG_SCALE, variance / LOG_SCALE**2


def _shrunk(rows: Ints, prior: Floats | None, strength: float) -> tuple[Floats, Floats]:
    """Mean and standard deviation per row, drawn to *prior* (or the mean of all) by *strength*."""
    n, mean, variance = _mean_variance(rows)
    _, (all_mean,), (all_variance,) = _mean_variance(rows.sum(axis=0, keepdims=True))
    towards = np.full_like(mean, all_mean) if prior is None else prior
    shrunk = (n * mean + strength * towards) / (n + strength)
    spread = n * (variance + (mean - shrunk) ** 2) + strength * all_variance
    return shrunk, np.sqrt(spread / (n + strength))


def _additive(pairs: Ints) -> Floats:
    """Log interval per pair as a sum of the zone left and the zone reached, shape (zones**2,)."""
    n = pairs[:, 0].reshape(N_ZONES, N_ZONES).astype(np.float64)
    total = pairs[:, 1].reshape(N_ZONES, N_ZONES) / LOG_SCALE
    base = total.sum() / max(n.sum(), 1)
    left, reached = np.zeros(N_ZONES), np.zeros(N_ZONES)
    for _ in range(6):
        reached = (total - n * (base + left[:, None])).sum(0) / (n.sum(0) + 20)
        left = (total - n * (base + reached[None, :])).sum(1) / (n.sum(1) + 20)
    return np.asarray(base + left[:, None] + reached[None, :], np.float64).ravel()


def _factors(covariance: Floats, scale: Floats, rank: int) -> Floats:
    """The *rank* largest factors of a covariance, shape (d, rank)."""
    values, vectors = np.linalg.eigh(covariance / scale[:, None] / scale[None, :])
    largest = np.argsort(-values)[:rank]
    return np.asarray(
        vectors[:, largest] * np.sqrt(np.maximum(values[largest], 0)) * scale[:, None], np.float64
    )
