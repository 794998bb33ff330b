"""What one picture showed: the values that leave a worker process."""

from dataclasses import dataclass

from biometrics.ids import ModelId
from biometrics.types import Box, Gaze, Portrait, Presentation, Quality, Template, Thing


@dataclass(frozen=True)
class FaceFinding:
    """One face of a picture; ``template`` is absent when not asked for, the face too small, or
    another one larger.
    """

    box: Box
    detection_score: float
    too_small: bool
    template: Template | None


@dataclass(frozen=True)
class Looks:
    """The dearer looks a picture is due for, beside its quality and its faces.

    ``embed``: the template of the largest face. ``far``: small faces behind the others;
    ``doubtful``: for them too, where there may be one. ``gaze``: of the largest face.
    ``things``: screens and telephones. ``presentation``: signs of something held up. ``portrait``:
    how good a sample the largest face is.
    """

    embed: bool = False
    far: bool = False
    doubtful: bool = False
    gaze: bool = False
    things: bool = False
    presentation: bool = False
    portrait: bool = False


@dataclass(frozen=True)
class FailedLook:
    """A look that raised while the others went on. ``look``: as in Looks; ``error``: its kind."""

    look: str
    error: str


@dataclass(frozen=True)
class Liveness:
    """What the institution's own PAD network says. ``score`` in [0, 1], higher = more alive."""

    model_id: ModelId
    score: float


@dataclass(frozen=True)
class FrameAssessment:
    """What one picture shows, in its own pixels; ``faces`` largest first. In a covered picture of
    an exam nothing was looked for.

    ``fingerprint``: of the whole picture, for biometrics.face.sameness. ``far_faces``: faces that
    only the far look finds, absent when there was none. ``gaze``: absent without a face too.
    ``things``: surest first, absent when they were not asked for. ``presentation``: of the largest
    face, absent without one too, as are ``liveness`` and ``portrait``. ``failed``: what the picture
    was due for and nobody knows, so that what is absent here is not taken for a clean result.
    """

    width: int
    height: int
    quality: Quality
    faces: tuple[FaceFinding, ...]
    model_ids: tuple[ModelId, ...]
    fingerprint: bytes = b""
    far_faces: int | None = None
    gaze: Gaze | None = None
    things: tuple[Thing, ...] | None = None
    presentation: Presentation | None = None
    liveness: Liveness | None = None
    portrait: Portrait | None = None
    failed: tuple[FailedLook, ...] = ()
