"""Evidence and verdicts of a sitting enter, the outcome of its event leaves.

``verified`` is set by rule when every planned method passes; what is adverse needs two people.
One fact needs nobody: the learner never came.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.centres.on_site import on_site_of
from proctor.centres.protocols import CentreFinding, findings_of
from proctor.centres.tables import OnSiteSitting
from proctor.exams.dispensations import Dispensations, dispensations_of
from proctor.exams.roster import Listed
from proctor.exams.schemes import events_in_force, weight_of
from proctor.exams.tables import (
    AssessmentEvent,
    AssessmentScheme,
    Course,
    EventKind,
    Technology,
)
from proctor.identity.tables import NO_REFERENCE, CheckResult
from proctor.incidents.kinds import IDENTITY_KINDS
from proctor.observations import Track
from proctor.people.tables import Account
from proctor.review.tables import Decision
from proctor.review.verdicts import identity_standing
from proctor.shares.calculator import Outcome, ShareEvent
from proctor.shares.evidence import Records, Sat, SittingEvidence, VerdictEvidence
from proctor.shares.packs import PolicyPack, pack
from proctor.sittings.admission import overrides_of
from proctor.sittings.tables import Sitting, SittingState


class MethodOutcome(StrEnum):
    """What one planned technology says about the person."""

    PASS = "pass"
    NO = "no"
    INSUFFICIENT = "insufficient"
    NOT_RUN = "not_run"


NOT_HELD = "not_held"
ON_SITE = "on_site"
ADMITTED_BY_OVERRIDE = "admitted_by_override"
_FEW = 1000
# learners whose records are in memory at a time
_AT_ONCE = 34_000


@dataclass(frozen=True, slots=True)
class MethodResult:
    """``reason`` is a short name, empty for a pass."""

    technology: Technology
    result: MethodOutcome
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class OutcomeDecision:
    """The outcome, what each planned technology said, and why it is not ``verified`` by rule."""

    outcome: Outcome
    methods: tuple[MethodResult, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def is_ahead(self) -> bool:
        """Whether it is pending only because the event has not been held."""
        return NOT_HELD in self.reasons


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """One event of the scheme in force; its plan holds what the act knows."""

    id: str
    code: str
    title: str
    kind: EventKind
    weight: Fraction
    plan: frozenset[Technology]
    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class EventOutcome:
    """One assessment event of one learner; the evidence is of the newest attempt, ``centre``
    is what the protocol of a test centre says."""

    event: PlannedEvent
    decision: OutcomeDecision
    sitting: Sat | None
    evidence: SittingEvidence | None
    centre: CentreFinding | None = None

    @property
    def code(self) -> str:
        return self.event.code

    @property
    def attempt(self) -> int | None:
        return self.sitting.attempt if self.sitting else None

    @property
    def share_event(self) -> ShareEvent:
        event = self.event
        return ShareEvent(event.code, event.weight, bool(event.plan), self.decision.outcome)


def decide(
    plan: frozenset[Technology],
    evidence: SittingEvidence | None,
    verdicts: Sequence[VerdictEvidence],
    pack: PolicyPack,
    *,
    window_closed: bool,
) -> OutcomeDecision:
    """The identity outcome of one event. ``evidence`` is None when there was no sitting;
    ``verdicts`` are in time order, only those on the identity of the sitting are used."""
    if not plan:
        return OutcomeDecision(Outcome.NOT_PLANNED)
    if evidence is None or evidence.state is SittingState.CREATED:
        return _never_sat(plan, window_closed)
    if evidence.state in (SittingState.CHECKING, SittingState.RUNNING):
        return OutcomeDecision(Outcome.PENDING, reasons=("not_finished",))
    methods = tuple(_method(technology, evidence, pack) for technology in sorted(plan))
    by_people = _decided_by_people(verdicts)
    if by_people is not None:
        outcome, reason = by_people
        return OutcomeDecision(outcome, methods, (reason,))
    return _by_rule(plan, evidence, methods)


def decide_sitting(
    event: AssessmentEvent, evidence: SittingEvidence, rules: PolicyPack, now: datetime
) -> OutcomeDecision:
    """What one sitting of *event* comes to by itself, other attempts and protocols apart."""
    closed = now >= event.closes_at
    plan = plan_of(event, rules)
    return decide(plan, evidence, evidence.verdicts, rules, window_closed=closed)


def overruling(
    tx: Session,
    course: Course,
    event: AssessmentEvent,
    sitting: Sitting,
    own: OutcomeDecision,
    now: datetime,
) -> EventOutcome | None:
    """The outcome of the event where *sitting* does not decide it: there is a protocol, a
    dispensation, a sitting on site or a later attempt. ``own``: what the sitting comes to."""
    learner = tx.get_one(Account, sitting.account_id)
    outcomes = course_outcomes(tx, course, [learner], now)[learner.id]
    found = next((each for each in outcomes if each.code == event.code), None)
    if found is None:
        return None
    reasons = [reason for reason in found.decision.reasons if reason != ADMITTED_BY_OVERRIDE]
    is_own = (found.decision.outcome, tuple(reasons)) == (own.outcome, own.reasons)
    return None if is_own else found


def decide_at_centre(plan: frozenset[Technology], centre: CentreFinding) -> OutcomeDecision:
    """The outcome of an event that a test centre has a protocol of, planned there or not.

    Only a signed protocol counts, and only one that states both that the identity was checked
    and that the conditions were controlled.
    """
    if centre.signed_on is None:
        return _centre_decision(Outcome.PENDING, MethodOutcome.INSUFFICIENT, "protocol_unsigned")
    if not centre.attended:
        return OutcomeDecision(Outcome.ABSENT, reasons=("not_attended",))
    if centre.document is not None and centre.conditions:
        return _centre_decision(Outcome.VERIFIED, MethodOutcome.PASS, None)
    outcome = Outcome.PENDING if plan else Outcome.NOT_PLANNED
    missing = "conditions_not_controlled" if centre.document else "identity_not_checked"
    return _centre_decision(outcome, MethodOutcome.NO, missing)


def _centre_decision(
    outcome: Outcome, result: MethodOutcome, reason: str | None
) -> OutcomeDecision:
    method = MethodResult(Technology.TEST_CENTRE, result, reason)
    return OutcomeDecision(outcome, (method,), (reason,) if reason else ())


def course_outcomes(
    tx: Session, course: Course, learners: Sequence[Account | Listed], now: datetime
) -> dict[str, list[EventOutcome]]:
    """Outcome of each event of the scheme in force, by id of the learner."""
    found = outcomes_in_turn(tx, course, learners, now)
    return {learner.id: outcomes for learner, outcomes in zip(learners, found, strict=True)}


def outcomes_in_turn(
    tx: Session, course: Course, learners: Sequence[Account | Listed], now: datetime
) -> Iterator[list[EventOutcome]]:
    """Outcome of each event of the scheme in force for one learner after the other."""
    rules = pack(course.policy_pack)
    events = [planned(event, rules) for event in events_in_force(tx, course.id)]
    gone = dispensations_of(tx, course.id)
    at_centres = findings_of(tx, course.id, _few(learners))
    on_site, overrides = on_site_of(tx, course.id), overrides_of(tx, course.id)
    for start in range(0, len(learners), _AT_ONCE):
        some = learners[start : start + _AT_ONCE]
        sittings = _newest_sittings(tx, course, {learner.id for learner in some})
        records = Records(tx, {sitting.id for sitting in sittings.values()})
        #: nobody's: the same for all who did not sit the event
        unsat = {
            event.code: _event_outcome(
                event, None, None, None, None, rules, now, event.code in on_site.everybody
            )
            for event in events
        }
        for learner in some:
            outcomes = []
            for event in events:
                sitting = sittings.get((learner.id, event.code))
                centre = at_centres.get((learner.id, event.code))
                released = _released(gone, learner.id, event.code)
                key = (learner.id, event.code)
                let_in = key in overrides
                is_own = let_in or key in on_site.single
                if sitting is None and centre is None and released is None and not is_own:
                    outcomes.append(unsat[event.code])
                    continue
                evidence = records.evidence(sitting) if sitting else None
                moved = _replaces(on_site.of(*key), sitting)
                outcome = _event_outcome(
                    event, sitting, evidence, centre, released, rules, now, moved
                )
                outcomes.append(_marked(outcome) if let_in else outcome)
            yield outcomes


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


def _never_sat(plan: frozenset[Technology], window_closed: bool) -> OutcomeDecision:
    if Technology.TEST_CENTRE in plan:
        missing = MethodResult(Technology.TEST_CENTRE, MethodOutcome.NOT_RUN, "no_protocol")
        return OutcomeDecision(Outcome.PENDING, (missing,), ("no_protocol",))
    if window_closed:
        return OutcomeDecision(Outcome.ABSENT, reasons=("not_attended",))
    return OutcomeDecision(Outcome.PENDING, reasons=(NOT_HELD,))


def _decided_by_people(verdicts: Sequence[VerdictEvidence]) -> tuple[Outcome, str] | None:
    """What people decided about the identity; None when nobody did. The newest decision counts."""
    standing = identity_standing(verdicts)
    if standing.needs_second_person:
        return Outcome.PENDING, f"{standing.proposed}_needs_second_person"
    match standing.decision:
        case None:
            return None
        case Decision.VERIFIED:
            return Outcome.VERIFIED, "decided_by_person"
        case Decision.UNVERIFIED:
            return Outcome.UNVERIFIED, "decided_by_two_people"
        case Decision.VOID:
            return Outcome.VOIDED, "decided_by_two_people"
    raise AssertionError("not a decision about identity")


def _by_rule(
    plan: frozenset[Technology], evidence: SittingEvidence, methods: tuple[MethodResult, ...]
) -> OutcomeDecision:
    reasons = [f"{method.technology}:{method.reason}" for method in methods if method.reason]
    hindering = [method for method in methods if _hinders(method)]
    if evidence.state is SittingState.SUSPENDED:
        reasons.insert(0, "suspended")
    open_or_confirmed = _identity_incidents(evidence)
    reasons += [f"identity_incident:{kind}" for kind in sorted(open_or_confirmed)]
    nothing_passed = all(method.result is not MethodOutcome.PASS for method in methods)
    suspended = evidence.state is SittingState.SUSPENDED
    held_back = hindering or open_or_confirmed or suspended or nothing_passed
    # "unverified" is adverse: only people say so
    outcome = Outcome.PENDING if held_back else Outcome.VERIFIED
    return OutcomeDecision(outcome, methods, tuple(reasons))


def _hinders(method: MethodResult) -> bool:
    """Whether *method* keeps the event from being decided by rule.

    Typing that says nothing (too few keys, say) hinders nothing: the other methods decide.
    """
    if method.technology is Technology.KEYSTROKE and method.result is MethodOutcome.INSUFFICIENT:
        return False
    return method.result is not MethodOutcome.PASS


def _identity_incidents(evidence: SittingEvidence) -> frozenset[str]:
    """Kinds of identity incidents that nobody dismissed."""
    if not evidence.incidents:
        return frozenset()
    return frozenset(
        incident.kind
        for incident in evidence.incidents
        if incident.kind in IDENTITY_KINDS and incident.decision is not Decision.DISMISSED
    )


def _method(technology: Technology, evidence: SittingEvidence, pack: PolicyPack) -> MethodResult:
    match technology:
        case Technology.PROCTORING:
            result, reason = _proctoring(evidence, pack)
        case Technology.BIOMETRICS:
            result, reason = _biometrics(evidence, pack)
        case Technology.KEYSTROKE:
            result, reason = _keystroke(evidence, pack)
        case Technology.TEST_CENTRE:
            result, reason = MethodOutcome.NOT_RUN, "no_protocol"
    return _said(technology, result, reason)


_Said = tuple[MethodOutcome, str | None]
# the same few are said of all sittings
_said = lru_cache(1024)(MethodResult)


def _proctoring(evidence: SittingEvidence, pack: PolicyPack) -> _Said:
    confirmed = [i for i in evidence.incidents if i.decision is Decision.CONFIRMED]
    if any(incident.kind in IDENTITY_KINDS for incident in confirmed):
        return MethodOutcome.NO, "incident_confirmed"
    if evidence.identified_via is None:
        return MethodOutcome.INSUFFICIENT, "start_not_identified"
    if not all(coverage.sealed for coverage in evidence.coverage.values()):
        return MethodOutcome.INSUFFICIENT, "recording_not_sealed"
    if _identity_incidents(evidence):
        return MethodOutcome.INSUFFICIENT, "incident_open"
    # whoever came in by face is compared to the end; if not, nobody was looking
    if evidence.identified_via == "face" and not _compared_throughout(evidence, pack):
        return MethodOutcome.INSUFFICIENT, "face_not_compared"
    return _recorded(Technology.PROCTORING, evidence, pack)


def _biometrics(evidence: SittingEvidence, pack: PolicyPack) -> _Said:
    if evidence.face is None:
        return MethodOutcome.NOT_RUN, "no_check"
    if "face_mismatch" in _identity_incidents(evidence):
        return MethodOutcome.NO, "face_mismatch"
    if not evidence.face.matched:
        return MethodOutcome.INSUFFICIENT, "no_matched_frame"
    # a single frame against the person decides nothing, the sequential test had no time to
    if evidence.face.final is CheckResult.NO_MATCH:
        return MethodOutcome.INSUFFICIENT, "final_undecided"
    if not _compared_throughout(evidence, pack):
        return MethodOutcome.INSUFFICIENT, "face_not_compared"
    return _recorded(Technology.BIOMETRICS, evidence, pack)


def _compared_throughout(evidence: SittingEvidence, pack: PolicyPack) -> bool:
    return evidence.face is not None and evidence.face.longest_gap_s <= pack.longest_gap_s


def _keystroke(evidence: SittingEvidence, pack: PolicyPack) -> _Said:
    if evidence.keystroke is None:
        return MethodOutcome.NOT_RUN, "no_check"
    match evidence.keystroke.result:
        case CheckResult.MATCH:
            return _recorded(Technology.KEYSTROKE, evidence, pack)
        case CheckResult.NO_MATCH:
            return MethodOutcome.NO, "no_match"
        case CheckResult.NOT_ASSESSED if evidence.keystroke.reason == NO_REFERENCE:
            return MethodOutcome.NOT_RUN, NO_REFERENCE
        case CheckResult.NOT_ASSESSED:
            return MethodOutcome.INSUFFICIENT, "not_assessed"


def _recorded(technology: Technology, evidence: SittingEvidence, pack: PolicyPack) -> _Said:
    """A pass, unless the pack asks this technology for more recording than there is."""
    if technology not in pack.recorded:
        return MethodOutcome.PASS, None
    for track in Track:
        coverage = evidence.coverage[track]
        if not _covers(coverage.counted_s, evidence.counted_s, pack.coverage):
            return MethodOutcome.INSUFFICIENT, f"{track}_coverage"
        if coverage.longest_gap_s > pack.longest_gap_s:
            return MethodOutcome.INSUFFICIENT, f"{track}_gap"
    return MethodOutcome.PASS, None


def _covers(recorded_s: float, exam_s: float, part: Fraction) -> bool:
    """Whether *recorded_s* is at least *part* of an exam that took any time; exact."""
    recorded, per = recorded_s.as_integer_ratio()
    exam, of = exam_s.as_integer_ratio()
    return exam > 0 and recorded * of * part.denominator >= exam * per * part.numerator


def _newest_sittings(
    tx: Session, course: Course, learners: Collection[str]
) -> dict[tuple[str, str], Sat]:
    """The newest attempt by (learner, code of the event), over all versions of the scheme."""
    query = (
        select(
            Sitting.account_id,
            AssessmentEvent.code,
            AssessmentScheme.version,
            Sitting.id,
            Sitting.attempt,
            Sitting.state,
            Sitting.started_at,
            Sitting.exam_s,
            Sitting.identified_via,
        )
        .join(AssessmentEvent, AssessmentEvent.id == Sitting.event_id)
        .join(AssessmentScheme, AssessmentScheme.id == AssessmentEvent.scheme_id)
        .where(AssessmentScheme.course_id == course.id)
    )
    # one learner's page must not read the sittings of a whole course
    if len(learners) <= _FEW:
        query = query.where(Sitting.account_id.in_(learners))
    newest: dict[tuple[str, str], Sat] = {}
    versions: dict[tuple[str, str], int] = {}
    for account_id, code, version, *row in tx.execute(query.execution_options(yield_per=10_000)):
        if account_id not in learners:
            continue
        sitting, key = Sat._make(row), (account_id, code)
        other = newest.get(key)
        if other is None or (versions[key], other.attempt) < (version, sitting.attempt):
            newest[key], versions[key] = sitting, version
    return newest


def _event_outcome(
    event: PlannedEvent,
    sitting: Sat | None,
    evidence: SittingEvidence | None,
    centre: CentreFinding | None,
    released: Outcome | None,
    rules: PolicyPack,
    now: datetime,
    on_site: bool,
) -> EventOutcome:
    verdicts = evidence.verdicts if evidence else ()
    if released is not None:
        decision = OutcomeDecision(released, reasons=(released.value,))
    elif centre is not None and _is_newest(centre, sitting):
        decision = decide_at_centre(event.plan, centre)
    elif on_site and event.plan:
        decision = OutcomeDecision(Outcome.PENDING, reasons=(ON_SITE,))
    else:
        closed = now >= event.closes_at
        decision = decide(event.plan, evidence, verdicts, rules, window_closed=closed)
    return EventOutcome(event, decision, sitting, evidence, centre)


def _few(learners: Sequence[Account | Listed]) -> list[str] | None:
    return [learner.id for learner in learners] if len(learners) <= _FEW else None


def _is_newest(centre: CentreFinding, sitting: Sat | None) -> bool:
    """Whether the sitting at the centre came after the one online, and so replaces it."""
    if sitting is None or sitting.started_at is None:
        return True
    return centre.held_at > sitting.started_at


def _marked(outcome: EventOutcome) -> EventOutcome:
    """*outcome* of a learner who was let in though control events were missing."""
    reasons = (*outcome.decision.reasons, ADMITTED_BY_OVERRIDE)
    return replace(outcome, decision=replace(outcome.decision, reasons=reasons))


def _replaces(moved: OnSiteSitting | None, sitting: Sat | None) -> bool:
    """Whether the sitting on site stands in the place of what was sat online, if anything was.

    What was finished before everybody was sent on site stays; who was sent by name sits again.
    """
    if moved is None:
        return False
    is_over = sitting is not None and sitting.state is SittingState.FINISHED
    return moved.account_id is not None or not is_over


def _released(gone: Dispensations, learner_id: str, code: str) -> Outcome | None:
    if code in gone.cancelled:
        return Outcome.CANCELLED
    if (learner_id, code) in gone.excused:
        return Outcome.EXCUSED
    return None
