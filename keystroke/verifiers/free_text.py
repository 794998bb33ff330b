"""The verifier of free typing: sums of sessions and of fresh typing in, a likelihood ratio out.

Two opinions are weighed: the population's likelihood ratio over sums, and that over the network's
embeddings. Without a network the first stands alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import log, tanh
from pathlib import Path
from typing import Final

import numpy as np

from biometrics.calibration import Calibration
from keystroke.features import FourMeasurements, measure_sums
from keystroke.gate import Abstention, Reason, Side, unfit
from keystroke.presses import Floats, Presses
from keystroke.template import Sums
from keystroke.verifiers.count_plda import CountPlda
from keystroke.verifiers.embedding_plda import EmbeddingPlda
from keystroke.verifiers.network import Embedder
from keystroke.verifiers.profile import Profile

# numbers of keys that the weights were fitted on; beyond them nothing is extrapolated
_REFERENCE_KEYS: Final = (80.0, 2500.0)
_PROBE_KEYS: Final = (40.0, 600.0)
N_WEIGHTS: Final = 9
_NETWORK: Final = ("mean", "axes", "sitting", "speaker")


class Result(StrEnum):
    """What a comparison score says at the operating point."""

    MATCH = "match"
    NO_MATCH = "no_match"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Two thresholds on the score: at or above *accept* a match, below *reject* none."""

    accept: float
    reject: float

    def result(self, score: float) -> Result:
        """What *score* says; between the thresholds it says nothing."""
        if score >= self.accept:
            return Result.MATCH
        return Result.NO_MATCH if score < self.reject else Result.INCONCLUSIVE


