"""A telephone drawn into a picture: dark, with round corners and a bright screen."""

import cv2
import numpy as np

from biometrics.types import Image


def with_telephone(image: Image, left: int, top: int, height: int) -> Image:
    """*image* with an upright telephone, twice as high as wide."""
    shown = image.copy()
    width = height // 2
    radius = width // 8
    for inset in (0, radius):
        cv2.rectangle(
            shown,
            (left + radius - inset, top + inset),
            (left + width - radius + inset, top + height - inset),
            (25, 25, 25),
            -1,
        )
    for x in (left + radius, left + width - radius):
        for y in (top + radius, top + height - radius):
            cv2.circle(shown, (x, y), radius, (25, 25, 25), -1)
    edge = width // 14
    screen = (
        slice(top + 3 * edge, top + height - 3 * edge),
        slice(left + edge, left + width - edge),
    )
    shown[screen] = (235, 225, 215)
    for line in range(5):
        y = top + 5 * edge + line * height // 7
        cv2.rectangle(
            shown,
            (left + 3 * edge, y),
            (left + width - (3 + line % 3) * edge, y + edge),
            (90,) * 3,
            -1,
        )
    return shown.astype(np.uint8)
