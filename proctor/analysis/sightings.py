"""Looks at what is seen badly in one picture, and what several of them come to."""

from collections import deque
from typing import Final

from biometrics.types import Presentation, Thing

#: a detector that is sure of nothing is asked again: so many of so many looks
NEEDED, LOOKS = 2, 5
# cards/nanodet.md; a telephone lying flat is as often called a remote control
_PHONE: Final = 0.15
# without one around it the highest score of a screen was 0.07: cards/presentation.md
_SCREEN, _SCREEN_WITH_EDGE = 0.10, 0.06
_LIKE_A_PHONE: Final = frozenset({"phone", "remote"})


class Sightings:
    """The newest looks for one kind of thing."""

    def __init__(self) -> None:
        self._looks: deque[bool] = deque(maxlen=LOOKS)

    @property
    def are_open(self) -> bool:
        """Whether a look found one lately, so that the next should not wait."""
        return any(self._looks)

    def take(self, *, found: bool) -> bool:
        """Note one look; whether enough of the newest found it."""
        self._looks.append(found)
        return sum(self._looks) >= NEEDED


def is_phone(things: tuple[Thing, ...]) -> bool:
    """Whether one look found something like a telephone."""
    return phone_score(things) >= _PHONE


def phone_score(things: tuple[Thing, ...]) -> float:
    """The surest score of anything like a telephone, 0 when there is nothing."""
    return max((each.score for each in things if each.kind in _LIKE_A_PHONE), default=0.0)


def is_suspect(found: Presentation) -> bool:
    """Whether one look takes what it saw for something held up before the camera."""
    supported = found.edges >= 1 and found.screen >= _SCREEN_WITH_EDGE
    return found.screen >= _SCREEN or found.edges >= 2 or supported
