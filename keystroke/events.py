"""Key events as they arrive from the browser: parsed, validated and repaired.

A batch on the wire: ``{"v": 1, "clock_step_ms": number | null, "events": [[dt_ms, zone, hold_ms,
flags], ...]}``, in order of press. ``dt_ms`` is the time since the previous press of the page (0
for the first), ``hold_ms`` is -1 when the release was never seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Any, Final, NamedTuple

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
_NUMBERS: Final = frozenset({int, float})
_WHOLE: Final = frozenset({int})


class KeyEventError(ValueError):
    """The batch is not a list of key events; the message says where and why."""


class KeyEvent(NamedTuple):
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
        if type(step) not in _NUMBERS:
            raise KeyEventError("clock_step_ms is a number")
        if not 0 < step <= MAX_CLOCK_STEP_MS:
            raise KeyEventError(f"clock_step_ms is above zero and at most {MAX_CLOCK_STEP_MS:g}")
        step = float(step)
    return KeyBatch(step, repair(_events(rows)))


def repair(events: Iterable[KeyEvent]) -> tuple[KeyEvent, ...]:
    """Events without auto-repeats, and without holds whose release was lost.

    The time of a dropped repeat goes to the next press, so that press-to-press times still add up.
    """
    kept: list[KeyEvent] = []
    owed_ms = 0.0
    for event in events:
        if event.flags is _NO_FLAGS and event.hold_ms is not None and not owed_ms:
            kept.append(event)
            continue
        if KeyFlag.REPEAT in event.flags:
            owed_ms += event.dt_ms
            continue
        is_lost = KeyFlag.LOST_RELEASE in event.flags or event.hold_ms is None
        if is_lost or owed_ms:
            hold = None if is_lost else event.hold_ms
            flags = event.flags | KeyFlag.LOST_RELEASE if is_lost else event.flags
            event = event._replace(dt_ms=event.dt_ms + owed_ms, hold_ms=hold, flags=flags)
        kept.append(event)
        owed_ms = 0.0
    return tuple(kept)


def _events(rows: Sequence[object]) -> Iterable[KeyEvent]:
    """The presses of *rows*, checked a column at a time, which costs half of row by row."""
    checked = []
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != 4:
            raise KeyEventError(f"event {i} is [dt_ms, zone, hold_ms, flags]")
        checked.append(row)
    if not checked:
        return ()
    dt_ms, zones, hold_ms, flags = zip(*checked, strict=True)
    _check(dt_ms, "dt_ms", MAX_DT_MS)
    _check(zones, "zone", N_ZONES - 1, kinds=_WHOLE)
    _check((0 if hold == -1 else hold for hold in hold_ms), "hold_ms", MAX_HOLD_MS)
    _check(flags, "flags", _ALL_FLAGS, kinds=_WHOLE)
    return map(
        KeyEvent,
        map(float, dt_ms),
        map(_ZONES.__getitem__, zones),
        (None if hold == -1 else float(hold) for hold in hold_ms),
        map(_FLAGS.__getitem__, flags),
    )


def _check(
    values: Iterable[Any], what: str, high: float, kinds: frozenset[type] = _NUMBERS
) -> None:
    """Raise KeyEventError unless all *values* are of *kinds* and between 0 and *high*."""
    for i, value in enumerate(values):
        # bool is an int, but no number here
        if type(value) not in kinds:
            noun = "an integer" if kinds is _WHOLE else "a number"
            raise KeyEventError(f"event {i}: {what} is {noun}")
        if not 0 <= value <= high:
            raise KeyEventError(f"event {i}: {what} is between 0 and {high:g}")
