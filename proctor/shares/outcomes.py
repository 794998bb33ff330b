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
from typing import NamedTuple

from sqlalchemy import String, select, type_coerce
from sqlalchemy.orm import Session

from proctor.centres.on_site import on_site_of, replaces
from proctor.centres.protocols import CentreFinding, findings_of
from proctor.exams.dispensations import Dispensations, dispensations_of
from proctor.exams.recredits import recredits_of
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
from proctor.people.tables import Account
from proctor.review.tables import Decision
from proctor.review.verdicts import identity_standing
from proctor.shares.calculator import Outcome, ShareEvent
from proctor.shares.evidence import Records, Sat, SittingEvidence, VerdictEvidence, read_rows
from proctor.shares.formats import ZERO_ZERO_HUNDRED, weights_in_format
from proctor.shares.packs import PolicyPack, pack
from proctor.sittings.admission import overrides_of
from proctor.sittings.declarations import declared_learners
from proctor.sittings.interventions import paused_to_the_end
from proctor.sittings.repairs import technologies_of
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
REPAIRED = "repaired"
_FEW = 1000


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


class EventOutcome(NamedTuple):
    """One assessment event of one learner; the evidence is of the newest attempt, ``centre``
    is what the protocol of a test centre says. ``stricter``: the outcome had the faces of the
    exam been compared at the stricter operating point, None when that is not known."""

    event: PlannedEvent
    decision: OutcomeDecision
    sitting: Sat | None
    evidence: SittingEvidence | None
    centre: CentreFinding | None
    stricter: Outcome | None

    @property
    def code(self) -> str:
        return self.event.code

    @property
    def attempt(self) -> int | None:
        return self.sitting.attempt if self.sitting else None


# said of an outcome, not against it
_MARKS = (ADMITTED_BY_OVERRIDE, REPAIRED)
_CANCELLED = OutcomeDecision(Outcome.CANCELLED, reasons=("cancelled",))
_EXCUSED = OutcomeDecision(Outcome.EXCUSED, reasons=("excused",))
#: the whole course was studied elsewhere and its credits recalculated
RECREDITED = OutcomeDecision(Outcome.EXCUSED, reasons=("recredited",))


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
    return _decided(plan, _facts(evidence, pack), _decided_by_people(verdicts))


def decide_sitting(
    event: AssessmentEvent,
    evidence: SittingEvidence,
    rules: PolicyPack,
    now: datetime,
    repaired_by: Technology | None = None,
) -> OutcomeDecision:
    """What one sitting of *event* comes to by itself, other attempts and protocols apart.

    ``repaired_by``: what verifies one held in a repair window.
    """
    closed = now >= event.closes_at
    plan = frozenset({repaired_by}) if repaired_by else plan_of(event, rules)
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
    reasons = [reason for reason in found.decision.reasons if reason not in _MARKS]
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
    paused = paused_to_the_end(tx, course.id) if on_site.everybody else {}
    declared, recredits = declared_learners(tx, course.id), recredits_of(tx, course.id)
    repairs = technologies_of(tx, course.id)
    newest = _newest_sittings(tx, course, {learner.id for learner in learners}, repairs)
    records = Records(tx, [sat.id for of_event in newest.values() for sat in of_event.values()])
    nobody = None, None, None, None
    # an event with who sat it, and its outcome for all who did not
    in_scheme, in_own = [
        [
            (
                event,
                newest.get(event.code, {}),
                _event_outcome(event, *nobody, rules, now, event.code in on_site.everybody),
            )
            for event in of_scheme
        ]
        for of_scheme in (events, in_format(events) if declared else [])
    ]
    # a course in which nobody was sent on site, let in or released is read without asking
    usual = not (
        gone.cancelled or gone.excused or at_centres or overrides or recredits
        or on_site.everybody or on_site.single
    )  # fmt: skip
    for learner in learners:
        outcomes = []
        for event, by_learner, unsat in in_own if learner.id in declared else in_scheme:
            sitting, centre, released = by_learner.get(learner.id), None, None
            let_in = is_own = moved = False
            if not usual:
                key = (learner.id, event.code)
                centre = at_centres.get(key)
                released = RECREDITED if learner.id in recredits else _released(gone, *key)
                let_in = key in overrides
                is_own = let_in or key in on_site.single
                is_over = sitting is not None and sitting.state is SittingState.FINISHED
                ended_paused = paused.get(sitting.id) if sitting else None
                moved = replaces(on_site.of(*key), is_over, ended_paused)
            if sitting is None and centre is None and released is None and not is_own:
                outcomes.append(unsat)
                continue
            evidence = records.evidence(sitting) if sitting else None
            repaired_by = repairs.get(sitting.id) if repairs and sitting else None
            outcome = _event_outcome(
                event, sitting, evidence, centre, released, rules, now, moved, repaired_by
            )
            outcomes.append(_marked(outcome, ADMITTED_BY_OVERRIDE) if let_in else outcome)
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


