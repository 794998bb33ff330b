"""A typist who types what a file of key timings says: for a browser, and as batches of zones.

A typing file: ``{"sessions": [[[code, dd_ms, hold_ms], ...], ...]}``; ``code`` is a
``KeyboardEvent.code``, ``dd_ms`` the time since the previous press.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from keystroke.zones import zone_of

# the step of a browser's event clock
CLOCK_STEP_MS: Final = 0.1
SHIFTS: Final = frozenset({"ShiftLeft", "ShiftRight"})
_PUNCTUATION: Final = {
    "Space": " ",
    "Enter": "\r",
    "Comma": ",",
    "Period": ".",
    "Slash": "/",
    "Semicolon": ";",
    "Quote": "'",
    "Minus": "-",
    "Equal": "=",
    "BracketLeft": "[",
    "BracketRight": "]",
    "Backslash": "\\",
    "Backquote": "`",
}
# Windows virtual key codes, by which a browser knows keys that make no text
_VIRTUAL: Final = {
    "Backspace": 8,
    "Tab": 9,
    "Enter": 13,
    "ShiftLeft": 16,
    "ShiftRight": 16,
    "Space": 32,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Delete": 46,
}


@dataclass(frozen=True, slots=True)
class Press:
    """One key: pressed ``at_ms`` after the typing began, held for ``hold_ms``."""

    code: str
    at_ms: float
    hold_ms: float


@dataclass(frozen=True, slots=True)
class Edge:
    """A key going down or up, ``at_ms`` after the typing began."""

    at_ms: float
    is_down: bool
    code: str


def read_sessions(path: Path) -> list[tuple[Press, ...]]:
    """The sessions of a typing file."""
    return [_presses(rows) for rows in json.loads(path.read_text())["sessions"]]


def until(presses: Sequence[Press], last_ms: float) -> tuple[Press, ...]:
    """The presses whose key is up again by *last_ms*."""
    return tuple(press for press in presses if press.at_ms + press.hold_ms <= last_ms)


def edges(presses: Iterable[Press]) -> list[Edge]:
    """Downs and ups in the order of time; fingers overlap as the typist's did."""
    both = [Edge(p.at_ms, True, p.code) for p in presses]
    both += [Edge(p.at_ms + p.hold_ms, False, p.code) for p in presses]
    return sorted(both, key=lambda edge: (edge.at_ms, edge.is_down))


def batch(presses: Sequence[Press], since_ms: float = 0.0) -> dict[str, Any]:
    """The presses as a page would send them: zones and timings, never keys.

    ``since_ms``: time of the press before the first of these.
    """
    events, previous = [], since_ms
    for press in presses:
        dt_ms = round(press.at_ms - previous, 1)
        events.append([dt_ms, int(zone_of(press.code)), round(press.hold_ms, 1), 0])
        previous = press.at_ms
    return {"v": 1, "clock_step_ms": CLOCK_STEP_MS, "events": events}


def text_of(presses: Iterable[Press]) -> str:
    """What the presses leave in an empty field."""
    written: list[str] = []
    for press in presses:
        if press.code == "Backspace":
            del written[-1:]
        else:
            written.append(character(press.code, is_shifted=False).replace("\r", "\n"))
    return "".join(written)


def character(code: str, *, is_shifted: bool) -> str:
    """What a key of the US layout writes; empty for a key that writes nothing."""
    if code.startswith("Key"):
        return code[3:] if is_shifted else code[3:].lower()
    if code.startswith("Digit"):
        return code[5:]
    return _PUNCTUATION.get(code, "")


def virtual_key(code: str) -> int:
    """Windows virtual key code, 0 when a browser needs none."""
    if code.startswith(("Key", "Digit")):
        return ord(code[-1])
    return _VIRTUAL.get(code, 0)


def _presses(rows: Iterable[tuple[str, float, float]]) -> tuple[Press, ...]:
    at_ms, presses = 0.0, []
    for code, dd_ms, hold_ms in rows:
        at_ms += dd_ms
        presses.append(Press(code, at_ms, hold_ms))
    return tuple(presses)
