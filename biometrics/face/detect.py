"""An image in, the faces in it out, largest first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from biometrics.face.dlib_library import face_recognition
from biometrics.ids import ModelId
from biometrics.types import Box, FaceSample, Image, Landmarks

# trained for faces of 10 to 300 px: a webcam frame is shrunk to this before it looks
NEAR = (320, 240)
#: for people far behind, whose faces are lost in the other
FAR = (640, 480)
_NMS_OVERLAP = 0.3
_MOST_FACES = 50


class FaceDetector(Protocol):
    """What finds the faces of an image."""

    @property
    def model_id(self) -> ModelId: ...

    def detect(self, image: Image) -> tuple[FaceSample, ...]: ...


class YuNet:
    """YuNet. ``weights``: the packaged ONNX file; ``threshold``: cards/yunet.md.

    ``size``: what a picture is fitted into, ``NEAR`` or ``FAR``.
    """

    def __init__(
        self,
        weights: Path,
        model_id: ModelId,
        threshold: float,
        size: tuple[int, int] = NEAR,
    ) -> None:
        self.model_id = model_id
        self._fit = self._size = size
        self._net = cv2.FaceDetectorYN.create(
            str(weights), "", self._size, threshold, _NMS_OVERLAP, _MOST_FACES
        )

    def detect(self, image: Image) -> tuple[FaceSample, ...]:
        """Faces of *image*, largest first; boxes and landmarks in its own pixels."""
        height, width = image.shape[:2]
        scale = min(self._fit[0] / width, self._fit[1] / height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        if size != self._size:
            self._net.setInputSize(size)
            self._size = size
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

    def detect(self, image: Image) -> tuple[FaceSample, ...]:
        """Faces of *image*, largest first, in its own pixels; each has the score 1."""
        rgb = np.ascontiguousarray(image[:, :, ::-1])
        faces = [
            FaceSample(Box(left, top, right - left, bottom - top), None, 1.0)
            for top, right, bottom, left in self._locations(rgb)
        ]
        return tuple(sorted(faces, key=lambda face: face.box.area, reverse=True))


def beside(near: Sequence[FaceSample], far: Sequence[FaceSample]) -> tuple[FaceSample, ...]:
    """Faces of *far* that are none of *near*: their centre lies in no box found there."""
    return tuple(face for face in far if not any(_holds(other.box, face.box) for other in near))


def _holds(outer: Box, inner: Box) -> bool:
    x, y = inner.left + inner.width / 2, inner.top + inner.height / 2
    in_width = outer.left <= x <= outer.left + outer.width
    return in_width and outer.top <= y <= outer.top + outer.height


def _sample(row: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", score: float) -> FaceSample:
    x, y, width, height, *points = (float(number) for number in row)
    pairs = list(zip(points[::2], points[1::2], strict=True))
    return FaceSample(Box(x, y, width, height), Landmarks(*pairs), score)
