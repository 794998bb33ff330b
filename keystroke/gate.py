"""Whether sums are fit for a comparison: enough keys, a fine clock, and prose."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keystroke.template import Sums
from keystroke.zones import N_FINGER_ZONES, Zone

MIN_PAIRS: Final = 60
# error rates do not change up to 33 ms and grow fourfold at 100 ms
MAX_CLOCK_STEP_MS: Final = 34.0
# limits that 98 of 100 windows of essays meet and tables, code and games do not
MIN_PROSE_SHARE: Final = 0.85
MAX_PAUSE_SHARE: Final = 0.12
# every sixth letter of Kazakh text stands on the digit row
MAX_DIGIT_SHARE: Final = 0.25


class Reason(StrEnum):
    """Why typing was not compared."""

    INSUFFICIENT_KEYS = "insufficient_keys"
    COARSE_CLOCK = "coarse_clock"
    NOT_PROSE = "not_prose"


class Side(StrEnum):
    """Which of the two was unfit."""

    REFERENCE = "reference"
    PROBE = "probe"


@dataclass(frozen=True, slots=True)
class Abstention:
    """No comparison was made, and why."""

    reason: Reason
    side: Side
    n_keys: int


def unfit(sums: Sums) -> Reason | None:
    """The first reason against comparing *sums*, or None. A clock never measured is coarse."""
    if sums.n_pairs < MIN_PAIRS:
        return Reason.INSUFFICIENT_KEYS
    if sums.clock_step_ms is None or sums.clock_step_ms > MAX_CLOCK_STEP_MS:
        return Reason.COARSE_CLOCK
    return None if _is_prose(sums) else Reason.NOT_PROSE


def _is_prose(sums: Sums) -> bool:
    digits = int(sums.presses[Zone.DIGIT])
    letters = int(sums.presses[:N_FINGER_ZONES].sum() + sums.presses[Zone.SPACE]) + digits
    kept = sums.n_keys - int(sums.presses[Zone.BACKSPACE])
    return (
        letters >= MIN_PROSE_SHARE * kept
        and digits <= MAX_DIGIT_SHARE * kept
        and sums.n_pauses <= MAX_PAUSE_SHARE * (sums.n_pauses + sums.n_pairs)
    )
