"""The identity-verification share: outcomes of events enter, exact fractions leave.

Only ``verified`` is in the numerator. ``excused`` and ``cancelled`` leave the denominator, all
other outcomes stay in it. Nothing is rounded before it is compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import lcm

from proctor.shares.packs import Basis, PolicyPack, ZeroWeight


class Outcome(StrEnum):
    """What is known about the learner's identity in one assessment event."""

    VERIFIED = "verified"
    PENDING = "pending"
    UNVERIFIED = "unverified"
    VOIDED = "voided"
    ABSENT = "absent"
    EXCUSED = "excused"
    CANCELLED = "cancelled"
    NOT_PLANNED = "not_planned"


@dataclass(frozen=True, slots=True)
class ShareEvent:
    """One event of a scheme for one learner. ``planned``: it has an identity plan."""

    code: str
    weight: Fraction
    planned: bool
    outcome: Outcome

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise ValueError("a weight is not negative")


@dataclass(frozen=True, slots=True)
class Share:
    """``num`` out of ``den``. A ``den`` of 0 is not applicable: neither 0 % nor 100 %."""

    num: Fraction
    den: Fraction

    def met(self, pack: PolicyPack) -> bool | None:
        """Whether the share reaches the threshold, equality included; None if not applicable."""
        return self.num >= pack.threshold * self.den if self.den else None

    @property
    def percent_floored(self) -> str | None:
        """Percent with two decimals, cut off: 29.999 % is 29.99. None if not applicable."""
        if not self.den:
            return None
        hundredths = self.num * 10_000 // self.den
        return f"{hundredths // 100}.{hundredths % 100:02}"

    @property
    def reduced(self) -> tuple[int, int]:
        """Numerator and denominator of the reduced fraction; (0, 0) if not applicable."""
        if not self.den:
            return 0, 0
        return (self.num / self.den).as_integer_ratio()

    @property
    def integers(self) -> tuple[int, int]:
        """Numerator and denominator scaled by one factor to whole numbers, not reduced."""
        scale = lcm(self.num.denominator, self.den.denominator)
        return int(self.num * scale), int(self.den * scale)


@dataclass(frozen=True, slots=True)
class ShareRange:
    """``low``: without the pending events; ``high``: as if all of them became verified."""

    low: Share
    high: Share


def by_count(events: Iterable[ShareEvent], pack: PolicyPack) -> ShareRange:
    """Share of a learner's events that are verified."""
    counted = [event for event in _held(events) if _forms_count(event, pack)]
    return _range([(event.outcome, Fraction(1)) for event in counted])


def by_weight(events: Iterable[ShareEvent]) -> ShareRange:
    """Share of the weight of a learner's events that is verified."""
    return _range([(event.outcome, event.weight) for event in _held(events)])


def design_by_count(events: Iterable[ShareEvent], pack: PolicyPack) -> Share:
    """Share of a scheme's events that have an identity plan."""
    counted = [event for event in _designed(events) if _forms_count(event, pack)]
    return Share(Fraction(sum(event.planned for event in counted)), Fraction(len(counted)))


def design_by_weight(events: Iterable[ShareEvent]) -> Share:
    """Share of a scheme's weight that lies on events with an identity plan."""
    counted = _designed(events)
    planned = sum((event.weight for event in counted if event.planned), Fraction(0))
    return Share(planned, sum((event.weight for event in counted), Fraction(0)))


def share_met(count: Share, weight: Share, pack: PolicyPack) -> bool | None:
    """Whether the readings the pack asks for reach the threshold; None if not applicable."""
    needed = {
        Basis.BOTH: (count, weight),
        Basis.COUNT: (count,),
        Basis.WEIGHT: (weight,),
    }[pack.basis]
    results = [share.met(pack) for share in needed]
    return None if None in results else all(results)


def _held(events: Iterable[ShareEvent]) -> list[ShareEvent]:
    left_out = (Outcome.EXCUSED, Outcome.CANCELLED)
    return [event for event in events if event.outcome not in left_out]


def _designed(events: Iterable[ShareEvent]) -> list[ShareEvent]:
    return [event for event in events if event.outcome is not Outcome.CANCELLED]


def _forms_count(event: ShareEvent, pack: PolicyPack) -> bool:
    return event.weight > 0 or pack.zero_weight is ZeroWeight.INCLUDE


def _range(parts: list[tuple[Outcome, Fraction]]) -> ShareRange:
    total = sum((part for _, part in parts), Fraction(0))
    low = sum((part for outcome, part in parts if outcome is Outcome.VERIFIED), Fraction(0))
    open_part = sum((part for outcome, part in parts if outcome is Outcome.PENDING), Fraction(0))
    return ShareRange(Share(low, total), Share(low + open_part, total))
