"""What can be an incident, and the values that leave the rules: Incident, Opened, Closed."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias


class Kind(StrEnum):
    """A fact worth looking at. The words say what was measured, not what it means."""

    FACE_ABSENT = "face_absent"
    MULTIPLE_FACES = "multiple_faces"
    FACE_MISMATCH = "face_mismatch"
    TYPING_MISMATCH = "typing_mismatch"
    IDENTITY_NOT_ASSESSED = "identity_not_assessed"
    CAMERA_COVERED = "camera_covered"
    CAMERA_FROZEN = "camera_frozen"
    TOO_DARK = "too_dark"
    LOOKING_AWAY = "looking_away"
    PHONE_VISIBLE = "phone_visible"
    SCREEN_BEFORE_CAMERA = "screen_before_camera"
    PICTURE_REPEATS = "picture_repeats"
    VIRTUAL_CAMERA = "virtual_camera"
    SCREEN_SHARE_LOST = "screen_share_lost"
    PAGE_HIDDEN = "page_hidden"
    FOCUS_LOST = "focus_lost"
    FULLSCREEN_LEFT = "fullscreen_left"
    PASTE = "paste"
    AUTOMATED_TYPING = "automated_typing"
    MEDIA_GAP = "media_gap"


class Severity(StrEnum):
    """``attention``: look at it first. ``info``: looked at when there is time."""

    INFO = "info"
    ATTENTION = "attention"


class Concern(StrEnum):
    """What a kind is about. Only ``identity`` holds back the outcome of an event."""

    IDENTITY = "identity"
    CONDUCT = "conduct"
    CONDITION = "condition"


IDENTITY_KINDS: frozenset[str] = frozenset(
    {
        Kind.FACE_MISMATCH,
        Kind.TYPING_MISMATCH,
        Kind.IDENTITY_NOT_ASSESSED,
        Kind.FACE_ABSENT,
        Kind.CAMERA_COVERED,
        Kind.CAMERA_FROZEN,
        Kind.SCREEN_SHARE_LOST,
    }
)
CONDITION_KINDS: frozenset[str] = frozenset({Kind.TOO_DARK, Kind.MEDIA_GAP})

_INFO = frozenset(
    {
        Kind.TOO_DARK,
        Kind.MEDIA_GAP,
        Kind.FOCUS_LOST,
        Kind.FULLSCREEN_LEFT,
        Kind.LOOKING_AWAY,
        Kind.PHONE_VISIBLE,
        Kind.SCREEN_BEFORE_CAMERA,
        Kind.PICTURE_REPEATS,
        Kind.VIRTUAL_CAMERA,
    }
)

Evidence: TypeAlias = dict[str, float | int | bool | str]


@dataclass(frozen=True, slots=True)
class Incident:
    """A span to look at, in seconds since the exam began.

    ``start_s``: when the fact began to hold; ``opened_s``: when it had held long enough;
    ``end_s``: when it stopped holding, None while it holds. ``evidence``: numbers and short
    names measured over the span. ``because``: why it is none for people to look at.
    """

    kind: Kind
    severity: Severity
    start_s: float
    end_s: float | None
    opened_s: float
    evidence: Evidence = field(default_factory=dict)
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An incident began; its ``end_s`` is None."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class Closed:
    """An incident ended, with all the evidence of its span."""

    incident: Incident


Change: TypeAlias = Opened | Closed


def severity_of(kind: Kind) -> Severity:
    return Severity.INFO if kind in _INFO else Severity.ATTENTION


def concern_of(kind: str) -> Concern:
    if kind in IDENTITY_KINDS:
        return Concern.IDENTITY
    return Concern.CONDITION if kind in CONDITION_KINDS else Concern.CONDUCT
