"""Key events as they arrive from the browser: parsed, validated and repaired.

A batch on the wire: ``{"v": 1, "clock_step_ms": number | null, "events": [[dt_ms, zone, hold_ms,
flags], ...]}``, in order of press. ``dt_ms`` is the time since the previous press of the page (0
for the first), ``hold_ms`` is -1 when the release was never seen.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Final

from keystroke.zones import N_ZONES, Zone

MAX_EVENTS: Final = 5000
# a day: the page may stay open over a break, but no exam lasts longer
MAX_DT_MS: Final = 86_400_000.0
MAX_HOLD_MS: Final = 600_000.0
MAX_CLOCK_STEP_MS: Final = 10_000.0


class KeyFlag(IntFlag):
    """What the browser noticed about one press."""

    REPEAT = 1
    LOST_RELEASE = 2
    UNTRUSTED = 4
    AFTER_PASTE = 8
    COMPOSITION = 16


# a program or an input method made the press
NOT_HUMAN: Final = KeyFlag.UNTRUSTED | KeyFlag.COMPOSITION
_ALL_FLAGS: Final = sum(KeyFlag)
_NO_FLAGS: Final = KeyFlag(0)
# looking a member up is half the work of parsing a press
_ZONES: Final = tuple(Zone)
_FLAGS: Final = tuple(KeyFlag(i) for i in range(_ALL_FLAGS + 1))


class KeyEventError(ValueError):
    """The batch is not a list of key events; the message says where and why."""


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """One press. ``hold_ms`` is None when the release was not seen."""

    dt_ms: float
    zone: Zone
    hold_ms: float | None
    flags: KeyFlag = _NO_FLAGS

    @property
    def is_human(self) -> bool:
        """Whether the press came from a keyboard, one key for one press."""
        return not self.flags & NOT_HUMAN


@dataclass(frozen=True, slots=True)
class KeyBatch:
    """Presses of one page in order; ``clock_step_ms`` is None until the page has measured it."""

    clock_step_ms: float | None
    events: tuple[KeyEvent, ...]


def parse_batch(obj: object) -> KeyBatch:
    """The batch in a decoded JSON value, repaired.

    Raises KeyEventError; the message never repeats what was sent.
    """
    if not isinstance(obj, dict):
        raise KeyEventError("a batch is an object")
    if set(obj) != {"v", "clock_step_ms", "events"}:
        raise KeyEventError("a batch has the members v, clock_step_ms and events")
    if obj["v"] != 1 or isinstance(obj["v"], bool):
        raise KeyEventError("only version 1 is known")
    rows = obj["events"]
    if not isinstance(rows, list):
        raise KeyEventError("events is a list")
    if len(rows) > MAX_EVENTS:
        raise KeyEventError(f"a batch holds at most {MAX_EVENTS} events")
    step = obj["clock_step_ms"]
    if step is not None:
        step = _number(step, "clock_step_ms", 0.0, MAX_CLOCK_STEP_MS)
        if step == 0.0:
            raise KeyEventError("clock_step_ms is above zero")
    return KeyBatch(step, repair(_parse_event(i, row) for i, row in enumerate(rows)))


def repair(events: Iterable[KeyEvent]) -> tuple[KeyEvent, ...]:
    """Events without auto-repeats, and without holds whose release was lost.

    The time of a dropped repeat goes to the next press, so that press-to-press times still add up.
    """
    kept: list[KeyEvent] = []
    owed_ms = 0.0
    for event in events:
        if not event.flags and event.hold_ms is not None and not owed_ms:
            kept.append(event)
            continue
        if KeyFlag.REPEAT in event.flags:
            owed_ms += event.dt_ms
            continue
        is_lost = KeyFlag.LOST_RELEASE in event.flags or event.hold_ms is None
        if is_lost or owed_ms:
            hold = None if is_lost else event.hold_ms
            flags = event.flags | KeyFlag.LOST_RELEASE if is_lost else event.flags
            event = replace(event, dt_ms=event.dt_ms + owed_ms, hold_ms=hold, flags=flags)
        kept.append(event)
        owed_ms = 0.0
    return tuple(kept)


def _parse_event(index: int, row: object) -> KeyEvent:
    where = f"event {index}"
    if not isinstance(row, list) or len(row) != 4:
        raise KeyEventError(f"{where} is [dt_ms, zone, hold_ms, flags]")
    dt = _number(row[0], f"{where}: dt_ms", 0.0, MAX_DT_MS)
    zone = _integer(row[1], f"{where}: zone", N_ZONES - 1)
    hold = None if row[2] == -1 else _number(row[2], f"{where}: hold_ms", 0.0, MAX_HOLD_MS)
    flags = _integer(row[3], f"{where}: flags", _ALL_FLAGS)
    return KeyEvent(dt, _ZONES[zone], hold, _FLAGS[flags])


def _number(value: object, what: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise KeyEventError(f"{what} is a number")
    # compared before float(): an integer of a thousand digits does not fit a float
    if not low <= value <= high or math.isnan(value):
        raise KeyEventError(f"{what} is between {low:g} and {high:g}")
    return float(value)


def _integer(value: object, what: str, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise KeyEventError(f"{what} is an integer")
    if not 0 <= value <= high:
        raise KeyEventError(f"{what} is between 0 and {high}")
    return value
