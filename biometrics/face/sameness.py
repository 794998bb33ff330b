"""Fingerprints of pictures in, whether they are of the very same picture out; numpy only."""

from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np

# 90 frames of 3 films, a second apart: a person sitting still 0.57 at least. The same picture
# encoded again: 0 in one quality, 0.4 at most between JPEG qualities of 30 and 85
SAME_PICTURE = 0.25
# in a loop the person has moved before the picture comes back: sitting still is 0.57 a second
_MOVED, _APART = 1.0, 3
# ten minutes at one picture a second, and how many in a row have to come back in their order
_REMEMBERED: Final = 600
_IN_A_ROW: Final = 3


def difference(one: bytes, other: bytes) -> float:
    """Mean absolute difference of two fingerprints in levels of grey, 0 = the same picture."""
    levels = [np.frombuffer(each, np.uint8).astype(np.int16) for each in (one, other)]
    return float(np.abs(levels[0] - levels[1]).mean())


def is_same_picture(one: bytes, other: bytes) -> bool:
    return difference(one, other) < SAME_PICTURE


class Recurrence:
    """The newest pictures of one camera, one a second: do they come back in their order?

    A person may take the same place again; nobody moves, by ``_MOVED`` in a second at least,
    through the same places twice. A loop is found once two of its passes are looked at at the
    same moments.
    """

    def __init__(self) -> None:
        self._past: deque[bytes] = deque(maxlen=_REMEMBERED)
        self._means: deque[float] = deque(maxlen=_REMEMBERED)
        self._runs: dict[int, tuple[int, float]] = {}
        self._taken = 0

    def take(self, fingerprint: bytes) -> bool:
        """Note one more picture; whether it ends a row that was seen before."""
        mean = float(np.frombuffer(fingerprint, np.uint8).mean())
        moved = difference(self._past[-1], fingerprint) if self._past else 0.0
        first = self._taken - len(self._past)
        # pictures differ by at least as much as their means: few are left to be compared
        near = np.flatnonzero(np.abs(np.array(self._means) - mean) < SAME_PICTURE)
        runs = {}
        for at in near.tolist():
            number = first + at
            if self._taken - number < _APART or not is_same_picture(self._past[at], fingerprint):
                continue
            # one of them may have been lost on the way
            before = max(self._runs.get(number - back, (0, 0.0)) for back in (1, 2))
            runs[number] = (before[0] + 1, max(before[1], moved) if before[0] else 0.0)
        self._past.append(fingerprint)
        self._means.append(mean)
        self._runs, self._taken = runs, self._taken + 1
        return any(length >= _IN_A_ROW and step >= _MOVED for length, step in runs.values())


def repeats(fingerprints: Sequence[bytes]) -> bool:
    """Whether a picture comes back after the person has moved in between: a loop."""
    for first, one in enumerate(fingerprints):
        furthest = 0.0
        for later, other in enumerate(fingerprints[first + 1 :], start=1):
            if later >= _APART and furthest >= _MOVED and is_same_picture(one, other):
                return True
            furthest = max(furthest, difference(one, other))
    return False
