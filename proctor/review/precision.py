"""How often people confirmed what a detector said, and detectors that are off because of it.

Decisions on incidents of one institution enter; counts by kind leave.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import NotFound
from proctor.exams.tables import AssessmentEvent, AssessmentScheme, Course, ExamPolicy
from proctor.identity.tables import IdentityCheck, Modality
from proctor.incidents.kinds import IDENTITY_KINDS, Kind
from proctor.incidents.tables import IncidentRow
from proctor.people.notices import About, NoticeKind, tell
from proctor.people.tables import Account, Role
from proctor.review.tables import Decision, Verdict
from proctor.sittings.tables import Sitting

# so many decisions say something about a detector; a rate over fewer is shown, and moves nothing
LEAST_CASES = 30
# kinds that a model decides on, not a rule alone
_COMPARING = {Kind.FACE_MISMATCH: Modality.FACE, Kind.TYPING_MISMATCH: Modality.KEYSTROKE}
_OFF, _ON = "detector_switched_off", "detector_switched_on"


class NoSuchDetector(NotFound):
    """There is no detector of this name that is off."""


@dataclass(frozen=True, slots=True)
class Precision:
    """Of ``decided`` incidents of a kind people confirmed ``confirmed``, by decision in force."""

    confirmed: int = 0
    decided: int = 0

    @property
    def expected(self) -> float:
        """Share of confirmed ones to order a queue by; a kind without decisions counts half."""
        return (self.confirmed + 1) / (self.decided + 2)

    @property
    def is_overturned(self) -> bool:
        """Whether more than half of at least ``LEAST_CASES`` were not confirmed."""
        return self.decided >= LEAST_CASES and 2 * self.confirmed < self.decided


@dataclass(frozen=True, slots=True)
class Detector:
    """A kind of incident at one institution. ``off_since``: None while it opens incidents."""

    kind: Kind
    precision: Precision
    off_since: datetime | None

    @property
    def needs_notice(self) -> bool:
        return self.off_since is not None or self.precision.is_overturned


def detectors_of(tx: Session, institution_id: str) -> list[Detector]:
    """All kinds with what decisions said of them since they were last switched on."""
    switched = _switches(tx, institution_id)
    rates = _rates(_decisions(tx, institution_id), _on_since(switched))
    off = {kind: event.at for kind, event in switched.items() if event.kind == _OFF}
    return [Detector(kind, rates.get(kind, Precision()), off.get(kind)) for kind in Kind]


def precision_of(tx: Session, institution_id: str, kind: str | None = None) -> dict[str, Precision]:
    """All decisions of an institution by kind, or those on one; kinds without any are absent."""
    return _rates(_decisions(tx, institution_id, kind), {})


def switched_off(tx: Session, institution_id: str) -> frozenset[str]:
    """Kinds that open no incident at this institution for now."""
    switches = _switches(tx, institution_id)
    return frozenset(kind for kind, event in switches.items() if event.kind == _OFF)


def judge(tx: Session, institution_id: str, kind: str, at: datetime) -> None:
    """Switch a detector off that people overturn too often; called after each decision.

    One about identity stays on: without it the sittings of impostors would pass by rule.
    """
    if kind in IDENTITY_KINDS or kind in switched_off(tx, institution_id):
        return
    rates = _rates(_decisions(tx, institution_id, kind), _on_since(_switches(tx, institution_id)))
    found = rates.get(kind, Precision())
    if found.is_overturned:
        counts = {"confirmed": found.confirmed, "decided": found.decided}
        events.append(tx, _stream(institution_id), _OFF, {"kind": kind, **counts}, at)
        for account_id in tx.scalars(_who_switches(institution_id)):
            tell(tx, NoticeKind.DETECTOR, About(account_id, detector=kind), at)


def switch_on(tx: Session, by: Account, kind: str, at: datetime) -> None:
    """Let a detector open incidents again; decisions from now on count. Raises NoSuchDetector."""
    if kind not in switched_off(tx, by.institution_id):
        raise NoSuchDetector(kind=kind)
    events.append(tx, _stream(by.institution_id), _ON, {"kind": kind, "by": by.id}, at)


def held_at(institution_id: str) -> Select[str]:
    """Ids of all sittings of an institution."""
    return (
        select(Sitting.id)
        .join(AssessmentEvent, AssessmentEvent.id == Sitting.event_id)
        .join(AssessmentScheme, AssessmentScheme.id == AssessmentEvent.scheme_id)
        .join(Course, Course.id == AssessmentScheme.course_id)
        .where(Course.institution_id == institution_id)
    )


def precision_by_version(tx: Session, institution_id: str) -> dict[tuple[str, str], Precision]:
    """All decisions by kind and by what opened the incident: the model that compared, else the
    rules of the exam as ``name@version``."""
    decided = {each.incident_id: each for each in _decisions(tx, institution_id)}
    counted: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    for incident_id, version in _versions(tx, institution_id):
        if incident_id in decided:
            each = decided[incident_id]
            counted[each.kind, version].append(each.decision is Decision.CONFIRMED)
    return {key: Precision(sum(found), len(found)) for key, found in sorted(counted.items())}


def _versions(tx: Session, institution_id: str) -> Iterable[tuple[str, str]]:
    """What opened each incident of an institution."""
    held = held_at(institution_id)
    compared = select(IdentityCheck.sitting_id, IdentityCheck.modality, IdentityCheck.model_id)
    compared = compared.where(IdentityCheck.sitting_id.in_(held)).distinct()
    models = {
        (sitting_id, modality): model_id
        for sitting_id, modality, model_id in tx.execute(compared)
        if model_id is not None
    }
    query = (
        select(IncidentRow.id, IncidentRow.kind, IncidentRow.sitting_id)
        .add_columns(ExamPolicy.name, ExamPolicy.version)
        .join(Sitting, Sitting.id == IncidentRow.sitting_id)
        .join(AssessmentEvent, AssessmentEvent.id == Sitting.event_id)
        .outerjoin(ExamPolicy, ExamPolicy.id == AssessmentEvent.policy_id)
        .where(IncidentRow.sitting_id.in_(held))
    )
    for incident_id, kind, sitting_id, name, version in tx.execute(query):
        rules = "default" if name is None else f"{name}@{version}"
        modality = _COMPARING.get(kind)
        yield incident_id, rules if modality is None else models.get((sitting_id, modality), rules)


@dataclass(frozen=True, slots=True)
class _Decided:
    kind: str
    incident_id: str
    decision: Decision
    at: datetime


def _decisions(tx: Session, institution_id: str, kind: str | None = None) -> list[_Decided]:
    """Every decision on an incident, of one kind or all, in order of time."""
    query = (
        select(IncidentRow.kind, IncidentRow.id, Verdict.decision, Verdict.at)
        .join(Verdict, Verdict.incident_id == IncidentRow.id)
        .where(IncidentRow.sitting_id.in_(held_at(institution_id)))
        .order_by(Verdict.at)
    )
    if kind is not None:
        query = query.where(IncidentRow.kind == kind)
    return [_Decided(*row) for row in tx.execute(query)]


def _rates(decisions: Iterable[_Decided], since: dict[str, datetime]) -> dict[str, Precision]:
    in_force = {
        each.incident_id: each
        for each in decisions
        if each.kind not in since or each.at > since[each.kind]
    }
    counted: defaultdict[str, list[bool]] = defaultdict(list)
    for each in in_force.values():
        counted[each.kind].append(each.decision is Decision.CONFIRMED)
    return {kind: Precision(sum(found), len(found)) for kind, found in counted.items()}


def _switches(tx: Session, institution_id: str) -> dict[str, events.Event]:
    """The newest switch of each kind that was ever switched."""
    found = events.read(tx, _stream(institution_id), _OFF, _ON)
    return {event.payload["kind"]: event for event in found}


def _on_since(switches: dict[str, events.Event]) -> dict[str, datetime]:
    return {kind: event.at for kind, event in switches.items() if event.kind == _ON}


def _who_switches(institution_id: str) -> Select[str]:
    """Ids of those who read what decisions say of detectors."""
    return select(Account.id).where(
        Account.institution_id == institution_id,
        Account.role.in_((Role.EXAM_OFFICE, Role.ADMIN)),
        Account.is_active,
    )


def _stream(institution_id: str) -> str:
    return f"detectors:{institution_id}"
