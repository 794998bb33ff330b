"""Whether presses look made by a program: the crude kind, which a keyboard never looks like.

A program that draws its timings from people, or from the victim, is not found here.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from keystroke.events import KeyBatch, KeyFlag
from keystroke.presses import SHORTEST_HOLD_MS, Presses

MIN_KEYS: Final = 60
# spread of log press-to-press time; with the next, 18 of 17,858 windows of 100 keys by 447 people
# pass for automated, cards/keystroke-free-text.md
LEAST_SPREAD: Final = 0.15
# a key that is down for less was not pushed by a finger; more than half of them is no accident
MAX_SHORT_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Hands:
    """What a stretch of presses shows; ``untrusted``: presses that the browser says a script made.

    ``short_share``: holds shorter than a finger's; ``spread``: standard deviation of the logarithm
    of press-to-press time. Both None for too few keys.
    """

    n_keys: int
    untrusted: int
    short_share: float | None
    spread: float | None

    @property
    def is_automated(self) -> bool:
        """Whether no hand types like this."""
        too_short = self.short_share is not None and self.short_share > MAX_SHORT_SHARE
        too_even = self.spread is not None and self.spread < LEAST_SPREAD
        return self.untrusted > 0 or too_short or too_even


def look_at(batch: KeyBatch) -> Hands:
    """What the presses of *batch* show, which may be joined of several."""
    untrusted = sum(KeyFlag.UNTRUSTED in event.flags for event in batch.events)
    return look_at_presses(Presses.from_batch(batch), untrusted)


def look_at_presses(presses: Presses, untrusted: int) -> Hands:
    """What *presses* show, of which a script made *untrusted*."""
    found = presses.timings()
    holds = presses.hold_ms[found.typed & ~np.isnan(presses.hold_ms)]
    intervals = presses.dt_ms[found.combined]
    if min(len(holds), len(intervals)) < MIN_KEYS:
        return Hands(int(found.typed.sum()), untrusted, None, None)
    return Hands(
        int(found.typed.sum()),
        untrusted,
        float(np.mean(holds < SHORTEST_HOLD_MS)),
        float(np.log(intervals).std()),
    )
