"""A face found in an image in, where its head and eyes are turned out."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from biometrics.ids import ModelId
from biometrics.types import FaceSample, Gaze, Image

_Points = NDArray[np.float64]

_MESH_SIDE, _IRIS_SIDE = 192, 64
# the crops that both networks were trained on, in sizes of the face and of the eye
_FACE_MARGIN, _EYE_MARGIN = 1.5, 2.3
# corners of the person's right eye, from left to right in the picture; lids between them. The
# other eye agrees with it and would cost as much again
_CORNERS, _LIDS = (33, 133), (159, 145)
# nose tip, chin, outer corners of the eyes, corners of the mouth: in the mesh, and in
# millimetres on a head, x to the picture's right, y down, z away from the camera
_RIGID = (1, 152, 33, 263, 61, 291)
_HEAD = np.array(
    [
        [0.0, 0.0, 0.0],
        [0.0, 63.6, 12.5],
        [-43.3, -32.7, 26.0],
        [43.3, -32.7, 26.0],
        [-28.9, 28.9, 24.1],
        [28.9, 28.9, 24.1],
    ]
)
# eyes of the timed films lie between 0.18 and 0.29; a closed lid hides the iris
_OPEN_EYE = 0.12


class FaceMesh:
    """MediaPipe's 468-point mesh and its iris network. ``mesh``, ``iris``: the packaged files."""

    def __init__(self, mesh: Path, iris: Path, model_id: ModelId) -> None:
        self.model_id = model_id
        self._mesh = cv2.dnn.readNetFromTFLite(str(mesh))
        self._iris = cv2.dnn.readNetFromTFLite(str(iris))

    def look(self, image: Image, face: FaceSample) -> Gaze:
        """Pose and gaze of *face*, without any calibration to the person."""
        points = self._points(image, face)
        yaw_deg, pitch_deg = _pose(points, image.shape[1], image.shape[0])
        if _distance(points, _LIDS) < _OPEN_EYE * _distance(points, _CORNERS):
            return Gaze(yaw_deg, pitch_deg, None)
        return Gaze(yaw_deg, pitch_deg, self._iris_at(image, points))

    def _points(self, image: Image, face: FaceSample) -> _Points:
        box, marks = face.box, face.landmarks
        centre = np.array([box.left + box.width / 2, box.top + box.height / 2])
        side = max(box.width, box.height) * _FACE_MARGIN
        # without landmarks the head is taken to be upright
        eyes = (
            np.array(marks.left_eye) - np.array(marks.right_eye) if marks else np.array([1.0, 0.0])
        )
        crop, back = _crop(image, centre, side, _angle(eyes), _MESH_SIDE)
        points = _forward(self._mesh, crop).reshape(-1, 3)[:, :2]
        placed: _Points = points @ back[:, :2].T + back[:, 2]
        return placed

    def _iris_at(self, image: Image, points: _Points) -> float:
        first, second = points[_CORNERS[0]], points[_CORNERS[1]]
        along = second - first
        width = float(np.linalg.norm(along))
        crop, back = _crop(
            image, (first + second) / 2, width * _EYE_MARGIN, _angle(along), _IRIS_SIDE
        )
        centre = _forward(self._iris, crop).reshape(-1, 3)[0, :2]
        placed = centre @ back[:, :2].T + back[:, 2]
        return float((placed - first) @ along) / width**2


def _forward(net: cv2.dnn.Net, crop: Image) -> _Points:
    net.setInput(cv2.dnn.blobFromImage(crop, 1 / 255.0, swapRB=True))
    return np.asarray(net.forward(), dtype=np.float64)


def _crop(
    image: Image, centre: _Points, side: float, angle: float, pixels: int
) -> tuple[Image, _Points]:
    """A square turned upright, and the affine way back, shape (2, 3)."""
    cos, sin = np.cos(angle) * pixels / side, np.sin(angle) * pixels / side
    x, y = centre
    half = pixels / 2
    there = np.array([[cos, sin, half - cos * x - sin * y], [-sin, cos, half + sin * x - cos * y]])
    crop = cv2.warpAffine(image, there, (pixels, pixels))
    return crop.astype(np.uint8, copy=False), np.asarray(cv2.invertAffineTransform(there))


def _pose(points: _Points, width: int, height: int) -> tuple[float, float]:
    camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], dtype=np.float64)
    seen = np.ascontiguousarray(points[list(_RIGID)])
    _, turned, _ = cv2.solvePnP(_HEAD, seen, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    matrix = cv2.Rodrigues(turned)[0]
    yaw = np.arctan2(-matrix[2, 0], np.hypot(matrix[0, 0], matrix[1, 0]))
    pitch = np.arctan2(matrix[2, 1], matrix[2, 2])
    return float(np.degrees(yaw)), float(np.degrees(pitch))


def _angle(along: _Points) -> float:
    return float(np.arctan2(along[1], along[0]))


def _distance(points: _Points, pair: tuple[int, int]) -> float:
    return float(np.linalg.norm(points[pair[0]] - points[pair[1]]))
