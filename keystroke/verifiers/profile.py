"""What sessions of typing say of a person, worked out once for many comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from keystroke.presses import Floats
from keystroke.template import Sums
from keystroke.verifiers.count_plda import CountPlda, Evidence


@dataclass(frozen=True, slots=True)
class Cohort:
    """Other people's embeddings: some typing is near to everybody's, some to nobody's.

    ``embeddings``: (people, 64), unit length. ``nearest``: how many of them count.
    """

    embeddings: Floats
    nearest: int

    def around(self, embedding: Floats) -> tuple[float, float]:
        """Mean and standard deviation of the cosines with the nearest people."""
        cosines = self.embeddings @ embedding
        nearest = np.partition(cosines, -self.nearest)[-self.nearest :]
        return float(nearest.mean()), float(nearest.std())


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Evidence of all sessions; ``embedding``: (64,), unit length, None where none was made.

    ``around``: how near other people's typing is, None where that is not asked.
    """

    evidence: Evidence
    log_likelihood: float
    embedding: Floats | None
    around: tuple[float, float] | None
    n_keys: int

    @classmethod
    def of(
        cls, population: CountPlda, sessions: Sequence[Sums], cohort: Cohort | None = None
    ) -> Self:
        """What *sessions*, at least one, say of their typist."""
        first, *rest = (population.evidence(session) for session in sessions)
        evidence = sum(rest, start=first)
        total = sum(sessions, start=Sums.empty())
        vector = total.embedding[1:].astype(np.float64)
        embedding = vector / np.linalg.norm(vector) if total.embedding[0] else None
        around = None if cohort is None or embedding is None else cohort.around(embedding)
        return cls(evidence, evidence.log_likelihood(), embedding, around, total.n_keys)

    def likelihood_ratio(self, other: Self) -> float:
        """Natural-log likelihood ratio of same against different typist, before calibration."""
        together = (self.evidence + other.evidence).log_likelihood()
        return together - self.log_likelihood - other.log_likelihood

    def nearness(self, other: Self) -> float | None:
        """Cosine of the two embeddings, None where either has none.

        With a cohort, in standard deviations above the cosines of its people with either, the mean
        of both.
        """
        if self.embedding is None or other.embedding is None:
            return None
        cosine = float(self.embedding @ other.embedding)
        if self.around is None or other.around is None:
            return cosine
        return sum((cosine - mean) / spread for mean, spread in (self.around, other.around)) / 2
