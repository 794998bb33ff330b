"""Values that cross rooms: what arrived, what was measured, and what could not be measured."""

from dataclasses import dataclass, field
from enum import StrEnum


class Track(StrEnum):
    """A stream of one sitting."""

    CAMERA = "camera"
    SCREEN = "screen"


class Check(StrEnum):
    """What looked at a sample."""

    FACE = "face"
    BROWSER = "browser"
    SCREEN = "screen"
    KEYS = "keys"
    MEDIA = "media"
    PROCTOR = "proctor"


@dataclass(frozen=True, slots=True)
class Observation:
    """A measured fact at ``at_s`` seconds since the exam began (negative before it).

    ``values`` holds numbers, booleans and short names only, never text a person typed.
    """

    check: str
    name: str
    at_s: float
    values: dict[str, float | int | bool | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotAssessed:
    """A check that should have run and did not, with the reason: never a clean result."""

    check: str
    reason: str
    at_s: float | None = None
