"""A face found in an image in, its template out; two encoders, whose templates never mix."""

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from biometrics.face.dlib_library import face_recognition
from biometrics.ids import ModelId
from biometrics.types import Box, FaceSample, Image, Template

ALIGNED_SIDE = 112
# where dlib's own detector frames a face whose eyes lie at (38, 52) and (74, 52)
_FACE_IN_CROP = Box(16.0, 32.0, 80.0, 80.0)


class FaceEncoder(Protocol):
    """What turns a face into a template."""

    @property
    def model_id(self) -> ModelId: ...

    def encode(self, image: Image, face: FaceSample) -> Template: ...

    def encode_aligned(self, crop: Image) -> Template: ...


class SFace:
    """SFace through OpenCV. ``weights``: the registry's file without its stale graph inputs."""

    def __init__(self, weights: Path, model_id: ModelId) -> None:
        self.model_id = model_id
        self._net = cv2.FaceRecognizerSF.create(str(weights), "")

    def encode(self, image: Image, face: FaceSample) -> Template:
        """The template of *face*, of length 1, from the crop aligned on its five landmarks."""
        return self.encode_aligned(self._net.alignCrop(image, _row(face)).astype(np.uint8))

    def encode_aligned(self, crop: Image) -> Template:
        """The template of a face that is aligned already, shape (112, 112, 3)."""
        vector = self._net.feature(crop).ravel()
        return Template(self.model_id, vector / np.linalg.norm(vector))


class DlibResNet:
    """dlib's ResNet through face_recognition, which brings its own weights.

    Its first import reads 130 MB and takes seconds, hence in the constructor.
    Raises ImportError when face_recognition or its models are not installed.
    """

    def __init__(self, model_id: ModelId) -> None:
        self.model_id = model_id
        self._encodings = face_recognition().face_encodings

    def encode(self, image: Image, face: FaceSample) -> Template:
        """The template of *face*, from the chip aligned on dlib's own five landmarks."""
        return self._encode_in(image, face.box)

    def encode_aligned(self, crop: Image) -> Template:
        """The template of a face in a crop of shape (112, 112, 3) aligned for SFace."""
        return self._encode_in(crop, _FACE_IN_CROP)

    def _encode_in(self, image: Image, box: Box) -> Template:
        # the order is top, right, bottom, left
        place = tuple(
            round(edge) for edge in (box.top, box.left + box.width, box.top + box.height, box.left)
        )
        rgb = np.ascontiguousarray(image[:, :, ::-1])
        (vector,) = self._encodings(rgb, known_face_locations=[place], model="small")
        return Template(self.model_id, vector)


def _row(face: FaceSample) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    box, points = face.box, face.landmarks
    assert points is not None, "a crop is aligned on the detector's landmarks"
    corners = (points.right_eye, points.left_eye, points.nose, points.right_mouth)
    flat = [number for point in (*corners, points.left_mouth) for number in point]
    numbers = [box.left, box.top, box.width, box.height, *flat, face.detection_score]
    return np.array(numbers, dtype=np.float32)
