"""Presses in order as arrays: which of their timings tell something of the hands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from keystroke.events import NOT_HUMAN, KeyBatch, KeyFlag
from keystroke.zones import Zone

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SHORTEST_HOLD_MS: Final = 5.0
LONGEST_HOLD_MS: Final = 500.0
# a longer interval is a pause to think, not a key combination
LONGEST_INTERVAL_MS: Final = 1000.0
# the same zone twice within this time is the keyboard repeating, not a finger
REPEAT_GUARD_MS: Final = 50.0


@dataclass(frozen=True, slots=True, eq=False)
class Presses:
    """Presses of one page in order, every array of shape (n,).

    ``dt_ms``: time since the press before; ``hold_ms``: NaN where the release was not seen.
    ``human``: made on a keyboard, one key for one press. ``breaks``: something was pasted before.
    ``clock_step_ms``: None until the page has measured it. ``lead``: how many at the front are
    counted elsewhere, and only begin the first combination.
    """

    dt_ms: Floats
    zones: Ints
    hold_ms: Floats
    human: Bools
    breaks: Bools
    clock_step_ms: float | None
    lead: int = 0

    @classmethod
    def of_keyboard(
        cls, dt_ms: Floats, zones: Ints, hold_ms: Floats, clock_step_ms: float | None = None
    ) -> Self:
        """Presses that a person made on a keyboard, nothing pasted between them."""
        n = len(zones)
        return cls(dt_ms, zones, hold_ms, np.ones(n, bool), np.zeros(n, bool), clock_step_ms)

    @classmethod
    def from_batch(cls, batch: KeyBatch) -> Self:
        """The presses of a batch."""
        columns = zip(*batch.events, strict=True) if batch.events else ((),) * 4
        dt_ms, zones, hold_ms, flagged = columns
        flags = np.array(flagged, np.int64)
        return cls(
            np.array(dt_ms, np.float64),
            np.array(zones, np.int64),
            # a hold that is None becomes NaN
            np.array(hold_ms, np.float64),
            (flags & int(NOT_HUMAN)) == 0,
            (flags & int(KeyFlag.AFTER_PASTE)) != 0,
            batch.clock_step_ms,
        )

    def __len__(self) -> int:
        return len(self.zones)

    def part(self, start: int, stop: int | None = None, lead: int = 0) -> Self:
        """The presses from *start* up to *stop*, the first *lead* of them counted elsewhere."""
        cut = slice(start, stop)
        return type(self)(
            self.dt_ms[cut],
            self.zones[cut],
            self.hold_ms[cut],
            self.human[cut],
            self.breaks[cut],
            self.clock_step_ms,
            lead,
        )

    def timings(self) -> "Timings":
        """What of these presses is a timing.

        The first press begins no combination: what was pressed before it is not known.
        """
        typed = self.human & (self.zones < Zone.MODIFIER)
        follows = typed & ~self.breaks & (self.dt_ms > 0)
        follows[:1] = False
        follows[1:] &= typed[:-1]
        repeated = follows & (self.dt_ms < REPEAT_GUARD_MS)
        repeated[1:] &= self.zones[1:] == self.zones[:-1]
        combined = follows & ~repeated & (self.dt_ms <= LONGEST_INTERVAL_MS)
        is_hold = (self.hold_ms >= SHORTEST_HOLD_MS) & (self.hold_ms <= LONGEST_HOLD_MS)
        held = typed & ~repeated & is_hold
        paused = follows & (self.dt_ms > LONGEST_INTERVAL_MS)
        flown = combined.copy()
        flown[1:] &= held[:-1]
        for mask in (typed, held, combined, flown, paused):
            mask[: self.lead] = False
        return Timings(typed, held, combined, flown, paused)


@dataclass(frozen=True, slots=True, eq=False)
class Timings:
    """Masks over presses, each of shape (n,).

    ``typed``: edits text. ``held``: has a hold. ``combined``: its time since the press before is
    a key combination's. ``flown``: the time from the release before is known too. ``paused``:
    that time is a pause to think.
    """

    typed: Bools
    held: Bools
    combined: Bools
    flown: Bools
    paused: Bools


def joined(parts: Sequence[Presses]) -> Presses:
    """Presses of several parts one after the other; at least one part."""
    steps = [p.clock_step_ms for p in parts if p.clock_step_ms is not None]
    return Presses(
        np.concatenate([p.dt_ms for p in parts]),
        np.concatenate([p.zones for p in parts]),
        np.concatenate([p.hold_ms for p in parts]),
        np.concatenate([p.human for p in parts]),
        np.concatenate([p.breaks for p in parts]),
        min(steps, default=None),
        parts[0].lead,
    )


def unrepeated(
    keys: NDArray[Any], dt_ms: Floats, hold_ms: Floats
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Which rows of a recording are presses, each of shape (n,), and their times; n is at least 1.

    A key that is pressed again and was not released is held down, and the keyboard repeats it. As
    in ``repair`` the time of a repeat goes to the next press; the hold lasts to the release.
    """
    is_repeat = np.zeros(len(keys), bool)
    is_repeat[1:] = (keys[1:] == keys[:-1]) & (dt_ms[1:] <= hold_ms[:-1])
    pressed = np.flatnonzero(~is_repeat)
    released = np.append(pressed[1:], len(keys)) - 1
    repeating_ms = np.add.reduceat(np.where(is_repeat, dt_ms, 0.0), pressed)
    since = dt_ms[pressed]
    since[1:] += repeating_ms[:-1]
    return pressed, since, hold_ms[released] + repeating_ms


def previous(values: NDArray[Any]) -> NDArray[Any]:
    """The value before each, shape (n,); the first has the last, which no timing reads."""
    return np.concatenate([values[-1:], values[:-1]])
