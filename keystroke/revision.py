"""How much a text was thought over and mended while it was typed: composing shows more of both."""

from dataclasses import dataclass
from typing import Final

from keystroke.template import Sums
from keystroke.zones import Zone

# below this the counts say little
MIN_KEYS: Final = 600
# pauses and corrections together, in 100 keys, that 95 of 100 people who composed an essay exceed;
# cards/keystroke-free-text.md
COMPOSED: Final = 6.5


@dataclass(frozen=True, slots=True)
class Revision:
    """Per hundred keys: intervals longer than a second, and presses of Backspace."""

    n_keys: int
    pauses: float
    corrections: float

    @property
    def is_little(self) -> bool:
        """Whether few people who compose pause and mend so rarely; copying looks like this."""
        return self.pauses + self.corrections < COMPOSED


def revision(sums: Sums) -> Revision | None:
    """What *sums* hold of it, None for too few keys."""
    if sums.n_keys < MIN_KEYS:
        return None
    intervals = sums.n_pauses + sums.n_pairs
    return Revision(
        sums.n_keys,
        100 * sums.n_pauses / intervals if intervals else 0.0,
        100 * int(sums.presses[Zone.BACKSPACE]) / sums.n_keys,
    )
