"""One face of a picture in, how good a sample it is out."""

import cv2
import numpy as np
from numpy.typing import NDArray

from biometrics.types import Box, FaceSample, Gaze, Image, Portrait

# the face is looked at as large as the encoder sees it, without the margins of its box
_SIDE, _MARGIN = 84, 0.12
_BLOWN_OUT = 250


def assess(image: Image, face: FaceSample, gaze: Gaze) -> Portrait:
    height, width = image.shape[:2]
    box = face.box
    whole = box.left >= 0 and box.top >= 0
    grey = _grey(image, box)
    contrast = float(grey.std())
    # noise is smoothed, or it would pass for detail
    detail = float(cv2.Laplacian(cv2.GaussianBlur(grey, (3, 3), 0), cv2.CV_64F).var())
    left, right = (float(half.mean()) for half in np.hsplit(grey, 2))
    return Portrait(
        eye_distance_px=_eye_distance(face),
        contrast=contrast,
        sharpness=detail / max(contrast, 1.0) ** 2,
        overexposed=float((grey >= _BLOWN_OUT).mean()),
        unevenness=abs(left - right) / max(left + right, 1.0),
        yaw_deg=gaze.yaw_deg,
        pitch_deg=gaze.pitch_deg,
        eyes_open=gaze.iris is not None,
        whole=whole and box.left + box.width <= width and box.top + box.height <= height,
    )


def _grey(image: Image, box: Box) -> NDArray[np.float64]:
    """The inside of *box* in grey, shape (84, 84); what the picture's edge cuts is left out.

    All black when the edge leaves nothing.
    """
    aside, above = _MARGIN * box.width, _MARGIN * box.height
    rows = _inside(box.top + above, box.top + box.height - above)
    columns = _inside(box.left + aside, box.left + box.width - aside)
    if not image[rows, columns].size:
        return np.zeros((_SIDE, _SIDE))
    grey = cv2.cvtColor(image[rows, columns], cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float64)


def _inside(first: float, last: float) -> slice:
    return slice(max(0, round(first)), max(0, round(last)))


def _eye_distance(face: FaceSample) -> float:
    points = face.landmarks
    if points is None:
        # a detector of boxes only: eyes lie about a third of a box apart
        return face.box.width / 3
    return float(np.hypot(*np.subtract(points.left_eye, points.right_eye)))
