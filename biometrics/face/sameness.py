"""Fingerprints of pictures in, whether they are of the very same picture out; numpy only."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: of biometrics.face.quality, 32x24 in grey
FINGERPRINT_BYTES: Final = 768
# 90 frames of 3 films, a second apart: a person sitting still 0.57 at least. The same picture
# encoded again: 0 in one quality, 0.4 at most between JPEG qualities of 30 and 85
SAME_PICTURE = 0.25
# in a loop the person has moved before the picture comes back: sitting still is 0.57 a second
_MOVED, _APART = 1.0, 3
# frames of a man who sits still, 0.7 s apart as enrolment takes them: 98 pairs of 3 films 0.55 at
# least, all offsets of one film 0.469. 22 stills encoded twice: 0.03 at most in one JPEG quality,
# 0.31 between 92 and 85, 0.59 between 92 and 60. A pixel's shift or a step of brightness passes
_SAME_SAMPLE = 0.45
# ten minutes at one picture a second, and how many in a row have to come back in their order
_REMEMBERED: Final = 600
_IN_A_ROW: Final = 3


def difference(one: bytes, other: bytes) -> float:
    """Mean absolute difference of two fingerprints in levels of grey, 0 = the same picture."""
    first, second = (np.frombuffer(each, np.uint8) for each in (one, other))
    return float(_differences(first[None], second)[0])


def is_same_picture(one: bytes, other: bytes) -> bool:
    return difference(one, other) < SAME_PICTURE


def is_same_sample(one: bytes, other: bytes) -> bool:
    """Whether two pictures are too alike to count as two samples of an enrolment."""
    return difference(one, other) < _SAME_SAMPLE


class Recurrence:
    """The newest pictures of one camera, one a second: do they come back in their order?

    A person may take the same place again; nobody moves, by ``_MOVED`` in a second at least,
    through the same places twice. A loop is found once two of its passes are looked at at the
    same moments.
    """

    def __init__(self) -> None:
        # each picture where its number falls, over the one of ten minutes before
        self._past: NDArray[np.uint8] = np.empty((0, 0), np.uint8)
        self._means = np.full(_REMEMBERED, np.inf)
        self._runs: dict[int, tuple[int, float]] = {}
        self._taken = 0

    def take(self, fingerprint: bytes) -> bool:
        """Note one more picture; whether it ends a row that was seen before."""
        picture = np.frombuffer(fingerprint, np.uint8)
        if not self._taken:
            self._past = np.empty((_REMEMBERED, picture.size), np.uint8)
        mean, now = float(picture.mean()), self._taken % _REMEMBERED
        moved = float(_differences(self._past[now - 1][None], picture)[0]) if self._taken else 0.0
        # pictures differ by at least as much as their means: few are left to be compared
        near = np.flatnonzero(np.abs(self._means - mean) < SAME_PICTURE)
        same = near[_differences(self._past[near], picture) < SAME_PICTURE]
        runs = {}
        for back in ((now - same - 1) % _REMEMBERED + 1).tolist():
            number = self._taken - back
            if back < _APART:
                continue
            # one of them may have been lost on the way
            before = max(self._runs.get(number - lost, (0, 0.0)) for lost in (1, 2))
            runs[number] = (before[0] + 1, max(before[1], moved) if before[0] else 0.0)
        self._past[now], self._means[now] = picture, mean
        self._runs, self._taken = runs, self._taken + 1
        return any(length >= _IN_A_ROW and step >= _MOVED for length, step in runs.values())


def _differences(past: NDArray[np.uint8], picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean absolute difference of each of *past*, shape (n, m), with *picture*; shape (n,)."""
    # the larger less the smaller one stays in eight bits
    apart = np.maximum(past, picture) - np.minimum(past, picture)
    mean: NDArray[np.float64] = apart.sum(axis=1, dtype=np.uint32) / max(1, picture.size)
    return mean


def repeats(fingerprints: Sequence[bytes]) -> bool:
    """Whether a picture comes back after the person has moved in between: a loop."""
    for first, one in enumerate(fingerprints):
        furthest = 0.0
        for later, other in enumerate(fingerprints[first + 1 :], start=1):
            if later >= _APART and furthest >= _MOVED and is_same_picture(one, other):
                return True
            furthest = max(furthest, difference(one, other))
    return False
