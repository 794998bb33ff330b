"""Two fingerprints of pictures in, whether they are of the very same picture out; numpy only."""

from collections.abc import Sequence

import numpy as np

# 90 frames of 3 films, a second apart: a person sitting still 0.57 at least. The same picture
# encoded again: 0 in one quality, 0.4 at most between JPEG qualities of 30 and 85
SAME_PICTURE = 0.25
# in a loop the person has moved before the picture comes back: sitting still is 0.57 a second
_MOVED, _APART = 1.0, 3


def difference(one: bytes, other: bytes) -> float:
    """Mean absolute difference of two fingerprints in levels of grey, 0 = the same picture."""
    levels = [np.frombuffer(each, np.uint8).astype(np.int16) for each in (one, other)]
    return float(np.abs(levels[0] - levels[1]).mean())


def is_same_picture(one: bytes, other: bytes) -> bool:
    return difference(one, other) < SAME_PICTURE


def repeats(fingerprints: Sequence[bytes]) -> bool:
    """Whether a picture comes back after the person has moved in between: a loop."""
    for first, one in enumerate(fingerprints):
        furthest = 0.0
        for later, other in enumerate(fingerprints[first + 1 :], start=1):
            if later >= _APART and furthest >= _MOVED and is_same_picture(one, other):
                return True
            furthest = max(furthest, difference(one, other))
    return False
