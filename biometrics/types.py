"""Values of the library: where a face is, how good the picture is, what it was turned into."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from biometrics.ids import ModelId

#: an image enters as BGR, dtype uint8, shape (height, width, 3)
Image = NDArray[np.uint8]

TEMPLATE_SIZE = 128


@dataclass(frozen=True)
class Box:
    """A face's rectangle in pixels of the image it was found in; it may reach over the edge."""

    left: float
    top: float
    width: float
    height: float

    @property
    def area(self) -> float:
        return self.width * self.height

    def holds(self, other: "Box") -> bool:
        """Whether the centre of *other* lies in it."""
        x, y = other.left + other.width / 2, other.top + other.height / 2
        in_width = self.left <= x <= self.left + self.width
        return in_width and self.top <= y <= self.top + self.height

    def iou(self, other: "Box") -> float:
        """Intersection over union with *other*: 0 apart, 1 the same rectangle."""
        right = min(self.left + self.width, other.left + other.width)
        bottom = min(self.top + self.height, other.top + other.height)
        shared = max(0.0, right - max(self.left, other.left)) * max(
            0.0, bottom - max(self.top, other.top)
        )
        union = self.area + other.area - shared
        return shared / union if union > 0 else 0.0


@dataclass(frozen=True)
class Landmarks:
    """Five points (x, y) in pixels; right and left are the person's own."""

    right_eye: tuple[float, float]
    left_eye: tuple[float, float]
    nose: tuple[float, float]
    right_mouth: tuple[float, float]
    left_mouth: tuple[float, float]


@dataclass(frozen=True)
class FaceSample:
    """One face found in an image; ``detection_score`` in [0, 1], higher = more like a face.

    ``landmarks``: absent when the detector finds boxes only.
    """

    box: Box
    landmarks: Landmarks | None
    detection_score: float


@dataclass(frozen=True)
class Quality:
    """Of the whole picture at 320x240 in grey. At most one of the three flags is set.

    ``brightness``: mean, 0 to 255. ``contrast``: standard deviation. ``sharpness``: variance of
    the Laplacian, which noise raises, so it says nothing about a dark picture.
    """

    brightness: float
    contrast: float
    sharpness: float
    covered: bool
    dark: bool
    blurred: bool

    @property
    def is_clear(self) -> bool:
        return not (self.covered or self.dark or self.blurred)


@dataclass(frozen=True)
class Gaze:
    """``yaw_deg``: above 0 = turned to the picture's right; ``pitch_deg``: relative only.

    ``iris``: where the right eye's iris lies between the corners of the eye, 0 = the picture's
    left, 1 = its right; absent while the eye is closed.
    """

    yaw_deg: float
    pitch_deg: float
    iris: float | None


@dataclass(frozen=True)
class Portrait:
    """How good one face is as a sample, in the components of ISO/IEC 29794-5 that are measured.

    ``eye_distance_px``: between the eyes, in the picture. ``contrast``: standard deviation of the
    face's grey. ``sharpness``: variance of its Laplacian beside its contrast, so that the light
    and the skin do not count. ``overexposed``: share of the face without any detail left.
    ``unevenness``: difference of its halves' light beside their sum, 0 to 1. ``yaw_deg`` and
    ``pitch_deg``: as in Gaze. ``eyes_open``: the right eye. ``whole``: the picture's edge does
    not cut it.
    """

    eye_distance_px: float
    contrast: float
    sharpness: float
    overexposed: float
    unevenness: float
    yaw_deg: float
    pitch_deg: float
    eyes_open: bool
    whole: bool


@dataclass(frozen=True)
class Thing:
    """``kind``: ``tv``, ``laptop``, ``remote`` or ``phone``.

    ``score`` in [0, 1], higher = more like one.
    """

    kind: str
    box: Box
    score: float


@dataclass(frozen=True)
class Presentation:
    """``screen``: surest score of a screen around the face, 0 without one. ``edges``: sides on
    which a straight edge runs where the person's own shoulders or chest would hide it, and above
    the head one parallel to it, 0 to 4.
    """

    screen: float
    edges: int


@dataclass(frozen=True, eq=False)
class Template:
    """The features of one face, or the mean of several: float32, shape (128,), read-only."""

    model_id: ModelId
    vector: NDArray[np.float32]

    def __post_init__(self) -> None:
        vector = np.array(self.vector, dtype="<f4")
        if vector.shape != (TEMPLATE_SIZE,) or not np.isfinite(vector).all():
            raise ValueError("a template has 128 finite numbers")
        vector.flags.writeable = False
        object.__setattr__(self, "vector", vector)

    def to_bytes(self) -> bytes:
        """512 bytes, little-endian float32; the model id travels beside them."""
        return self.vector.tobytes()

    @classmethod
    def from_bytes(cls, model_id: ModelId, data: bytes) -> Self:
        """Raises ValueError when *data* is not 128 finite numbers."""
        return cls(model_id, np.frombuffer(data, dtype="<f4"))


def mean_template(templates: Sequence[Template]) -> Template:
    """Mean of several templates of one person, all of one model.

    Raises ValueError when empty or when the models differ.
    """
    ids = {template.model_id for template in templates}
    if len(ids) != 1:
        raise ValueError("a mean needs templates of exactly one model")
    return Template(ids.pop(), np.mean([template.vector for template in templates], axis=0))
