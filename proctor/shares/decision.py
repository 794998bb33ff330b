"""The outcome of one event for one person: what follows by rule, and what people decided.

``verified`` is set by rule when every planned method passes; what is adverse needs two people.
One fact needs nobody: the learner never came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from proctor.centres.protocols import CentreFinding
from proctor.exams.tables import Technology
from proctor.identity.tables import HANDED_OVER, NO_REFERENCE, CheckResult
from proctor.incidents.kinds import IDENTITY_KINDS
from proctor.review.tables import Decision
from proctor.review.verdicts import identity_standing
from proctor.shares.calculator import Outcome
from proctor.shares.evidence import SittingEvidence, VerdictEvidence
from proctor.shares.packs import PolicyPack
from proctor.sittings.tables import SittingState


class MethodOutcome(StrEnum):
    """What one planned technology says about the person."""

    PASS = "pass"
    NO = "no"
    INSUFFICIENT = "insufficient"
    NOT_RUN = "not_run"


NOT_HELD = "not_held"


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
    whether any picture matched, whether most did, and what the last one said; ``typing``: result
    and reason.
    """

    suspended: bool
    identified_via: str | None
    identity_incidents: frozenset[str]
    identity_confirmed: bool
    sealed: bool
    unrecorded: str | None
    recorded: frozenset[str]
    compared: bool
    face: tuple[bool, bool, CheckResult | None] | None
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
        None if face is None else (face.matched > 0, face.matched >= face.non_matched, face.final),
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

    Typing that says nothing (too few keys, say) hinders nothing: the other methods decide. That two
    people typed says something, and a person looks at it.
    """
    if method.technology is Technology.KEYSTROKE and method.result is MethodOutcome.INSUFFICIENT:
        return method.reason == HANDED_OVER
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
    if facts.identified_via == "face" and facts.face is not None and not facts.face[1]:
        return MethodOutcome.INSUFFICIENT, "few_matched_frames"
    return _recorded(Technology.PROCTORING, facts)


def _biometrics(facts: _Facts) -> _Said:
    if facts.face is None:
        return MethodOutcome.NOT_RUN, "no_check"
    if "face_mismatch" in facts.identity_incidents:
        return MethodOutcome.NO, "face_mismatch"
    matched, mostly, final = facts.face
    if not matched:
        return MethodOutcome.INSUFFICIENT, "no_matched_frame"
    if not mostly:
        return MethodOutcome.INSUFFICIENT, "few_matched_frames"
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
        case CheckResult.NOT_ASSESSED if reason == HANDED_OVER:
            return MethodOutcome.INSUFFICIENT, HANDED_OVER
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
