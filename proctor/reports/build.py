"""Gathers the identity report of a course: outcomes, shares and what they rest on."""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.errors import NotFound
from proctor.exams.dispensations import dispensations_of
from proctor.exams.roster import learners_of
from proctor.exams.schemes import events_of, newest_scheme, weight_of
from proctor.exams.tables import AssessmentEvent, Course, CourseKind, EventKind, Technology
from proctor.people.tables import Account, Institution
from proctor.shares.calculator import (
    Outcome,
    Share,
    ShareRange,
    by_count,
    by_weight,
    design_by_count,
    design_by_weight,
    share_met,
)
from proctor.shares.outcomes import EventOutcome, course_outcomes, design_events, plan_of
from proctor.shares.packs import PolicyPack, pack

# what no browser service sees, whatever its figures; printed in every report
LIMITS = (
    "second_device",
    "earpiece",
    "capture_card",
    "mirrored_display",
    "virtual_machine_host",
    "altered_browser",
    "identical_twins",
)


class NoScheme(NotFound):
    """The course has no assessment scheme yet."""

    key = "error.no_scheme"


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """One event of the scheme in force."""

    code: str
    title: str
    kind: EventKind
    weight: Fraction
    plan: frozenset[Technology]
    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class Design:
    """Shares of the scheme itself, whatever came of its events."""

    count: Share
    weight: Share
    met: bool | None


@dataclass(frozen=True, slots=True)
class LearnerReport:
    """One learner. ``met`` counts pending events as not verified; None = not applicable."""

    name: str
    number: str | None
    outcomes: tuple[EventOutcome, ...]
    count: ShareRange
    weight: ShareRange
    met: bool | None
    met_if_pending_verified: bool | None


@dataclass(frozen=True, slots=True)
class IdentityReport:
    """The report of one course. ``version`` is None until it is issued; ``supersedes``: SHA-256
    of the version before it; ``people``: names of those who decided, by account id."""

    version: int | None
    supersedes: str | None
    as_of: datetime
    institution: str
    course_code: str
    course_title: str
    course_kind: CourseKind
    starts_on: date
    ends_on: date
    scheme_version: int
    pack: PolicyPack
    design: Design
    events: tuple[PlannedEvent, ...]
    learners: tuple[LearnerReport, ...]
    people: dict[str, str]
    model_ids: tuple[str, ...]
    limits: tuple[str, ...] = LIMITS


#: shares by count and weight by the outcomes of the events of one scheme, in their order
_KnownShares = dict[tuple[Outcome, ...], tuple[ShareRange, ShareRange]]


def build_report(
    tx: Session,
    course_id: str,
    now: datetime,
    *,
    version: int | None = None,
    supersedes: str | None = None,
    learner: Account | None = None,
) -> IdentityReport:
    """The report of a course as things stand at *now*, or of one *learner* of it.

    Raises NoScheme.
    """
    course = tx.get_one(Course, course_id)
    scheme = newest_scheme(tx, course_id)
    if scheme is None:
        raise NoScheme(course=course_id)
    rules = pack(course.policy_pack)
    events = events_of(tx, scheme.id)
    accounts = learners_of(tx, course_id) if learner is None else [learner]
    outcomes = course_outcomes(tx, course, accounts, now)
    every = [outcome for rows in outcomes.values() for outcome in rows]
    known: _KnownShares = {}
    return IdentityReport(
        version=version,
        supersedes=supersedes,
        as_of=now,
        institution=tx.get_one(Institution, course.institution_id).name,
        course_code=course.code,
        course_title=course.title,
        course_kind=course.kind,
        starts_on=course.starts_on,
        ends_on=course.ends_on,
        scheme_version=scheme.version,
        pack=rules,
        design=design_of(tx, course, events),
        events=tuple(_planned(event, rules) for event in events),
        learners=tuple(learner_report(a, outcomes[a.id], rules, known) for a in accounts),
        people=_names_of_reviewers(tx, every),
        model_ids=tuple(sorted({m for o in every if o.evidence for m in o.evidence.model_ids})),
    )


def learner_report(
    account: Account,
    outcomes: list[EventOutcome],
    rules: PolicyPack,
    known: _KnownShares | None = None,
) -> LearnerReport:
    """Shares of one learner from the outcomes of their events.

    ``known``: shares computed for other learners of the same scheme, added to.
    """
    known = {} if known is None else known
    pattern = tuple(outcome.decision.outcome for outcome in outcomes)
    if pattern not in known:
        events = [outcome.share_event for outcome in outcomes]
        known[pattern] = by_count(events, rules), by_weight(events)
    count, weight = known[pattern]
    return LearnerReport(
        name=account.name,
        number=account.learner_number,
        outcomes=tuple(outcomes),
        count=count,
        weight=weight,
        met=share_met(count.low, weight.low, rules),
        met_if_pending_verified=share_met(count.high, weight.high, rules),
    )


def design_of(tx: Session, course: Course, events: list[AssessmentEvent]) -> Design:
    """Shares of a scheme by its identity plans, without the events cancelled for all."""
    rules = pack(course.policy_pack)
    planned = design_events(events, rules, dispensations_of(tx, course.id).cancelled)
    count, weight = design_by_count(planned, rules), design_by_weight(planned)
    return Design(count, weight, share_met(count, weight, rules))


def _planned(event: AssessmentEvent, rules: PolicyPack) -> PlannedEvent:
    return PlannedEvent(
        code=event.code,
        title=event.title,
        kind=event.kind,
        weight=weight_of(event),
        plan=plan_of(event, rules),
        opens_at=event.opens_at,
        closes_at=event.closes_at,
    )


def _names_of_reviewers(tx: Session, outcomes: list[EventOutcome]) -> dict[str, str]:
    ids = {v.reviewer_id for o in outcomes if o.evidence for v in o.evidence.verdicts}
    rows = tx.execute(select(Account.id, Account.name).where(Account.id.in_(ids)))
    return {row.id: row.name for row in rows}