def _never_sat(plan: frozenset[Technology], window_closed: bool) -> OutcomeDecision:
    if Technology.TEST_CENTRE in plan:
        missing = MethodResult(Technology.TEST_CENTRE, MethodOutcome.NOT_RUN, "no_protocol")
        return OutcomeDecision(Outcome.PENDING, (missing,), ("no_protocol",))
    if window_closed:
        return OutcomeDecision(Outcome.ABSENT, reasons=("not_attended",))
    return OutcomeDecision(Outcome.PENDING, reasons=(NOT_HELD,))


def _decided_by_people(verdicts: Sequence[VerdictEvidence]) -> tuple[Outcome, str] | None:
    """What people decided about the identity; None when nobody did. The newest decision counts."""
    if not verdicts:
        return None
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


class _Facts(NamedTuple):
    """All that the outcome of a sitting that has ended rests on, whatever its exact lengths.

    ``identity_incidents``: kinds nobody dismissed; ``unrecorded``: why there is too little
    recording for a technology that needs one; ``compared``: by face to the end; ``face``:
    whether any picture matched, and what the last one said; ``typing``: result and reason.
    """

    suspended: bool
    identified_via: str | None
    identity_incidents: frozenset[str]
    identity_confirmed: bool
    sealed: bool
    unrecorded: str | None
    recorded: frozenset[str]
    compared: bool
    face: tuple[bool, CheckResult | None] | None
    typing: tuple[CheckResult, str | None] | None


_NONE: frozenset[str] = frozenset()


def _facts(evidence: SittingEvidence, pack: PolicyPack) -> _Facts:
    face, typing = evidence.face, evidence.keystroke
    tracks = evidence.coverage.values()
    return _Facts(
        evidence.state is SittingState.SUSPENDED,
        evidence.identified_via,
        _identity_incidents(evidence) if evidence.incidents else _NONE,
        _identity_confirmed(evidence) if evidence.incidents else False,
        False not in [coverage.sealed for coverage in tracks],
        _unrecorded(evidence, pack),
        pack.recorded,
        face is not None and face.longest_gap_s <= pack.longest_gap_s,
        None if face is None else (face.matched > 0, face.final),
        None if typing is None else (typing.result, typing.reason),
    )


def _identity_incidents(evidence: SittingEvidence) -> frozenset[str]:
    """Kinds of identity incidents that nobody dismissed."""
    return frozenset(
        incident.kind
        for incident in evidence.incidents
        if incident.kind in IDENTITY_KINDS and incident.decision is not Decision.DISMISSED
    )


def _identity_confirmed(evidence: SittingEvidence) -> bool:
    return any(
        incident.kind in IDENTITY_KINDS and incident.decision is Decision.CONFIRMED
        for incident in evidence.incidents
    )


def _unrecorded(evidence: SittingEvidence, pack: PolicyPack) -> str | None:
    for track, coverage in evidence.coverage.items():
        if not _covers(coverage.counted_s, evidence.counted_s, pack.coverage):
            return f"{track}_coverage"
        if coverage.longest_gap_s > pack.longest_gap_s:
            return f"{track}_gap"
    return None


