"""Decisions of people about incidents and identity: who may decide what; insert-only.

An incident, or a sitting's identity, and a reason enter; one more verdict leaves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import Conflict, NotFound, Refused
from proctor.exams.tables import AssessmentEvent
from proctor.incidents.builder import incidents_of
from proctor.incidents.kinds import IDENTITY_KINDS
from proctor.incidents.tables import IncidentRow
from proctor.people.notices import About, NoticeKind, tell
from proctor.people.tables import Account
from proctor.review.looks import looks_of, record_look
from proctor.review.precision import judge
from proctor.review.staff import tell_others
from proctor.review.tables import AppealRuling, Decision, Statement, Verdict
from proctor.sittings.tables import Sitting, SittingState

MIN_REASON = 10
MAX_REASON = 2000
ABOUT_INCIDENT = frozenset({Decision.CONFIRMED, Decision.DISMISSED})
ABOUT_IDENTITY = frozenset({Decision.VERIFIED, Decision.UNVERIFIED, Decision.VOID})
#: decisions about identity that take effect when a second person makes the same one
ADVERSE = frozenset({Decision.UNVERIFIED, Decision.VOID})
#: identity is decided in these states
ENDED = frozenset({SittingState.FINISHED, SittingState.SUSPENDED})


class ReasonMissing(Refused):
    """A decision needs a reason of 10 to 2000 characters."""

    key = "error.reason_missing"


class NotADecision(Refused):
    """This is not a decision about this subject."""

    key = "error.not_a_decision"


class OwnSitting(NotFound):
    """Nobody decides about their own sitting."""


class NoSuchIncident(NotFound):
    """There is no such incident in this sitting."""


class StillOpen(Conflict):
    """The incident has not ended yet."""

    key = "error.incident_open"


class SittingRunning(Conflict):
    """The identity of a sitting is decided after it ended."""

    key = "error.sitting_running"


class IncidentsUndecided(Conflict):
    """Incidents about identity come before the identity of the sitting."""

    key = "error.incidents_undecided"


class SecondPersonNeeded(Conflict):
    """A decision against a student takes two different people."""

    key = "error.second_person"


class AlreadyDecided(Conflict):
    """This is decided that way already, or voided for good."""

    key = "error.already_decided"


class NotLooked(Conflict):
    """Nobody decides about what they have not looked at."""

    key = "error.not_looked"


class Overruled(Conflict):
    """Whoever an appeal was granted against does not decide against the student again."""

    key = "error.overruled"


class Given(Protocol):
    """One person's decision. ``incident_id`` is None for the identity of the sitting."""

    @property
    def incident_id(self) -> str | None: ...
    @property
    def reviewer_id(self) -> str: ...
    @property
    def decision(self) -> Decision: ...


@dataclass(frozen=True, slots=True)
class IdentityStanding:
    """Where the decision about a sitting's identity stands.

    ``decision``: in force, None while nobody decided or ``proposed`` waits for a second person.
    ``proposed_by``: who made that decision since the last other one.
    """

    decision: Decision | None
    proposed: Decision | None = None
    proposed_by: frozenset[str] = frozenset()

    @property
    def needs_second_person(self) -> bool:
        return self.decision is None and self.proposed is not None


def verdicts_of(tx: Session, sitting_id: str) -> list[Verdict]:
    """All verdicts of a sitting in order of time."""
    query = select(Verdict).where(Verdict.sitting_id == sitting_id)
    return list(tx.scalars(query.order_by(Verdict.at)))


def newest_by_incident(verdicts: Iterable[Verdict]) -> dict[str, Verdict]:
    """The verdict in force by incident id. ``verdicts``: in order of time."""
    return {row.incident_id: row for row in verdicts if row.incident_id is not None}


def next_undecided(tx: Session, sitting_id: str, incident_id: str) -> str | None:
    """The incident after *incident_id*, from the start again at the end, that waits."""
    decided = newest_by_incident(verdicts_of(tx, sitting_id))
    rows = [row for row in incidents_of(tx, sitting_id) if row.end_s is not None]
    at = next((n for n, row in enumerate(rows) if row.id == incident_id), -1)
    return next((row.id for row in rows[at + 1 :] + rows[:at] if row.id not in decided), None)


