"""An image in, the faces in it out, largest first."""

from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from biometrics.face.dlib_library import face_recognition
from biometrics.ids import ModelId
from biometrics.types import Box, FaceSample, Image, Landmarks

# trained for faces of 10 to 300 px: a frame's longer side is made this before it looks, in pixels
NEAR = 320
#: for people far behind, whose faces are lost in the other
FAR = 640
_NMS_OVERLAP = 0.3
_MOST_FACES = 50
# what a second face of 48 px scores at least while it is too small to be sure of: cards/yunet.md
_DOUBTFUL = 0.1


class FaceDetector(Protocol):
    """What finds the faces of an image, and tells what may be further ones."""

    @property
    def model_id(self) -> ModelId: ...

    def survey(self, image: Image) -> tuple[tuple[FaceSample, ...], tuple[FaceSample, ...]]: ...


class YuNet:
    """YuNet. ``weights``: the packaged ONNX file; ``threshold``: cards/yunet.md."""

    def __init__(self, weights: Path, model_id: ModelId, threshold: float) -> None:
        self.model_id = model_id
        self._threshold = threshold
        self._side = NEAR
        self._net = cv2.FaceDetectorYN.create(
            str(weights), "", (NEAR, NEAR), _DOUBTFUL, _NMS_OVERLAP, _MOST_FACES
        )

    def at(self, side: int, threshold: float) -> "YuNet":
        """The same network, in the same memory, for pictures whose longer side is made *side*."""
        other = copy(self)
        other._side, other._threshold = side, threshold
        return other

    def detect(self, image: Image) -> tuple[FaceSample, ...]:
        """Faces of *image*, largest first; boxes and landmarks in its own pixels."""
        return self.survey(image)[0]

    def survey(self, image: Image) -> tuple[tuple[FaceSample, ...], tuple[FaceSample, ...]]:
        """The faces, and what may be further ones but lies below the threshold."""
        candidates = self._candidates(image)
        faces = tuple(each for each in candidates if each.detection_score >= self._threshold)
        return faces, beside(faces, candidates)

    def _candidates(self, image: Image) -> tuple[FaceSample, ...]:
        height, width = image.shape[:2]
        scale = self._side / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        if size != self._net.getInputSize():
            self._net.setInputSize(size)
        _, rows = self._net.detect(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        if rows is None:
            return ()
        factors = np.tile([width / size[0], height / size[1]], 7)
        faces = [_sample(row[:14] * factors, float(row[14])) for row in rows]
        return tuple(sorted(faces, key=lambda face: face.box.area, reverse=True))


class DlibHog:
    """dlib's own detector as face_recognition calls it: boxes only, no scores.

    Raises ImportError when face_recognition or its models are not installed.
    """

    def __init__(self, model_id: ModelId) -> None:
        self.model_id = model_id
        self._locations = face_recognition().face_locations

    def survey(self, image: Image) -> tuple[tuple[FaceSample, ...], tuple[FaceSample, ...]]:
        """Faces of *image*, largest first, in its own pixels; each has the score 1: no doubt."""
        rgb = np.ascontiguousarray(image[:, :, ::-1])
        faces = [
            FaceSample(Box(left, top, right - left, bottom - top), None, 1.0)
            for top, right, bottom, left in self._locations(rgb)
        ]
        return tuple(sorted(faces, key=lambda face: face.box.area, reverse=True)), ()


def beside(near: Sequence[FaceSample], far: Sequence[FaceSample]) -> tuple[FaceSample, ...]:
    """Faces of *far* that are none of *near*: their centre lies in no box found there."""
    return tuple(face for face in far if not any(other.box.holds(face.box) for other in near))


def _sample(row: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", score: float) -> FaceSample:
    x, y, width, height, *points = (float(number) for number in row)
    pairs = list(zip(points[::2], points[1::2], strict=True))
    return FaceSample(Box(x, y, width, height), Landmarks(*pairs), score)