# the sittings of a term come to few different facts
@lru_cache(4096)
def _decided(
    plan: frozenset[Technology], facts: _Facts, by_people: tuple[Outcome, str] | None
) -> OutcomeDecision:
    """What people decided, else what follows from *facts* by rule."""
    methods = tuple(_method(technology, facts) for technology in sorted(plan))
    if by_people is not None:
        outcome, reason = by_people
        return OutcomeDecision(outcome, methods, (reason,))
    reasons = [f"{method.technology}:{method.reason}" for method in methods if method.reason]
    hindering = [method for method in methods if _hinders(method)]
    if facts.suspended:
        reasons.insert(0, "suspended")
    reasons += [f"identity_incident:{kind}" for kind in sorted(facts.identity_incidents)]
    nothing_passed = all(method.result is not MethodOutcome.PASS for method in methods)
    held_back = hindering or facts.identity_incidents or facts.suspended or nothing_passed
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


def _method(technology: Technology, facts: _Facts) -> MethodResult:
    match technology:
        case Technology.PROCTORING:
            result, reason = _proctoring(facts)
        case Technology.BIOMETRICS:
            result, reason = _biometrics(facts)
        case Technology.KEYSTROKE:
            result, reason = _keystroke(facts)
        case Technology.TEST_CENTRE:
            result, reason = MethodOutcome.NOT_RUN, "no_protocol"
    return MethodResult(technology, result, reason)


_Said = tuple[MethodOutcome, str | None]


def _proctoring(facts: _Facts) -> _Said:
    if facts.identity_confirmed:
        return MethodOutcome.NO, "incident_confirmed"
    if facts.identified_via is None:
        return MethodOutcome.INSUFFICIENT, "start_not_identified"
    if not facts.sealed:
        return MethodOutcome.INSUFFICIENT, "recording_not_sealed"
    if facts.identity_incidents:
        return MethodOutcome.INSUFFICIENT, "incident_open"
    # whoever came in by face is compared to the end; if not, nobody was looking
    if facts.identified_via == "face" and not facts.compared:
        return MethodOutcome.INSUFFICIENT, "face_not_compared"
    return _recorded(Technology.PROCTORING, facts)


def _biometrics(facts: _Facts) -> _Said:
    if facts.face is None:
        return MethodOutcome.NOT_RUN, "no_check"
    if "face_mismatch" in facts.identity_incidents:
        return MethodOutcome.NO, "face_mismatch"
    matched, final = facts.face
    if not matched:
        return MethodOutcome.INSUFFICIENT, "no_matched_frame"
    # a single frame against the person decides nothing, the sequential test had no time to
    if final is CheckResult.NO_MATCH:
        return MethodOutcome.INSUFFICIENT, "final_undecided"
    if not facts.compared:
        return MethodOutcome.INSUFFICIENT, "face_not_compared"
    return _recorded(Technology.BIOMETRICS, facts)


def _keystroke(facts: _Facts) -> _Said:
    if facts.typing is None:
        return MethodOutcome.NOT_RUN, "no_check"
    result, reason = facts.typing
    match result:
        case CheckResult.MATCH:
            return _recorded(Technology.KEYSTROKE, facts)
        case CheckResult.NO_MATCH:
            return MethodOutcome.NO, "no_match"
        case CheckResult.NOT_ASSESSED if reason == NO_REFERENCE:
            return MethodOutcome.NOT_RUN, NO_REFERENCE
        case CheckResult.NOT_ASSESSED:
            return MethodOutcome.INSUFFICIENT, "not_assessed"


def _recorded(technology: Technology, facts: _Facts) -> _Said:
    """A pass, unless the pack asks this technology for more recording than there is."""
    if technology in facts.recorded and facts.unrecorded:
        return MethodOutcome.INSUFFICIENT, facts.unrecorded
    return MethodOutcome.PASS, None


def _covers(recorded_s: float, exam_s: float, part: Fraction) -> bool:
    """Whether *recorded_s* is at least *part* (at most 1) of an exam that took any time; exact."""
    if recorded_s >= exam_s > 0:
        return True
    recorded, per = recorded_s.as_integer_ratio()
    exam, of = exam_s.as_integer_ratio()
    return exam > 0 and recorded * of * part.denominator >= exam * per * part.numerator


