"""When a fact of an exam becomes an incident: plain values, without the database."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from proctor.errors import Refused

#: more would only tire whoever has to
MOST_STEPS = 5


class RulesInvalid(Refused):
    """The rules of the exam policy are not acceptable."""

    key = "error.exam_rules"


@dataclass(frozen=True, slots=True)
class ExamRules:
    """How long a fact must hold before it becomes an incident, and how clips are cut.

    Every ``*_s`` is in seconds, 0 = at once. ``paste_chars``: characters pasted, or put in without
    keys, at one time from which it is an incident. ``pre_roll_s`` and ``post_roll_s``: what a clip
    shows before and after the incident. ``challenge_steps``: movements that are asked for before
    the start, 0 for none.
    """

    face_absent_s: float = 5.0
    multiple_faces_s: float = 3.0
    camera_covered_s: float = 4.0
    camera_frozen_s: float = 10.0
    too_dark_s: float = 8.0
    looking_away_s: float = 6.0
    phone_visible_s: float = 1.0
    not_assessed_s: float = 15.0
    page_hidden_s: float = 0.0
    focus_lost_s: float = 3.0
    fullscreen_left_s: float = 3.0
    paste_chars: int = 1
    screen_lost_s: float = 3.0
    media_gap_s: float = 3.0
    pre_roll_s: float = 5.0
    post_roll_s: float = 5.0
    challenge_steps: int = 0


def parse_rules(raw: Mapping[str, Any]) -> ExamRules:
    """*raw* over the defaults. Raises RulesInvalid for an unknown name or a wrong value."""
    known = {field.name for field in fields(ExamRules)}
    for name, value in raw.items():
        if name not in known or not _fits(name, value):
            raise RulesInvalid(rule=name)
    return ExamRules(**raw)


def _fits(name: str, value: object) -> bool:
    # bool is an int in Python
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if name == "paste_chars":
        return isinstance(value, int) and value >= 1
    if name == "challenge_steps":
        return isinstance(value, int) and 0 <= value <= MOST_STEPS
    return math.isfinite(value) and 0 <= value <= 3600
