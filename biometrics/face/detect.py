"""An image in, the faces in it out, largest first."""

from pathlib import Path

import cv2
import numpy as np

from biometrics.ids import ModelId
from biometrics.types import Box, FaceSample, Image, Landmarks

# trained for faces of 10 to 300 px: a webcam frame is shrunk to this before it looks
_INPUT_WIDTH, _INPUT_HEIGHT = 320, 240
_NMS_OVERLAP = 0.3
_MOST_FACES = 50


class YuNet:
    """YuNet at 320x240. ``weights``: the packaged ONNX file; ``threshold``: cards/yunet.md."""

    def __init__(self, weights: Path, model_id: ModelId, threshold: float) -> None:
        self.model_id = model_id
        self._size = (_INPUT_WIDTH, _INPUT_HEIGHT)
        self._net = cv2.FaceDetectorYN.create(
            str(weights), "", self._size, threshold, _NMS_OVERLAP, _MOST_FACES
        )

    def detect(self, image: Image) -> tuple[FaceSample, ...]:
        """Faces of *image*, largest first; boxes and landmarks in its own pixels."""
        height, width = image.shape[:2]
        scale = min(_INPUT_WIDTH / width, _INPUT_HEIGHT / height)
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


def _sample(row: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", score: float) -> FaceSample:
    x, y, width, height, *points = (float(number) for number in row)
    pairs = list(zip(points[::2], points[1::2], strict=True))
    return FaceSample(Box(x, y, width, height), Landmarks(*pairs), score)
