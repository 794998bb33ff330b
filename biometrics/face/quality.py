"""A picture in, whether it can show a face at all out."""

import cv2
import numpy as np

from biometrics.types import Box, Image, Quality

# measured on 420 frames of 28 webcam videos against synthetic faults, all at 320x240 grey
_FLAT_ENTROPY_BITS = 1.0
_DARK_BRIGHTNESS = 20.0  # dark p95 15, ok p5 46
_FLAT_CONTRAST = 10.0  # covered 0.7 to 1.4, ok p5 35
_BLURRED_SHARPNESS = 10.0  # blurred p95 2.5, ok p5 68

_FINGERPRINT = (32, 24)
# a 112 px chip from 32 px: FNMR 2.5 % against 0.6 %; from 24 px 5.9 %; from 16 px 35 %
SMALLEST_FACE_PX = 32.0


def assess(image: Image) -> Quality:
    """The quality of *image*: flat pictures are covered, then dark, then low in contrast.

    Sharpness is judged last and only on a picture that is neither, since noise raises it.
    """
    whole = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    grey = cv2.resize(whole, (320, 240), interpolation=cv2.INTER_AREA)
    brightness, contrast = _mean_and_deviation(grey)
    sharpness = _mean_and_deviation(cv2.Laplacian(grey, cv2.CV_16S))[1] ** 2
    flat = _entropy_bits(grey) < _FLAT_ENTROPY_BITS
    dark = not flat and brightness < _DARK_BRIGHTNESS
    covered = flat or (not dark and contrast < _FLAT_CONTRAST)
    blurred = not dark and not covered and sharpness < _BLURRED_SHARPNESS
    return Quality(brightness, contrast, sharpness, covered, dark, blurred)


def fingerprint(image: Image) -> bytes:
    """768 bytes for biometrics.face.sameness: 32x24 in grey, row by row."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, _FINGERPRINT, interpolation=cv2.INTER_AREA).tobytes()


def is_too_small(box: Box) -> bool:
    """Whether a face has too few pixels to be compared: then say so, never "no match"."""
    return min(box.width, box.height) < SMALLEST_FACE_PX


def _mean_and_deviation(levels: "cv2.typing.MatLike") -> tuple[float, float]:
    mean, deviation = cv2.meanStdDev(levels)
    return float(mean[0, 0]), float(deviation[0, 0])


def _entropy_bits(grey: "cv2.typing.MatLike") -> float:
    shares = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel() / grey.size
    present = shares[shares > 0]
    return float(-(present * np.log2(present)).sum())