def identity_standing(verdicts: Iterable[Given]) -> IdentityStanding:
    """The newest decision counts; one against the student once two different people made it."""
    standing = IdentityStanding(None)
    for row in verdicts:
        if row.incident_id is not None:
            continue
        if row.decision not in ADVERSE:
            standing = IdentityStanding(row.decision)
            continue
        same = row.decision is standing.proposed
        people = (standing.proposed_by if same else frozenset()) | {row.reviewer_id}
        in_force = row.decision if len(people) > 1 else None
        standing = IdentityStanding(in_force, row.decision, people)
    return standing


def look_at(tx: Session, viewer: Account, sitting: Sitting, incident_id: str, at: datetime) -> None:
    """Write that *viewer* has an incident before them. Raises NoSuchIncident."""
    record_look(tx, viewer.id, sitting.id, incident_in(tx, sitting, incident_id).id, at)


def decide_incident(
    tx: Session,
    reviewer: Account,
    sitting: Sitting,
    incident_id: str,
    decision: Decision,
    reason: str,
    at: datetime,
) -> Verdict:
    """Confirm or dismiss what an incident states; a later decision replaces an earlier one."""
    _may_decide(reviewer, sitting, decision, ABOUT_INCIDENT)
    incident = incident_in(tx, sitting, incident_id)
    if incident.end_s is None:
        raise StillOpen(incident=incident_id)
    in_force = newest_by_incident(verdicts_of(tx, sitting.id)).get(incident_id)
    if in_force is not None and in_force.decision is decision:
        raise AlreadyDecided(incident=incident_id)
    if not looks_of(tx, reviewer.id, sitting.id).saw(incident_id):
        raise NotLooked(incident=incident_id)
    if decision is Decision.CONFIRMED and _was_overruled(tx, reviewer, sitting, incident):
        raise Overruled(incident=incident_id)
    verdict = add_verdict(tx, reviewer, sitting, incident_id, decision, reason, at)
    judge(tx, reviewer.institution_id, incident.kind, at)
    return verdict


def dismiss_alike(
    tx: Session, reviewer: Account, sitting: Sitting, kind: str, reason: str, at: datetime
) -> list[Verdict]:
    """Dismiss every undecided incident of *kind* that has ended, each looked at by itself."""
    decided = newest_by_incident(verdicts_of(tx, sitting.id))
    alike = [
        row
        for row in incidents_of(tx, sitting.id)
        if row.kind == kind and row.end_s is not None and row.id not in decided
    ]
    if not alike:
        raise NoSuchIncident(kind=kind)
    _may_decide(reviewer, sitting, Decision.DISMISSED, ABOUT_INCIDENT)
    looks = looks_of(tx, reviewer.id, sitting.id)
    if not all(looks.saw_itself(row.id) for row in alike):
        raise NotLooked(kind=kind)
    given = [
        add_verdict(tx, reviewer, sitting, row.id, Decision.DISMISSED, reason, at) for row in alike
    ]
    judge(tx, reviewer.institution_id, kind, at)
    return given


def decide_identity(
    tx: Session,
    reviewer: Account,
    sitting: Sitting,
    decision: Decision,
    reason: str,
    at: datetime,
) -> Verdict:
    """Decide about the identity of a whole sitting, after all its incidents about identity."""
    _may_decide(reviewer, sitting, decision, ABOUT_IDENTITY)
    if sitting.state not in ENDED:
        raise SittingRunning(sitting=sitting.id)
    verdicts = verdicts_of(tx, sitting.id)
    standing = identity_standing(verdicts)
    if standing.decision in (decision, Decision.VOID):
        raise AlreadyDecided(sitting=sitting.id)
    if decision is standing.proposed and reviewer.id in standing.proposed_by:
        raise SecondPersonNeeded(sitting=sitting.id)
    if not looks_of(tx, reviewer.id, sitting.id).saw_anything:
        raise NotLooked(sitting=sitting.id)
    if _undecided_identity(incidents_of(tx, sitting.id), verdicts):
        raise IncidentsUndecided(sitting=sitting.id)
    if decision in ADVERSE and _was_overruled(tx, reviewer, sitting, None):
        raise Overruled(sitting=sitting.id)
    return add_verdict(tx, reviewer, sitting, None, decision, reason, at)


