"""One sentence that everybody types: repetitions told from other people's of the same keys.

The words are known to all, so the order of these keys gives away nothing.
"""

import json
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

import numpy as np

from keystroke.gate import MAX_CLOCK_STEP_MS
from keystroke.presses import Floats, Presses
from keystroke.verifiers.phrase import phrase_features
from keystroke.zones import Zone

#: the newest that are kept of a person
REPETITIONS: Final = 5
#: below this, others' attempts are too few to stand beside
MIN_OTHERS: Final = 50


class Unusable(StrEnum):
    """Why typing is not a repetition of the sentence."""

    NOT_THE_SENTENCE = "not_the_sentence"
    LOST_KEYS = "lost_keys"
    COARSE_CLOCK = "coarse_clock"


@dataclass(frozen=True, slots=True, eq=False)
class Repetitions:
    """Repetitions by one person of k presses: *zones*, and times in ms since the first press.

    ``pressed_ms`` and ``released_ms`` have the shape (n, k).
    """

    zones: tuple[int, ...]
    pressed_ms: Floats
    released_ms: Floats

    def __len__(self) -> int:
        return len(self.pressed_ms)

    @classmethod
    def one(cls, presses: Presses, n_keys: int) -> "Repetitions | Unusable":
        """*presses* as a repetition of a sentence of *n_keys* keys, typed without a correction."""
        step = presses.clock_step_ms
        # Enter sends the sentence and is no part of it
        typed = (presses.zones < Zone.MODIFIER) & (presses.zones != Zone.ENTER)
        zones = presses.zones[typed]
        is_plain = presses.human.all() and not presses.breaks.any()
        if not is_plain or len(zones) != n_keys or Zone.BACKSPACE in zones:
            return Unusable.NOT_THE_SENTENCE
        if step is None or step > MAX_CLOCK_STEP_MS:
            return Unusable.COARSE_CLOCK
        if np.isnan(presses.hold_ms[typed]).any():
            return Unusable.LOST_KEYS
        pressed = np.cumsum(presses.dt_ms)[typed]
        pressed = pressed - pressed[0]
        released = pressed + presses.hold_ms[typed]
        return cls(tuple(zones.tolist()), pressed[None], released[None])

    def followed_by(self, newer: Self) -> Self:
        """These with *newer* ones of the same keys, else the newer ones; the newest of them."""
        if newer.zones != self.zones:
            return newer
        pressed, released = (
            np.concatenate(pair)[-REPETITIONS:]
            for pair in (
                (self.pressed_ms, newer.pressed_ms),
                (self.released_ms, newer.released_ms),
            )
        )
        return type(self)(self.zones, pressed, released)

    @property
    def features(self) -> Floats:
        """What the verifier of a phrase compares, shape (n, 3 k - 2)."""
        intervals = np.diff(self.pressed_ms, axis=1)
        flights = self.pressed_ms[:, 1:] - self.released_ms[:, :-1]
        return phrase_features(self.released_ms - self.pressed_ms, intervals, flights)

    def to_bytes(self) -> bytes:
        """The repetitions in tenths of a millisecond, as deflated JSON."""
        tenths = [
            np.round(10 * a).astype(int).tolist() for a in (self.pressed_ms, self.released_ms)
        ]
        members = {"v": 1, "zones": self.zones, "pressed": tenths[0], "released": tenths[1]}
        return zlib.compress(json.dumps(members, separators=(",", ":")).encode(), 9)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The repetitions that ``to_bytes`` wrote."""
        members = json.loads(zlib.decompress(data))
        pressed, released = (np.array(members[name]) / 10 for name in ("pressed", "released"))
        return cls(tuple(members["zones"]), pressed, released)
