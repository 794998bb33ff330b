"""A face, its picture and the things in it in; signs that a screen or a print is shown out.

None of them looks at the skin. They find the edge of what is held up, so they miss whatever
fills the picture.
"""

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np

from biometrics.types import Box, Image, Presentation, Thing

_SCREENS: Final = frozenset({"tv", "laptop", "phone"})
# a thing's box is rough: this much of the face lies in it, and it is larger than the face
_INSIDE, _LARGER = 0.85, 1.3
# lines off by more than 11 degrees are not the edges of something held upright
_SLANT: Final = 0.2


def assess(image: Image, face: Box, things: Iterable[Thing]) -> Presentation:
    """*face* and *things* in the pixels of *image*, which is no larger than a webcam's."""
    return Presentation(screen_around(face, things), len(edges_through(image, face)))


def screen_around(face: Box, things: Iterable[Thing]) -> float:
    around = (
        thing.score
        for thing in things
        if thing.kind in _SCREENS
        and _shared(thing.box, face) >= _INSIDE * face.area
        and thing.box.area >= _LARGER * face.area
    )
    return max(around, default=0.0)


def edges_through(image: Image, face: Box) -> frozenset[str]:
    """``left``, ``right``, ``below``: where a long straight edge crosses what a body would cover.

    A door frame behind somebody ends at the shoulder; the edge of a telephone does not.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (3, 3), 0)
    lines = cv2.HoughLinesP(
        cv2.Canny(grey, 40, 100),
        1,
        np.pi / 180,
        max(1, int(0.5 * face.height)),
        minLineLength=0.9 * face.height,
        maxLineGap=0.08 * face.height,
    )
    found = () if lines is None else lines.reshape(-1, 4).tolist()
    sides = (_side(tuple(line), face, image.shape[0]) for line in found)
    return frozenset(side for side in sides if side is not None)


def _side(line: tuple[float, ...], face: Box, bottom: int) -> str | None:
    x1, y1, x2, y2 = line
    across, down = abs(x2 - x1), abs(y2 - y1)
    centre, chin = face.left + face.width / 2, face.top + face.height
    if across <= _SLANT * down:
        beside = 0.55 <= abs((x1 + x2) / 2 - centre) / face.width <= 1.5
        begins = min(y1, y2) <= face.top + face.height / 2
        ends = max(y1, y2) >= min(chin + 0.25 * face.height, bottom - 3)
        if beside and begins and ends and down >= 1.2 * face.height:
            return "left" if x1 + x2 < 2 * centre else "right"
    elif down <= _SLANT * across:
        low = -0.3 <= ((y1 + y2) / 2 - chin) / face.height <= 1.6
        under = (
            min(x1, x2) <= centre - 0.3 * face.width and max(x1, x2) >= centre + 0.3 * face.width
        )
        if low and under and across >= 1.3 * face.width:
            return "below"
    return None


def _shared(one: Box, other: Box) -> float:
    right = min(one.left + one.width, other.left + other.width)
    bottom = min(one.top + one.height, other.top + other.height)
    width, height = right - max(one.left, other.left), bottom - max(one.top, other.top)
    return max(0.0, width) * max(0.0, height)
