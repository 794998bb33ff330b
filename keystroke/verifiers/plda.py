"""The verifier of free typing: the population model with its calibration and operating point."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

import numpy as np

from biometrics.calibration import Calibration
from keystroke.features import FourMeasurements, measure_sums
from keystroke.gate import Abstention, Side, unfit
from keystroke.template import Sums
from keystroke.verifiers.count_plda import CountPlda

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


@dataclass(frozen=True)
class PldaVerifier:
    """A trained verifier; ``population`` is fitted.

    ``bound``: raw scores beyond plus or minus this count as this much. One mated comparison in
    fifty is as far off as an impostor's (another keyboard, another hand), whatever the model says.
    """

    model_id: str
    population: CountPlda
    bound: float
    calibration: Calibration
    operating_point: OperatingPoint

    def compare(self, reference: Sequence[Sums], probe: Sums) -> KeystrokeScore | Abstention:
        """Compare fresh typing with a person's sessions.

        ``reference``: sums of each enrolled session apart; together they must pass the gate.
        """
        enrolled = sum(reference, start=Sums.empty())
        for side, sums in ((Side.REFERENCE, enrolled), (Side.PROBE, probe)):
            reason = unfit(sums)
            if reason is not None:
                return Abstention(reason, side, sums.n_keys)
        raw = self.population.score(reference, probe)
        llr = self.calibration.llr(min(self.bound, max(-self.bound, raw)))
        return KeystrokeScore(llr, probe.n_keys, measure_sums(probe))

    def save(self, path: Path) -> None:
        """Write the verifier as plain arrays."""
        arrays = {name: getattr(self.population, name) for name in _ARRAYS}
        floats = {n: a.astype(np.float32) for n, a in arrays.items() if n != "pairs_"}
        np.savez_compressed(
            path,
            model_id=np.array(self.model_id),
            pairs_=arrays["pairs_"].astype(np.int32),
            bound=np.array(self.bound),
            session_noise=np.array(self.population.session_noise),
            calibration=np.array([self.calibration.slope, self.calibration.intercept]),
            operating_point=np.array([self.operating_point.accept, self.operating_point.reject]),
            **floats,
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """The verifier that ``save`` wrote. Raises KeyError when an array is missing."""
        with np.load(path, allow_pickle=False) as stored:
            population = CountPlda(
                n_pairs=len(stored["pairs_"]),
                n_speaker=stored["speaker_"].shape[1],
                n_channel=stored["channel_"].shape[1],
                session_noise=float(stored["session_noise"]),
            )
            for name in _ARRAYS:
                array = stored[name]
                wide = array.astype(np.int64 if name == "pairs_" else np.float64)
                setattr(population, name, wide)
            slope, intercept = stored["calibration"].tolist()
            accept, reject = stored["operating_point"].tolist()
            return cls(
                str(stored["model_id"]),
                population,
                float(stored["bound"]),
                Calibration(slope, intercept),
                OperatingPoint(accept, reject),
            )
