"""The zones of a keyboard: which finger reaches a key, and in which row.

The browser turns ``KeyboardEvent.code`` into a zone; nothing finer leaves it. A code names a
place on the keyboard, so one table serves Kazakh, Russian and English layouts.
"""

from enum import IntEnum
from types import MappingProxyType
from typing import Final


class Zone(IntEnum):
    """A zone; the number is what travels on the wire and indexes every array."""

    LEFT_LITTLE_TOP = 0
    LEFT_LITTLE_HOME = 1
    LEFT_LITTLE_BOTTOM = 2
    LEFT_RING_TOP = 3
    LEFT_RING_HOME = 4
    LEFT_RING_BOTTOM = 5
    LEFT_MIDDLE_TOP = 6
    LEFT_MIDDLE_HOME = 7
    LEFT_MIDDLE_BOTTOM = 8
    LEFT_INDEX_TOP = 9
    LEFT_INDEX_HOME = 10
    LEFT_INDEX_BOTTOM = 11
    RIGHT_INDEX_TOP = 12
    RIGHT_INDEX_HOME = 13
    RIGHT_INDEX_BOTTOM = 14
    RIGHT_MIDDLE_TOP = 15
    RIGHT_MIDDLE_HOME = 16
    RIGHT_MIDDLE_BOTTOM = 17
    RIGHT_RING_TOP = 18
    RIGHT_RING_HOME = 19
    RIGHT_RING_BOTTOM = 20
    RIGHT_LITTLE_TOP = 21
    RIGHT_LITTLE_HOME = 22
    RIGHT_LITTLE_BOTTOM = 23
    SPACE = 24
    BACKSPACE = 25
    ENTER = 26
    DIGIT = 27
    PUNCT = 28
    MODIFIER = 29
    OTHER = 30


N_ZONES: Final = len(Zone)
N_FINGER_ZONES: Final = 24

_CODES: Final = (
    "KeyQ",
    "KeyA",
    "KeyZ",
    "KeyW",
    "KeyS",
    "KeyX",
    "KeyE",
    "KeyD",
    "KeyC",
    "KeyR KeyT",
    "KeyF KeyG",
    "KeyV KeyB",
    "KeyY KeyU",
    "KeyH KeyJ",
    "KeyN KeyM",
    "KeyI",
    "KeyK",
    "Comma",
    "KeyO",
    "KeyL",
    "Period",
    # letters of the Cyrillic layouts stand on the punctuation keys of the US one
    "KeyP BracketLeft BracketRight",
    "Semicolon Quote",
    "Slash",
    "Space",
    "Backspace",
    "Enter NumpadEnter",
    # the digit row carries nine letters of the Kazakh layout, two of them on Minus and Equal
    "Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal",
    "Backquote Backslash IntlBackslash IntlRo IntlYen",
    "ShiftLeft ShiftRight ControlLeft ControlRight AltLeft AltRight MetaLeft MetaRight CapsLock",
)

ZONE_OF_CODE: Final = MappingProxyType(
    {code: Zone(i) for i, codes in enumerate(_CODES) for code in codes.split()}
)


def zone_of(code: str) -> Zone:
    """Zone of a ``KeyboardEvent.code``; a code the table does not name is ``OTHER``."""
    return ZONE_OF_CODE.get(code, Zone.OTHER)
