"""Typing that is not what it seems: what programs send, and texts that came otherwise than by keys.

Every attack enters a given text, most with timings of their own. None is proof against a
program that has the victim's timings: those are guarded like passwords.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keystroke.presses import Floats, Presses
from keystroke.verifiers.count_plda import CountPlda
from keystroke.zones import N_ZONES, Zone

Attack = Callable[[Presses, Presses, CountPlda, np.random.Generator], Presses]

# how often a program that wants to look human stops to think, and for how long on average
_PAUSE_SHARE: Final = 0.04
_PAUSE_MS: Final = 1500.0
# of forty characters two are the keys that paste them, and six are typed
_PIECE: Final = 40
_TYPED_OF_PIECE: Final = 8
# share of a dictated text that is mended by hand, and how many keys that takes at a time
_MENDED: Final = 0.05
_MENDED_AT_A_TIME: Final = 5


def constant(
    text: Presses, victim: Presses, population: CountPlda, rng: np.random.Generator
) -> Presses:
    """A fixed delay, as test tools type: 50 ms, give or take two."""
    n = len(text)
    return _typed(text, rng.normal(50, 2, n), rng.uniform(2, 3, n))


def uniform(
    text: Presses, victim: Presses, population: CountPlda, rng: np.random.Generator
) -> Presses:
    """Random delays between two bounds."""
    n = len(text)
    return _typed(text, rng.uniform(60, 180, n), rng.uniform(50, 110, n))


def gaussian(
    text: Presses, victim: Presses, population: CountPlda, rng: np.random.Generator
) -> Presses:
    """The victim's mean interval and hold with normal noise, the same for all keys."""
    n = len(text)
    intervals, holds = _usual(victim)
    return _typed(
        text,
        rng.normal(intervals.mean(), intervals.std(), n),
        rng.normal(holds.mean(), holds.std(), n),
    )


def population_synthetic(
    text: Presses, victim: Presses, population: CountPlda, rng: np.random.Generator
) -> Presses:
    """What people type on average at each pair of zones, with their spread and some pauses."""
    mean, spread = population.pair_times()
    before = np.roll(text.zones, 1)
    pair = before * N_ZONES + text.zones
    n = len(text)
    intervals = np.exp(mean[pair] + spread[pair] * rng.standard_normal(n))
    paused = rng.random(n) < _PAUSE_SHARE
    intervals = np.where(paused, intervals + rng.exponential(_PAUSE_MS, n), intervals)
    hold_mean, hold_spread = population.hold_times()
    holds = np.exp(hold_mean[text.zones] + hold_spread[text.zones] * rng.standard_normal(n))
    return _typed(text, intervals, holds)


def resampled(
    text: Presses, victim: Presses, population: CountPlda, rng: np.random.Generator
) -> Presses:
    """The victim's own timings, drawn anew for each zone and pair of zones of the text."""
    found = victim.timings()
    pairs = np.roll(victim.zones, 1) * N_ZONES + victim.zones
    wanted = np.roll(text.zones, 1) * N_ZONES + text.zones
    known = found.combined
    intervals = _drawn(wanted, pairs[known], victim.dt_ms[known], rng)
    holds = _drawn(text.zones, victim.zones[found.held], victim.hold_ms[found.held], rng)
    return _typed(text, intervals, holds)


def replay(
    text: Presses, victim: Presses, population: CountPlda, rng: np.random.Generator
) -> Presses:
    """A recording of the victim's typing, sent again as it was."""
    start = int(rng.integers(0, max(1, len(victim) - len(text) + 1)))
    return victim.part(start, start + len(text))


def drip_paste(
    text: Presses, victim: Presses, population: CountPlda, rng: np.random.Generator
) -> Presses:
    """*text* pasted bit by bit: Control and V, a piece is there, and a few keys by the same hands.

    Hands are those of who typed *text*.
    """
    kept = np.arange(len(text)) % _PIECE < _TYPED_OF_PIECE
    at = np.arange(len(text))[kept] % _PIECE
    typed = _kept(text, kept, breaks=at == 2)
    zones = np.where(at == 0, Zone.MODIFIER, np.where(at == 1, Zone.LEFT_INDEX_BOTTOM, typed.zones))
    return replace(typed, zones=zones)


def dictated(
    text: Presses, victim: Presses, population: CountPlda, rng: np.random.Generator
) -> Presses:
    """*text* spoken: keys are pressed only to mend it, a few at a time."""
    begun = rng.random(len(text)) < _MENDED / _MENDED_AT_A_TIME
    kept = np.convolve(begun, np.ones(_MENDED_AT_A_TIME), "same") > 0
    first = np.diff(kept.astype(np.int64), prepend=0) == 1
    return _kept(text, kept, breaks=first[kept])


ATTACKS: Final[Mapping[str, Attack]] = MappingProxyType(
    {
        "constant": constant,
        "uniform": uniform,
        "gaussian": gaussian,
        "population_synthetic": population_synthetic,
        "resampled": resampled,
        "replay": replay,
        "drip_paste": drip_paste,
        "dictated": dictated,
    }
)


def _typed(text: Presses, dt_ms: Floats, hold_ms: Floats) -> Presses:
    """*text* with other timings, whole milliseconds as a browser's clock gives them."""
    dt = np.rint(np.clip(dt_ms, 1.0, 4000.0)).astype(np.float64)
    dt[:1] = 0
    holds = np.rint(np.clip(hold_ms, 1.0, 490.0)).astype(np.float64)
    return replace(text, dt_ms=dt, hold_ms=holds)


def _kept(presses: Presses, kept: NDArray[np.bool_], breaks: NDArray[np.bool_]) -> Presses:
    """Some of *presses*; what is left out came without keys."""
    return replace(
        presses,
        dt_ms=presses.dt_ms[kept],
        zones=presses.zones[kept],
        hold_ms=presses.hold_ms[kept],
        human=presses.human[kept],
        breaks=presses.breaks[kept] | breaks,
    )


def _usual(presses: Presses) -> tuple[Floats, Floats]:
    found = presses.timings()
    return presses.dt_ms[found.combined], presses.hold_ms[found.held]


def _drawn(
    wanted: np.ndarray, keys: np.ndarray, values: Floats, rng: np.random.Generator
) -> Floats:
    """One of *values* for each of *wanted*: of the same key, or of any where the key is new."""
    drawn = rng.choice(values, len(wanted))
    for key in np.unique(wanted):
        same = values[keys == key]
        if len(same):
            at = wanted == key
            drawn[at] = rng.choice(same, int(at.sum()))
    return drawn
