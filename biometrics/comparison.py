"""Two templates in, a comparison score out; every score is a similarity, higher = more alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from biometrics.calibration import Calibration, OperatingPoint
from biometrics.ids import ModelId
from biometrics.types import Template

Vectors = NDArray[np.float64]
Measure = Literal["cosine", "closeness"]

# face_recognition's tolerance of 0.6: FMR 9.6 % on 26 webcam videos, cards/dlib-resnet.md
REFUSED_CLOSENESS = 0.4


def cosine(reference: Template, probe: Template) -> float:
    """Cosine of the angle between two templates, in [-1, 1].

    Raises ValueError when a template has no direction (all zeros).
    """
    norms = float(np.linalg.norm(reference.vector) * np.linalg.norm(probe.vector))
    if norms == 0.0:
        raise ValueError("a template of zeros has no direction")
    return float(np.dot(reference.vector, probe.vector)) / norms


def closeness(reference: Template, probe: Template) -> float:
    """One minus the Euclidean distance, so that higher = more alike; at most 1."""
    return 1.0 - float(np.linalg.norm(reference.vector - probe.vector))


def paired_scores(measure: Measure, references: Vectors, probes: Vectors) -> Vectors:
    """The measure of each row of *references* with the same row of *probes*, shape (n,).

    Both have shape (n, 128), float. Raises ValueError when a row has no direction.
    """
    if measure == "closeness":
        distances: Vectors = np.linalg.norm(references - probes, axis=1)
        return 1.0 - distances
    norms = np.linalg.norm(references, axis=1) * np.linalg.norm(probes, axis=1)
    if not norms.all():
        raise ValueError("a template of zeros has no direction")
    products: Vectors = np.einsum("ij,ij->i", references, probes)
    scores: Vectors = products / norms
    return scores


_MEASURES = {"cosine": cosine, "closeness": closeness}


@dataclass(frozen=True)
class ComparisonScore:
    """``score``: raw similarity. ``llr``: natural-log likelihood ratio, above 0 = more mated."""

    model_id: ModelId
    score: float
    llr: float


@dataclass(frozen=True)
class FaceComparison:
    """How templates of one model are compared, calibrated and accepted, as its card says."""

    model_id: ModelId
    measure: Measure
    calibration: Calibration
    operating_points: Mapping[str, OperatingPoint]

    def __post_init__(self) -> None:
        object.__setattr__(self, "operating_points", MappingProxyType(dict(self.operating_points)))
        for point in self.operating_points.values():
            # rounding of 1 - 0.6 must not let the refused value through
            if self.measure == "closeness" and point.threshold < REFUSED_CLOSENESS + 1e-6:
                raise ValueError("tolerance 0.6 or wider is refused; see cards/dlib-resnet.md")

    def __reduce__(self) -> tuple[type["FaceComparison"], tuple[object, ...]]:
        points = dict(self.operating_points)
        return FaceComparison, (self.model_id, self.measure, self.calibration, points)

    def compare(self, reference: Template, probe: Template) -> ComparisonScore:
        """Raises ValueError when a template was made by another model."""
        if not reference.model_id == probe.model_id == self.model_id:
            raise ValueError("templates of different models do not compare")
        score = _MEASURES[self.measure](reference, probe)
        return ComparisonScore(self.model_id, score, self.calibration.llr(score))

    def accepts(self, score: ComparisonScore, point: str) -> bool:
        """Whether *score* reaches the named operating point; equal is accepted."""
        return score.score >= self.operating_points[point].threshold

    def margin(self, score: ComparisonScore, point: str) -> float:
        """Log-likelihood ratio of *score* beside that of the named operating point's threshold."""
        return score.llr - self.calibration.llr(self.operating_points[point].threshold)
