"""Which kinds open no incident in a sitting, and why: for the learner, or for the institution."""

from collections.abc import Iterable, Mapping
from typing import Final

from proctor.exams.accommodations import Accommodation, Effect
from proctor.incidents.kinds import Kind

#: kinds whose fact an effect makes expected, so that it says nothing
MADE_EXPECTED: Final[Mapping[Effect, frozenset[Kind]]] = {
    Effect.GAZE_OFF: frozenset({Kind.LOOKING_AWAY}),
    Effect.SECOND_PERSON: frozenset({Kind.MULTIPLE_FACES}),
    # only in a break, which the rules are told of
    Effect.BREAKS: frozenset(),
    # no rule is about displays: the page does not ask to take it away
    Effect.SECOND_DISPLAY: frozenset(),
    # its keys and windows take the focus, and its user need not look at the screen
    Effect.SCREEN_READER: frozenset({Kind.LOOKING_AWAY, Kind.FOCUS_LOST, Kind.FULLSCREEN_LEFT}),
    Effect.NO_KEYSTROKE: frozenset({Kind.TYPING_MISMATCH, Kind.AUTOMATED_TYPING}),
}
SWITCHED_OFF: Final = "detector_off"


def suppressed_kinds(granted: Accommodation, switched_off: Iterable[str]) -> dict[str, str]:
    """Why a kind is suppressed, by kind: an effect, or the detector is off here."""
    because = dict.fromkeys(switched_off, SWITCHED_OFF)
    for effect in sorted(granted.effects):
        because |= {kind.value: effect.value for kind in MADE_EXPECTED[effect]}
    return dict(sorted(because.items()))