def incident_in(tx: Session, sitting: Sitting, incident_id: str) -> IncidentRow:
    """An incident of this sitting. Raises NoSuchIncident."""
    incident = tx.get(IncidentRow, incident_id)
    if incident is None or incident.sitting_id != sitting.id:
        raise NoSuchIncident(incident=incident_id)
    return incident


def reason_of(text: str) -> str:
    """The words of a reason in one line. Raises ReasonMissing."""
    words = " ".join(text.split())
    if not MIN_REASON <= len(words) <= MAX_REASON:
        raise ReasonMissing(least=MIN_REASON)
    return words


def _undecided_identity(incidents: Sequence[IncidentRow], verdicts: Sequence[Verdict]) -> bool:
    decided = newest_by_incident(verdicts)
    return any(row.kind in IDENTITY_KINDS and row.id not in decided for row in incidents)


def _was_overruled(
    tx: Session, reviewer: Account, sitting: Sitting, incident: IncidentRow | None
) -> bool:
    """Whether an appeal in this matter was granted after *reviewer* had decided something.

    The identity of a sitting and its incidents about identity are one matter.
    """
    query = (
        select(AppealRuling.at, IncidentRow.id, IncidentRow.kind)
        .join(Statement, Statement.id == AppealRuling.statement_id)
        .outerjoin(IncidentRow, IncidentRow.id == Statement.incident_id)
        .where(
            Statement.sitting_id == sitting.id,
            AppealRuling.granted,
            AppealRuling.reviewer_id != reviewer.id,
        )
    )
    about_identity = incident is None or incident.kind in IDENTITY_KINDS
    granted = [
        at
        for at, appealed, kind in tx.execute(query)
        if (about_identity and (kind is None or kind in IDENTITY_KINDS))
        or (incident is not None and appealed == incident.id)
    ]
    mine = [row.at for row in verdicts_of(tx, sitting.id) if row.reviewer_id == reviewer.id]
    return bool(granted and mine) and min(mine) <= max(granted)


def _may_decide(
    reviewer: Account, sitting: Sitting, decision: Decision, legal: frozenset[Decision]
) -> None:
    if reviewer.id == sitting.account_id:
        raise OwnSitting(sitting=sitting.id)
    if decision not in legal:
        raise NotADecision(decision=decision.value)


def add_verdict(
    tx: Session,
    reviewer: Account,
    sitting: Sitting,
    incident_id: str | None,
    decision: Decision,
    reason: str,
    at: datetime,
) -> Verdict:
    """Write one more verdict, which its caller found legal."""
    words = reason_of(reason)
    verdict = Verdict(
        sitting_id=sitting.id,
        incident_id=incident_id,
        reviewer_id=reviewer.id,
        decision=decision,
        reason=words,
        at=at,
    )
    tx.add(verdict)
    tx.flush()
    # the reason may name people: it stays in its row, the chain holds only that it was given
    payload = {
        "verdict": verdict.id,
        "incident": incident_id,
        "reviewer": reviewer.id,
        "decision": decision.value,
    }
    events.append(tx, sitting.id, "verdict_given", payload, at)
    standing = identity_standing(verdicts_of(tx, sitting.id))
    # what waits for a second person is no decision yet
    if incident_id is not None or standing.decision:
        tell_student(tx, sitting, at)
    elif standing.needs_second_person:
        tell_others(tx, NoticeKind.SECOND, sitting, standing.proposed_by, at)
    return verdict


def tell_student(tx: Session, sitting: Sitting, at: datetime) -> None:
    """Tell the student that something was decided; what it is stands in their record."""
    exam = tx.get_one(AssessmentEvent, sitting.event_id).title
    tell(tx, NoticeKind.DECISION, About(sitting.account_id, sitting.id, exam), at)
