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
# the longer side of the picture in which lines are looked for: finer, noise breaks them
_SIDE_PX: Final = 320
# lines off by more than 11 degrees are not the edges of something held upright
_SLANT: Final = 0.2
# the upper and the lower edge of one thing: the tangents of their slants differ by no more
_PARALLEL: Final = 0.12

_Line = tuple[float, float, float, float]


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

    A door frame behind somebody ends at the shoulder; the edge of a telephone does not. ``above``:
    one above the head that is parallel to one below.
    """
    lines = [line for line in _lines(image) if _length(line) >= 0.9 * face.height]
    sides = {side for line in lines if (side := _side(line, face, image.shape[0])) is not None}
    below = [_slant(line) for line in lines if _side(line, face, image.shape[0]) == "below"]
    above = [_slant(line) for line in lines if _is_above(line, face)]
    if any(abs(one - other) <= _PARALLEL for one in below for other in above):
        sides.add("above")
    return frozenset(sides)


def _lines(image: Image) -> list[_Line]:
    """Straight segments of *image*, in its own pixels."""
    scale = min(1.0, _SIDE_PX / max(image.shape[:2]))
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE).detect(small)[0]
    rows = [] if found is None else (found.reshape(-1, 4) / scale).tolist()
    return [(x1, y1, x2, y2) for x1, y1, x2, y2 in rows]


def _side(line: _Line, face: Box, bottom: int) -> str | None:
    x1, y1, x2, y2 = line
    across, down = abs(x2 - x1), abs(y2 - y1)
    centre, chin = face.left + face.width / 2, face.top + face.height
    if across <= _SLANT * down:
        aside = abs((x1 + x2) / 2 - centre) / face.width
        begins = min(y1, y2) <= face.top + face.height / 2
        # the further aside, the lower a shoulder is
        shoulder = chin + (0.25 + 0.6 * max(0.0, aside - 0.8)) * face.height
        ends = max(y1, y2) >= min(shoulder, bottom - 3)
        if 0.55 <= aside <= 1.5 and begins and ends and down >= 1.2 * face.height:
            return "left" if x1 + x2 < 2 * centre else "right"
    elif _is_across(line, face):
        low = -0.3 <= ((y1 + y2) / 2 - chin) / face.height <= 1.6
        return "below" if low else None
    return None


def _is_above(line: _Line, face: Box) -> bool:
    height = (face.top - (line[1] + line[3]) / 2) / face.height
    return _is_across(line, face) and -0.1 <= height <= 1.2


def _is_across(line: _Line, face: Box) -> bool:
    """Whether it lies level, is wider than the face and spans most of its width."""
    x1, y1, x2, y2 = line
    centre = face.left + face.width / 2
    level = abs(y2 - y1) <= _SLANT * abs(x2 - x1) and abs(x2 - x1) >= 1.3 * face.width
    aside = 0.3 * face.width
    return level and min(x1, x2) <= centre - aside and max(x1, x2) >= centre + aside


def _slant(line: _Line) -> float:
    """Of a level line."""
    return (line[3] - line[1]) / (line[2] - line[0])


def _length(line: _Line) -> float:
    return float(np.hypot(line[2] - line[0], line[3] - line[1]))


def _shared(one: Box, other: Box) -> float:
    right = min(one.left + one.width, other.left + other.width)
    bottom = min(one.top + one.height, other.top + other.height)
    width, height = right - max(one.left, other.left), bottom - max(one.top, other.top)
    return max(0.0, width) * max(0.0, height)
