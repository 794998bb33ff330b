"""PLDA over the embedding network's vectors: whose they are, told from how many there are.

A window's vector is a person's own, plus what the sitting adds, plus what each window adds anew;
all three are normal. Sittings add up in closed form, as in ``count_plda``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from keystroke.presses import Floats
from keystroke.verifiers.count_plda import Evidence

# between sittings the vectors wander more than within those that taught it
DRIFT = 5.0
# share of a window's scatter that is drawn to the same in all directions
_EVEN = 0.3
# a direction in which people do not differ at all would have no inverse
_LEAST = 1e-5


@dataclass(frozen=True, eq=False)
class EmbeddingPlda:
    """``mean``: (64,). ``axes``: (64, 64), under which windows scatter alike in all directions.

    ``sitting``: (64,), how much sittings scatter along them. ``speaker``: (64, 64), factors of the
    person along them.
    """

    mean: Floats
    axes: Floats
    sitting: Floats
    speaker: Floats

    @classmethod
    def fit(cls, X: Sequence[Floats]) -> Self:
        """Learn from the unit vectors of each person's sitting, shape (n, 64), n at least 4."""
        mean = np.mean([own.mean(axis=0) for own in X], axis=0)
        apart = np.concatenate([own - own.mean(axis=0) for own in X])
        window = apart.T @ apart / (len(apart) - len(X))
        even = np.trace(window) / len(window) * np.eye(len(window))
        halves = [np.array_split(own, 2) for own in X]
        first, second = (np.array([h[i].mean(axis=0) for h in halves]) - mean for i in (0, 1))
        shared = first.T @ second / len(X)
        of_windows = window * np.mean([1 / len(part) for h in halves for part in h])
        moved = (first - second).T @ (first - second) / (2 * len(X)) - of_windows
        root = np.linalg.inv(np.linalg.cholesky((1 - _EVEN) * window + _EVEN * even))
        scatter, turn = np.linalg.eigh(root @ _positive(moved) @ root.T)
        axes = turn.T @ root
        spread, directions = np.linalg.eigh(_positive((shared + shared.T) / 2))
        return cls(mean, axes, DRIFT * scatter, axes @ (directions * np.sqrt(spread)))

    def evidence(self, n: int, mean: Floats) -> Evidence:
        """What one sitting's *n* windows of this *mean*, shape (64,), say of the person."""
        precision = 1 / (self.sitting + 1 / n)
        weighted = self.speaker.T * precision
        return Evidence(weighted @ self.speaker, weighted @ (self.axes @ (mean - self.mean)))


def _positive(covariance: Floats) -> Floats:
    """*covariance* without the directions of negative variance that an estimate may have."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.maximum(values, _LEAST)) @ vectors.T, np.float64)