def _newest_sittings(
    tx: Session, course: Course, learners: Collection[str], repairs: Collection[str]
) -> dict[str, dict[str, Sat]]:
    """The newest attempt over all versions of the scheme, by code of the event and learner.

    One of *repairs* takes the place of the one before when it begins.
    """
    versions = (
        select(AssessmentEvent.id, AssessmentEvent.code, AssessmentScheme.version)
        .join(AssessmentScheme, AssessmentScheme.id == AssessmentEvent.scheme_id)
        .where(AssessmentScheme.course_id == course.id)
    )
    events = {event_id: (code, version) for event_id, code, version in tx.execute(versions)}
    query = select(
        Sitting.account_id,
        Sitting.event_id,
        Sitting.id,
        Sitting.attempt,
        type_coerce(Sitting.state, String),
        Sitting.started_at,
        Sitting.exam_s,
        Sitting.identified_via,
    ).where(Sitting.event_id.in_(events))
    # one learner's page must not read the sittings of a whole course
    if len(learners) <= _FEW:
        query = query.where(Sitting.account_id.in_(learners))
    newest: dict[str, dict[str, Sat]] = {code: {} for code, _ in events.values()}
    kept = {event_id: (newest[code], version) for event_id, (code, version) in events.items()}
    # a term has more of them than there is time to look up in an enumeration
    states = {state.value: state for state in SittingState}
    for account_id, event_id, id, attempt, state, *told in read_rows(tx, query):
        if account_id not in learners:
            continue
        of_event, version = kept[event_id]
        sitting = Sat(version, id, attempt, states[state], *told)
        if repairs and id in repairs and sitting.started_at is None:
            continue
        other = of_event.setdefault(account_id, sitting)
        if other is not sitting and (other.version, other.attempt) < (version, attempt):
            of_event[account_id] = sitting
    return newest


def _event_outcome(
    event: PlannedEvent,
    sitting: Sat | None,
    evidence: SittingEvidence | None,
    centre: CentreFinding | None,
    released: OutcomeDecision | None,
    rules: PolicyPack,
    now: datetime,
    on_site: bool,
    repaired_by: Technology | None = None,
) -> EventOutcome:
    verdicts = evidence.verdicts if evidence else ()
    if released is not None:
        decision = released
    elif centre is not None and _is_newest(centre, sitting):
        decision = decide_at_centre(event.plan, centre)
    elif on_site and event.plan:
        decision = OutcomeDecision(Outcome.PENDING, reasons=(ON_SITE,))
    else:
        closed = now >= event.closes_at
        plan = frozenset({repaired_by}) if repaired_by else event.plan
        decision = decide(plan, evidence, verdicts, rules, window_closed=closed)
        stricter = _at_stricter(plan, decision.outcome, evidence, rules)
        made = EventOutcome(event, decision, sitting, evidence, centre, stricter)
        return _marked(made, REPAIRED) if repaired_by else made
    return EventOutcome(event, decision, sitting, evidence, centre, decision.outcome)


def _at_stricter(
    plan: frozenset[Technology],
    outcome: Outcome,
    evidence: SittingEvidence | None,
    rules: PolicyPack,
) -> Outcome | None:
    """The outcome at the stricter operating point; None when it would rest on unknown scores."""
    face = evidence.face if evidence else None
    if evidence is None or face is None or outcome is not Outcome.VERIFIED:
        return outcome
    if face.stricter == (face.matched, face.final):
        return outcome
    matched, final = face.stricter or (0, None)
    held = evidence._replace(face=face._replace(matched=matched, final=final))
    found = decide(plan, held, held.verdicts, rules, window_closed=True).outcome
    return None if face.stricter is None and found is not outcome else found


def _few(learners: Sequence[Account | Listed]) -> list[str] | None:
    return [learner.id for learner in learners] if len(learners) <= _FEW else None


def _is_newest(centre: CentreFinding, sitting: Sat | None) -> bool:
    """Whether the sitting at the centre came after the one online, and so replaces it."""
    if sitting is None or sitting.started_at is None:
        return True
    return centre.held_at > sitting.started_at


def _marked(outcome: EventOutcome, mark: str) -> EventOutcome:
    """*outcome* with what the office should know of it."""
    reasons = (*outcome.decision.reasons, mark)
    return outcome._replace(decision=replace(outcome.decision, reasons=reasons))


def _released(gone: Dispensations, learner_id: str, code: str) -> OutcomeDecision | None:
    if code in gone.cancelled:
        return _CANCELLED
    if (learner_id, code) in gone.excused:
        return _EXCUSED
    return None
