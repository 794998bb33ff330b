"""Events of a scheme as the identity share takes them: with their weight and their plan."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from proctor.exams.schemes import weight_of
from proctor.exams.tables import AssessmentEvent, EventKind, Technology
from proctor.shares.calculator import Outcome, ShareEvent
from proctor.shares.formats import ZERO_ZERO_HUNDRED, weights_in_format
from proctor.shares.packs import PolicyPack


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """One event of the scheme in force; its plan holds what the act knows. ``format``: the one
    a learner declared, whose weight this is; None for the weight of the scheme."""

    id: str
    code: str
    title: str
    kind: EventKind
    weight: Fraction
    plan: frozenset[Technology]
    opens_at: datetime
    closes_at: datetime
    format: str | None = None

    def came_out(self, outcome: Outcome) -> ShareEvent:
        """The event as the shares of a learner take it."""
        return ShareEvent(self.code, self.weight, bool(self.plan), outcome)


def planned(event: AssessmentEvent, rules: PolicyPack) -> PlannedEvent:
    """*event* with its exact weight and the plan that counts under *rules*."""
    return PlannedEvent(
        id=event.id,
        code=event.code,
        title=event.title,
        kind=event.kind,
        weight=weight_of(event),
        plan=plan_of(event, rules),
        opens_at=event.opens_at,
        closes_at=event.closes_at,
    )


def in_format(events: Sequence[PlannedEvent]) -> list[PlannedEvent]:
    """*events* as they form the assessment of a learner who declared 0/0/100."""
    weights = weights_in_format((event.code, event.kind, event.weight) for event in events)
    return [
        replace(event, weight=weights[event.code], format=ZERO_ZERO_HUNDRED) for event in events
    ]


def plan_of(event: AssessmentEvent, rules: PolicyPack) -> frozenset[Technology]:
    """Technologies planned for *event* that the act knows; others identify nobody."""
    known = [name for name in event.identity_plan if name in rules.technologies]
    return frozenset(Technology(name) for name in known)


def design_events(
    events: Iterable[AssessmentEvent], rules: PolicyPack, cancelled: Collection[str]
) -> list[ShareEvent]:
    """The events of a scheme as the shares by design take them: plans count, outcomes do not.

    ``cancelled``: codes of events cancelled for all.
    """
    return [
        ShareEvent(
            event.code,
            weight_of(event),
            bool(plan_of(event, rules)),
            # any outcome that stays in the denominator will do
            Outcome.CANCELLED if event.code in cancelled else Outcome.PENDING,
        )
        for event in events
    ]
