"""What one picture showed: the values that leave a worker process."""

from dataclasses import dataclass

from biometrics.ids import ModelId
from biometrics.types import Box, Quality, Template


@dataclass(frozen=True)
class FaceFinding:
    """One face of a picture; ``template`` is absent when not asked for or the face too small."""

    box: Box
    detection_score: float
    too_small: bool
    template: Template | None


@dataclass(frozen=True)
class FrameAssessment:
    """What one picture shows, in its own pixels; ``faces`` largest first."""

    width: int
    height: int
    quality: Quality
    faces: tuple[FaceFinding, ...]
    model_ids: tuple[ModelId, ...]
