"""What sessions of typing say of a person, worked out once for many comparisons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from keystroke.template import EMBEDDING_SCALE, Sums
from keystroke.verifiers.count_plda import CountPlda, Evidence
from keystroke.verifiers.embedding_plda import EmbeddingPlda


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """Evidence of all sessions, and the log likelihood of it."""

    evidence: Evidence
    log_likelihood: float

    @classmethod
    def of(cls, sessions: Iterable[Evidence]) -> Self:
        """The evidence of *sessions*, at least one, added up."""
        first, *rest = sessions
        evidence = sum(rest, start=first)
        return cls(evidence, evidence.log_likelihood())

    def likelihood_ratio(self, other: Self) -> float:
        """Natural-log likelihood ratio of same against different typist, before calibration."""
        together = (self.evidence + other.evidence).log_likelihood()
        return together - self.log_likelihood - other.log_likelihood


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """``timings``: from the sums. ``order``: from the network, None where it embedded nothing."""

    timings: Belief
    order: Belief | None
    n_keys: int

    @classmethod
    def of(
        cls, population: CountPlda, sessions: Sequence[Sums], network: EmbeddingPlda | None = None
    ) -> Self:
        """What *sessions*, at least one, say of their typist."""
        timings = Belief.of(population.evidence(session) for session in sessions)
        order = None
        windows = [session.embedding for session in sessions if session.embedding[0]]
        if network is not None and windows:
            order = Belief.of(
                network.evidence(int(each[0]), each[1:] / (each[0] * EMBEDDING_SCALE))
                for each in windows
            )
        return cls(timings, order, sum(session.n_keys for session in sessions))

    def likelihood_ratio(self, other: Self) -> float:
        """Natural-log likelihood ratio from the sums, before calibration."""
        return self.timings.likelihood_ratio(other.timings)

    def nearness(self, other: Self) -> float | None:
        """The same from the network, None where either has no window."""
        if self.order is None or other.order is None:
            return None
        return self.order.likelihood_ratio(other.order)