@dataclass(frozen=True, slots=True)
class KeystrokeScore:
    """Calibrated natural-log likelihood ratio, higher = more alike, and what it rests on."""

    score: float
    n_keys: int
    measurements: FourMeasurements


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one comparison found, before it is weighed; ``nearness`` is 0 without a network."""

    ratio: float
    nearness: float
    reference_keys: int
    probe_keys: int


@dataclass(frozen=True, slots=True)
class Weighing:
    """How opinions become likelihood ratios, as a calibration set taught it.

    ``weights``: (9,), of ``terms``, for two parts of one sitting. ``bound``: what a likelihood
    ratio of one sitting nears, either way, and never exceeds. ``other_sittings``: the line from
    there to the likelihood ratio of different sittings, where the same person is less alike.
    ``errors``: numbers of keys, rising, and the share of wrong answers that was measured with so
    many. ``network``: how its vectors are read, None where it is not heard.
    """

    model_id: str
    weights: Floats
    bound: float
    other_sittings: Calibration
    operating_point: OperatingPoint
    errors: tuple[tuple[int, float], ...]
    network: EmbeddingPlda | None

    def error_at(self, n_keys: int) -> float | None:
        """Measured share of wrong answers at LLR 0 with a probe of *n_keys*, None for too few."""
        return next((error for keys, error in reversed(self.errors) if n_keys >= keys), None)

    def same_sitting_llr(self, opinion: Opinion) -> float:
        """Likelihood ratio when both are of one sitting."""
        llr = float(self.weights @ terms(opinion))
        return self.bound * tanh(llr / self.bound)

    def llr(self, opinion: Opinion) -> float:
        """Likelihood ratio when the reference is of other sittings than the probe."""
        return self.other_sittings.llr(self.same_sitting_llr(opinion))


@dataclass(frozen=True)
class FreeTextVerifier:
    """A trained verifier; ``population`` is fitted, ``embedder`` absent without a runtime."""

    population: CountPlda
    embedder: Embedder | None
    weighing: Weighing

    @property
    def model_id(self) -> str:
        """What scores and references are filed under."""
        return self.weighing.model_id

    @property
    def operating_point(self) -> OperatingPoint:
        """Thresholds on the likelihood ratio of different sittings."""
        return self.weighing.operating_point

    def sums(self, presses: Presses) -> Sums:
        """All that is kept of *presses*."""
        return Sums.from_presses(presses) if self.embedder is None else self.embedder.sums(presses)

    def profile(self, sessions: Sequence[Sums]) -> Profile:
        """What *sessions*, at least one, say of their typist."""
        return Profile.of(self.population, sessions, self.weighing.network)

    def opinion(self, reference: Profile, probe: Profile) -> Opinion | None:
        """What comparing them finds; None when a network is in use and either has no window."""
        nearness = 0.0 if self.embedder is None else reference.nearness(probe)
        if nearness is None:
            return None
        ratio = reference.likelihood_ratio(probe)
        return Opinion(ratio, nearness, reference.n_keys, probe.n_keys)

    def compare(self, reference: Sequence[Sums], probe: Sums) -> KeystrokeScore | Abstention:
        """Compare fresh typing with a person's sessions.

        ``reference``: sums of each enrolled session apart; together they must pass the gate.
        """
        enrolled = sum(reference, start=Sums.empty())
        for side, sums in ((Side.REFERENCE, enrolled), (Side.PROBE, probe)):
            reason = unfit(sums)
            if reason is not None:
                return Abstention(reason, side, sums.n_keys)
        opinion = self.opinion(self.profile(reference), self.profile([probe]))
        if opinion is None:
            side = Side.PROBE if enrolled.embedding[0] else Side.REFERENCE
            n_keys = (probe if side is Side.PROBE else enrolled).n_keys
            return Abstention(Reason.INSUFFICIENT_KEYS, side, n_keys)
        return KeystrokeScore(self.weighing.llr(opinion), probe.n_keys, measure_sums(probe))


def terms(opinion: Opinion) -> Floats:
    """What the weights of ``Weighing`` multiply, shape (9,).

    Both ratios are cut: one mated comparison in fifty is as far off as an impostor's, whatever the
    models say.
    """
    ratio = _within(opinion.ratio, -20.0, 20.0) / 10
    reference = log(_within(opinion.reference_keys, *_REFERENCE_KEYS) / 500)
    probe = log(_within(opinion.probe_keys, *_PROBE_KEYS) / 100)
    nearness = _within(opinion.nearness, -100.0, 100.0) / 10
    return np.array(
        [
            1.0,
            ratio,
            ratio * reference,
            ratio * probe,
            nearness,
            nearness * reference,
            nearness * probe,
            reference,
            probe,
        ]
    )


def save_weighings(path: Path, *, fused: Weighing, alone: Weighing) -> None:
    """Write how a verifier with and one without a network weighs, as plain arrays."""
    both = (fused, alone)
    assert fused.network is not None, "a fused opinion is the network's too"
    np.savez(
        path,
        model_ids=np.array([w.model_id for w in both]),
        weights=np.stack([w.weights for w in both]),
        bounds=np.array([w.bound for w in both]),
        lines=np.array([[w.other_sittings.slope, w.other_sittings.intercept] for w in both]),
        points=np.array([[w.operating_point.accept, w.operating_point.reject] for w in both]),
        errors=np.array([w.errors for w in both]),
        **{name: getattr(fused.network, name).astype(np.float32) for name in _NETWORK},
    )


def load_weighing(path: Path, *, fused: bool) -> Weighing:
    """One that ``save_weighings`` wrote. Raises KeyError when an array is missing."""
    row = 0 if fused else 1
    with np.load(path, allow_pickle=False) as stored:
        return Weighing(
            str(stored["model_ids"][row]),
            stored["weights"][row],
            float(stored["bounds"][row]),
            Calibration(*stored["lines"][row].tolist()),
            OperatingPoint(*stored["points"][row].tolist()),
            tuple((int(keys), error) for keys, error in stored["errors"][row].tolist()),
            EmbeddingPlda(*(stored[n].astype(np.float64) for n in _NETWORK)) if fused else None,
        )


def _within(value: float, low: float, high: float) -> float:
    # numpy's clip costs more than all else of a comparison's weighing
    return min(high, max(low, value))
