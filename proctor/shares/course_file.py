"""A file with one learner's scheme and attempts enters; the four readings of the share leave."""

from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from proctor.errors import Refused
from proctor.shares.attempts import Attempt, outcome_of
from proctor.shares.calculator import (
    Outcome,
    Share,
    ShareEvent,
    ShareRange,
    by_count,
    by_weight,
    design_by_count,
    design_by_weight,
    share_met,
)
from proctor.shares.packs import Basis, PolicyPack, ZeroWeight, pack

Json = dict[str, Any]


class CourseFileRefused(Refused):
    """The file does not describe a course and its attempts."""

    key = "error.course_file"

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__(count=len(problems))


@dataclass(frozen=True, slots=True)
class Readings:
    """Shares by design and of the learner, under one pack.

    ``met``: the learner's, pending events left out; None = not applicable.
    ``unknown``: names in identity plans that the act does not list; they identify nobody.
    """

    pack: PolicyPack
    design_count: Share
    design_weight: Share
    count: ShareRange
    weight: ShareRange
    unknown: tuple[str, ...]

    @property
    def met(self) -> bool | None:
        return share_met(self.count.low, self.weight.low, self.pack)


def readings_of(text: str | bytes) -> Readings:
    """The readings of the course in *text* (JSON). Raises CourseFileRefused, UnknownPack."""
    try:
        course = _Course.model_validate_json(text)
    except ValidationError as error:
        raise CourseFileRefused(tuple(_problems(error))) from None
    rules = course.rules()
    events = _share_events(course, rules)
    return Readings(
        pack=rules,
        design_count=design_by_count(events, rules),
        design_weight=design_by_weight(events),
        count=by_count(events, rules),
        weight=by_weight(events),
        unknown=tuple(
            sorted({name for event in course.events for name in event.plan} - rules.technologies)
        ),
    )


def as_json(readings: Readings) -> Json:
    """The readings as plain values; numerator and denominator are the reduced fraction."""
    rules = readings.pack
    return {
        "design": {
            "count": _leaf(readings.design_count, rules),
            "weight": _leaf(readings.design_weight, rules),
        },
        "learner": {
            "count": _ends(readings.count, rules),
            "weight": _ends(readings.weight, rules),
        },
    }


def _ends(shares: ShareRange, rules: PolicyPack) -> Json:
    return {"low": _leaf(shares.low, rules), "high": _leaf(shares.high, rules)}


def _leaf(share: Share, rules: PolicyPack) -> Json:
    num, den = share.reduced
    return {"num": num, "den": den, "percent": share.percent_floored, "met": share.met(rules)}


def _share_events(course: "_Course", rules: PolicyPack) -> list[ShareEvent]:
    attempts: defaultdict[str, list[Attempt]] = defaultdict(list)
    for row in course.attempts:
        attempts[row.event].append(Attempt(row.outcome, row.counted))
    events = []
    for event in course.events:
        planned = not rules.technologies.isdisjoint(event.plan)
        outcome = outcome_of(attempts[event.id], planned=planned)
        events.append(ShareEvent(event.id, Fraction(event.weight), planned, outcome))
    return events


def _problems(error: ValidationError) -> list[str]:
    """Where something is wrong and what, without repeating what stood there."""
    return [
        f"{'.'.join(_shown(str(part)) for part in each['loc']) or 'file'}: {each['msg']}"
        for each in error.errors(include_url=False, include_input=False)
    ]


def _shown(name: str) -> str:
    # the name of a key that should not be there is the file's own
    return name if name.isprintable() else ascii(name)


_Code = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Weight = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,30}(\.[0-9]{1,30})?$")]
_READ = ConfigDict(strict=True, frozen=True)


class _Policy(BaseModel):
    # a misspelt rule would silently be the pack's own
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    id: _Code
    zero_weight: ZeroWeight | None = None
    basis: Basis | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_name_alone(cls, value: Any) -> Any:
        return {"id": value} if isinstance(value, str) else value


class _Event(BaseModel):
    model_config = _READ

    id: _Code
    weight: _Weight
    plan: list[_Code]


class _Attempt(BaseModel):
    model_config = _READ

    event: _Code
    outcome: Outcome
    counted: bool | None = None


class _Course(BaseModel):
    model_config = _READ

    policy: _Policy
    events: list[_Event]
    attempts: list[_Attempt] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        codes = [event.id for event in self.events]
        if len(set(codes)) != len(codes):
            raise ValueError("two events have the same id")
        if not {attempt.event for attempt in self.attempts} <= set(codes):
            raise ValueError("an attempt names an event that is not in the file")
        return self

    def rules(self) -> PolicyPack:
        """The pack with what the university chose over it. Raises UnknownPack."""
        rules = pack(self.policy.id)
        return replace(
            rules,
            basis=self.policy.basis or rules.basis,
            zero_weight=self.policy.zero_weight or rules.zero_weight,
        )
