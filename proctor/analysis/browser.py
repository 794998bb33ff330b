"""What the exam page noticed about itself: messages of the browser in, observations out.

Everything here is the browser's own word: a person may change it, so it only adds facts.
"""

import math
from collections.abc import Iterable

from proctor.errors import Refused
from proctor.observations import Check, Observation

#: which way camera and screen go to the service
MEDIA_DIRECT, MEDIA_RELAYED = "media_direct", "media_relayed"
NAMES = frozenset(
    {
        "page_hidden",
        "page_shown",
        "focus_lost",
        "focus_gained",
        "fullscreen_left",
        "fullscreen_entered",
        "paste",
        "inserted",
        "copy",
        "screen_ended",
        "screen_shared",
        "camera_ended",
        "second_monitor",
        "program_camera",
        "device_camera",
        MEDIA_DIRECT,
        MEDIA_RELAYED,
    }
)
MAX_EVENTS = 200
_MAX_AGE_S = 3600.0


class BatchRefused(Refused):
    """The page sent something the service does not understand."""

    key = "error.batch"


def observe(raw: object, now_ms: object, at_s: float) -> list[Observation]:
    """Observations of one batch that arrived at *at_s*, in order of time.

    ``now_ms`` and each event's ``ms`` are the page's own monotonic clock; only their difference
    is used, so a page cannot place an event in the future. Raises BatchRefused.
    """
    if not isinstance(raw, list) or len(raw) > MAX_EVENTS:
        raise BatchRefused
    now = _number(now_ms)
    found = [_observation(event, now, at_s) for event in raw]
    return sorted(found, key=lambda item: item.at_s)


def is_relayed(seen: Iterable[Observation], *, before: bool) -> bool:
    """Whether pictures come through the relay after *seen*, which may not speak of it."""
    told = [each.name for each in seen if each.name in (MEDIA_DIRECT, MEDIA_RELAYED)]
    return told[-1] == MEDIA_RELAYED if told else before


def age_s(ms: object, now_ms: object) -> float:
    """How long before *now_ms* of the page's clock *ms* was; 0 when the page does not say."""
    try:
        return _age_s(_number(ms), _number(now_ms))
    except BatchRefused:
        return 0.0


def _age_s(ms: float, now_ms: float) -> float:
    return min(max((now_ms - ms) / 1000, 0.0), _MAX_AGE_S)


def _observation(event: object, now_ms: float, at_s: float) -> Observation:
    if not isinstance(event, dict) or event.get("name") not in NAMES:
        raise BatchRefused
    seen_s = at_s - _age_s(_number(event.get("ms")), now_ms)
    values: dict[str, float | int | bool | str] = {}
    if event["name"] in ("paste", "inserted", "copy"):
        given = event.get("values")
        if not isinstance(given, dict):
            raise BatchRefused
        values["chars"] = int(min(max(_number(given.get("chars")), 0.0), 1e6))
    return Observation(Check.BROWSER, str(event["name"]), round(seen_s, 3), values)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15:
        raise BatchRefused
    if not math.isfinite(value):
        raise BatchRefused
    return float(value)
