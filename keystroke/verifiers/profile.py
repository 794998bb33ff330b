"""What sessions of typing say of a person, worked out once for many comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from keystroke.presses import Floats
from keystroke.template import Sums
from keystroke.verifiers.count_plda import CountPlda, Evidence


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Evidence of all sessions; ``embedding``: (64,), unit length, None where none was made."""

    evidence: Evidence
    log_likelihood: float
    embedding: Floats | None
    n_keys: int

    @classmethod
    def of(cls, population: CountPlda, sessions: Sequence[Sums]) -> Self:
        """What *sessions*, at least one, say of their typist."""
        first, *rest = (population.evidence(session) for session in sessions)
        evidence = sum(rest, start=first)
        total = sum(sessions, start=Sums.empty())
        vector = total.embedding[1:].astype(np.float64)
        embedding = vector / np.linalg.norm(vector) if total.embedding[0] else None
        return cls(evidence, evidence.log_likelihood(), embedding, total.n_keys)

    def likelihood_ratio(self, other: Self) -> float:
        """Natural-log likelihood ratio of same against different typist, before calibration."""
        together = (self.evidence + other.evidence).log_likelihood()
        return together - self.log_likelihood - other.log_likelihood

    def cosine(self, other: Self) -> float | None:
        """Cosine of the two embeddings, None where either has none."""
        if self.embedding is None or other.embedding is None:
            return None
        return float(self.embedding @ other.embedding)
