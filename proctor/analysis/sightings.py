"""Looks for a thing that a small detector sees badly: several together are a sighting."""

from collections import deque
from typing import Final

from biometrics.types import Thing

#: a detector that is sure of nothing is asked again: so many of so many looks
NEEDED, LOOKS = 2, 5
# cards/nanodet.md; a telephone lying flat is as often called a remote control
_PHONE: Final = 0.15
_LIKE_A_PHONE: Final = frozenset({"phone", "remote"})


class Sightings:
    """The newest looks for a telephone."""

    def __init__(self) -> None:
        self._looks: deque[bool] = deque(maxlen=LOOKS)

    @property
    def are_open(self) -> bool:
        """Whether a look found one lately, so that the next should not wait."""
        return any(self._looks)

    def take(self, things: tuple[Thing, ...]) -> bool:
        """Note one look; whether enough of the newest found a telephone."""
        self._looks.append(is_phone(things))
        return sum(self._looks) >= NEEDED


def is_phone(things: tuple[Thing, ...]) -> bool:
    """Whether one look found something like a telephone."""
    return phone_score(things) >= _PHONE


def phone_score(things: tuple[Thing, ...]) -> float:
    """The surest score of anything like a telephone, 0 when there is nothing."""
    return max((each.score for each in things if each.kind in _LIKE_A_PHONE), default=0.0)
