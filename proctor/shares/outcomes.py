"""Outcomes of the events of a course, from all that is on record of its learners."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import String, select, type_coerce
from sqlalchemy.orm import Session

from proctor.centres.on_site import OnSite, on_site_of, replaces
from proctor.centres.protocols import CentreFinding, findings_of
from proctor.centres.tables import OnSiteSitting
from proctor.exams.dispensations import Dispensations, dispensations_of
from proctor.exams.recredits import recredits_of
from proctor.exams.roster import Listed
from proctor.exams.schemes import events_in_force
from proctor.exams.tables import AssessmentEvent, AssessmentScheme, Course, Technology
from proctor.people.tables import Account
from proctor.shares.calculator import Outcome
from proctor.shares.decision import OutcomeDecision, decide, decide_at_centre
from proctor.shares.evidence import Records, Sat, SittingEvidence, read_rows
from proctor.shares.packs import PolicyPack, pack
from proctor.shares.planned import PlannedEvent, in_format, plan_of, planned
from proctor.sittings.admission import overrides_of
from proctor.sittings.declarations import declared_learners
from proctor.sittings.interventions import paused_to_the_end
from proctor.sittings.repairs import technologies_of
from proctor.sittings.tables import Sitting, SittingState

ON_SITE = "on_site"
ADMITTED_BY_OVERRIDE = "admitted_by_override"
REPAIRED = "repaired"
_FEW = 1000


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
_ON_SITE = OutcomeDecision(Outcome.PENDING, reasons=(ON_SITE,))
_EXCUSED = OutcomeDecision(Outcome.EXCUSED, reasons=("excused",))
#: the whole course was studied elsewhere and its credits recalculated
RECREDITED = OutcomeDecision(Outcome.EXCUSED, reasons=("recredited",))


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
    few = [learner.id for learner in learners] if len(learners) <= _FEW else None
    repairs, on_site = technologies_of(tx, course.id), on_site_of(tx, course.id)
    newest = _newest_sittings(tx, course, few, repairs)
    known = _OnRecord(
        rules=pack(course.policy_pack),
        now=now,
        records=Records(tx, [sat.id for of_event in newest.values() for sat in of_event.values()]),
        repairs=repairs,
        gone=dispensations_of(tx, course.id),
        recredits=recredits_of(tx, course.id),
        at_centres=findings_of(tx, course.id, few),
        overrides=overrides_of(tx, course.id),
        on_site=on_site,
        paused=paused_to_the_end(tx, course.id) if on_site.everybody else {},
    )
    declared = declared_learners(tx, course.id)
    events = [planned(event, known.rules) for event in events_in_force(tx, course.id)]
    # an event with who sat it, and its outcome for all who did not
    in_scheme, in_own = [
        [(event, newest.get(event.code, {}), known.never_sat(event)) for event in of_scheme]
        for of_scheme in (events, in_format(events) if declared else [])
    ]
    is_plain = known.is_plain
    for learner in learners:
        outcomes = []
        for event, by_learner, unsat in in_own if learner.id in declared else in_scheme:
            sitting = by_learner.get(learner.id)
            if not is_plain:
                outcomes.append(known.outcome(event, learner.id, sitting) or unsat)
            elif sitting is None:
                outcomes.append(unsat)
            else:
                outcomes.append(known.by_evidence(event, sitting))
        yield outcomes


@dataclass(frozen=True, slots=True)
class _OnRecord:
    """What decides the outcomes of a course, read once for all its learners.

    ``repairs``: what verifies a sitting of a repair window, by its id; ``paused``: when an exam
    ended that stood still then. The others are by learner, by code of the event, or by both.
    """

    rules: PolicyPack
    now: datetime
    records: Records
    repairs: Mapping[str, Technology]
    gone: Dispensations
    recredits: Collection[str]
    at_centres: Mapping[tuple[str, str], CentreFinding]
    overrides: Collection[tuple[str, str]]
    on_site: OnSite
    paused: Mapping[str, datetime]

    @property
    def is_plain(self) -> bool:
        """Whether nobody was sent on site, let in or released, so that only sittings count."""
        apart = self.gone.cancelled, self.gone.excused, self.on_site.everybody, self.on_site.single
        return not any((*apart, self.at_centres, self.overrides, self.recredits))

    def never_sat(self, event: PlannedEvent) -> EventOutcome:
        """The outcome of whoever did not sit *event*, and of whom nothing else is on record."""
        if event.code in self.on_site.everybody and event.plan:
            return _decided(event, _ON_SITE)
        return self.by_evidence(event, None)

    def outcome(
        self, event: PlannedEvent, learner_id: str, sitting: Sat | None
    ) -> EventOutcome | None:
        """The outcome of one learner; None when there is nothing on record of them."""
        key = (learner_id, event.code)
        centre, released = self.at_centres.get(key), self._released(*key)
        let_in, moved = key in self.overrides, self.on_site.of(*key)
        if not (sitting or centre or released or let_in or key in self.on_site.single):
            return None
        if released is not None:
            made = _decided(event, released, sitting, self._evidence(sitting), centre)
        elif centre is not None and _is_newest(centre, sitting):
            at_centre = decide_at_centre(event.plan, centre)
            made = _decided(event, at_centre, sitting, self._evidence(sitting), centre)
        elif event.plan and self._is_replaced(moved, sitting):
            made = _decided(event, _ON_SITE, sitting, self._evidence(sitting), centre)
        else:
            made = self.by_evidence(event, sitting, centre)
        return _marked(made, ADMITTED_BY_OVERRIDE) if let_in else made

    def by_evidence(
        self, event: PlannedEvent, sitting: Sat | None, centre: CentreFinding | None = None
    ) -> EventOutcome:
        """The outcome by what is on record of *sitting*, if there was one."""
        evidence = self._evidence(sitting)
        repaired_by = self.repairs.get(sitting.id) if self.repairs and sitting else None
        plan = frozenset({repaired_by}) if repaired_by else event.plan
        verdicts = evidence.verdicts if evidence else ()
        closed = self.now >= event.closes_at
        decision = decide(plan, evidence, verdicts, self.rules, window_closed=closed)
        stricter = _at_stricter(plan, decision.outcome, evidence, self.rules)
        made = EventOutcome(event, decision, sitting, evidence, centre, stricter)
        return _marked(made, REPAIRED) if repaired_by else made

    def _evidence(self, sitting: Sat | None) -> SittingEvidence | None:
        return None if sitting is None else self.records.evidence(sitting)

    def _released(self, learner_id: str, code: str) -> OutcomeDecision | None:
        if learner_id in self.recredits:
            return RECREDITED
        if code in self.gone.cancelled:
            return _CANCELLED
        return _EXCUSED if (learner_id, code) in self.gone.excused else None

    def _is_replaced(self, moved: OnSiteSitting | None, sitting: Sat | None) -> bool:
        """Whether a sitting on site takes the place of the one online."""
        if sitting is None:
            return replaces(moved, False)
        is_over = sitting.state is SittingState.FINISHED
        return replaces(moved, is_over, self.paused.get(sitting.id))


def _decided(
    event: PlannedEvent,
    decision: OutcomeDecision,
    sitting: Sat | None = None,
    evidence: SittingEvidence | None = None,
    centre: CentreFinding | None = None,
) -> EventOutcome:
    """What no operating point changes."""
    return EventOutcome(event, decision, sitting, evidence, centre, decision.outcome)


def _newest_sittings(
    tx: Session, course: Course, learners: Collection[str] | None, repairs: Collection[str]
) -> dict[str, dict[str, Sat]]:
    """The newest attempt over all versions of the scheme, by code of the event and learner.

    ``learners``: of them only; None for whoever sat. One of *repairs* takes the place of the one
    before when it begins.
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
    if learners is not None:
        query = query.where(Sitting.account_id.in_(learners))
    newest: dict[str, dict[str, Sat]] = {code: {} for code, _ in events.values()}
    kept = {event_id: (newest[code], version) for event_id, (code, version) in events.items()}
    # a term has more of them than there is time to look up in an enumeration
    states = {state.value: state for state in SittingState}
    for account_id, event_id, id, attempt, state, started_at, exam_s, via in read_rows(tx, query):
        if repairs and started_at is None and id in repairs:
            continue
        of_event, version = kept[event_id]
        sitting = Sat(version, id, attempt, states[state], started_at, exam_s, via)
        other = of_event.setdefault(account_id, sitting)
        if other is not sitting and (other.version, other.attempt) < (version, attempt):
            of_event[account_id] = sitting
    return newest


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
    others = face.matched + face.non_matched - matched
    at_stricter = face._replace(matched=matched, non_matched=others, final=final)
    held = evidence._replace(face=at_stricter)
    found = decide(plan, held, held.verdicts, rules, window_closed=True).outcome
    return None if face.stricter is None and found is not outcome else found


def _is_newest(centre: CentreFinding, sitting: Sat | None) -> bool:
    """Whether the sitting at the centre came after the one online, and so replaces it."""
    if sitting is None or sitting.started_at is None:
        return True
    return centre.held_at > sitting.started_at


def _marked(outcome: EventOutcome, mark: str) -> EventOutcome:
    """*outcome* with what the office should know of it."""
    reasons = (*outcome.decision.reasons, mark)
    return outcome._replace(decision=replace(outcome.decision, reasons=reasons))
