"""The four measurements of typing that Order 137, item 38(1)a names, out of sums of timings."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from keystroke.events import KeyBatch
from keystroke.template import LOG_SCALE, Ints, Sums


@dataclass(frozen=True, slots=True)
class FourMeasurements:
    """What the Order lists, in its order; None where no key gave the measurement.

    ``typing_speed_kpm``: keys per minute while typing, pauses over a second left out.
    ``key_press_ms``: geometric mean of the time a key is held.
    ``pause_within_words_ms``, ``pause_between_words_ms``: the pause between key combinations, mean
    time from a release to the next press; negative when the next key goes down first.
    ``rhythm_variation``: spread of the logarithm of the time between two presses, among presses of
    the same two zones; 0 is perfectly regular, 0.3 is about 30 % either way.
    """

    typing_speed_kpm: float | None
    key_press_ms: float | None
    pause_within_words_ms: float | None
    pause_between_words_ms: float | None
    rhythm_variation: float | None

    def as_json(self) -> dict[str, float | None]:
        """By name, to three decimals: no clock is finer."""
        members: dict[str, float | None] = asdict(self)
        return {name: None if v is None else round(v, 3) for name, v in members.items()}


#: the names in the Order's order, and the decimals that are worth printing of each
PRINTED: Final = MappingProxyType(
    {
        "typing_speed_kpm": 0,
        "key_press_ms": 0,
        "pause_within_words_ms": 0,
        "pause_between_words_ms": 0,
        "rhythm_variation": 2,
    }
)
# 5th and 95th percentile of 1,250 writers of essays, 2,000 keys of each
LOW: Final = FourMeasurements(176.0, 69.0, 18.0, 33.0, 0.29)
HIGH: Final = FourMeasurements(427.0, 142.0, 232.0, 279.0, 0.48)


def measure(events: Iterable[KeyBatch]) -> FourMeasurements:
    """The measurements of the batches of one session."""
    return measure_sums(Sums.from_batches(events))


def measure_sums(sums: Sums) -> FourMeasurements:
    """The measurements that sums of timings hold."""
    intervals, interval_us = sums.pace.tolist()
    holds, log_hold, _ = sums.holds.sum(axis=0).tolist()
    within, between = sums.flights.tolist()
    return FourMeasurements(
        typing_speed_kpm=60e6 * intervals / interval_us if intervals else None,
        key_press_ms=float(np.exp(log_hold / holds / LOG_SCALE)) if holds else None,
        pause_within_words_ms=within[1] / within[0] / 1000 if within[0] else None,
        pause_between_words_ms=between[1] / between[0] / 1000 if between[0] else None,
        rhythm_variation=_spread_within(sums.pairs),
    )


def _spread_within(moments: Ints) -> float | None:
    """Pooled standard deviation within the rows of (count, sum, sum of squares)."""
    n, total, squares = moments[moments[:, 0] >= 2].T.astype(np.float64)
    freedom = float((n - 1).sum())
    if freedom == 0:
        return None
    # sums of squares of integers cancel to at worst a rounding error below zero
    within = max(float((squares - total * total / n).sum()), 0.0)
    return float(np.sqrt(within / freedom)) / LOG_SCALE
