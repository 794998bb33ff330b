"""Who may sit an event: those who did all control events before it (Order 137, item 33).

Rules, teachers' reports, protocols and finished sittings enter; what a learner lacks leaves.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.centres.protocols import findings_of
from proctor.errors import Conflict, Refused
from proctor.exams.control import control_of
from proctor.exams.dispensations import dispensations_of
from proctor.exams.schemes import EventNotFound, events_in_force
from proctor.exams.tables import (
    AdmissionOverride,
    AdmissionRule,
    AssessmentEvent,
    AssessmentScheme,
    ControlOutcome,
    Course,
    Demand,
)
from proctor.people.tables import Account
from proctor.sittings.tables import Sitting, SittingState

MIN_REASON = 10
MAX_REASON = 300
_ENOUGH = {
    Demand.SUBMITTED: frozenset(ControlOutcome),
    Demand.PASSED: frozenset({ControlOutcome.PASSED}),
}


class NotAdmitted(Conflict):
    """Control events before this one are not done."""

    key = "error.not_admitted"


class AdmissionRing(Conflict):
    """An event would have to be done before itself."""

    key = "error.admission_ring"


class ReasonNeeded(Refused):
    """A reason has 10 to 300 characters."""

    key = "error.reason_needed"


@dataclass(frozen=True, slots=True)
class Rule:
    """``requires``: codes of events, in the order of the scheme."""

    requires: tuple[str, ...]
    demand: Demand


@dataclass(frozen=True, slots=True)
class Override:
    """Why a learner was let in all the same, and by whom."""

    reason: str
    by: str
    at: datetime


def set_rule(
    tx: Session,
    course: Course,
    event_code: str,
    requires: Collection[str],
    demand: Demand,
    by: Account,
    at: datetime,
) -> None:
    """What *event_code* asks for from now on; nothing ends the rule.

    Raises EventNotFound when the scheme in force lacks one of the events, or AdmissionRing.
    """
    known = {event.code: event.title for event in events_in_force(tx, course.id)}
    if event_code not in known or not set(requires) <= known.keys() - {event_code}:
        raise EventNotFound(course=course.id)
    codes = [code for code in known if code in requires]
    in_ring = [known[code] for code in codes if event_code in _before(tx, course.id, code)]
    if in_ring:
        raise AdmissionRing(events="; ".join(in_ring))
    row = AdmissionRule(
        course_id=course.id, event_code=event_code, requires=codes, demand=demand, by=by.id, at=at
    )
    tx.add(row)
    fact = {"event": event_code, "requires": codes, "demand": demand.value, "by": by.id}
    events.append(tx, f"course:{course.id}", "admission_rule_set", fact, at)


def rule_of(tx: Session, course_id: str, event_code: str) -> Rule | None:
    """The rule in force; events that left the scheme are not asked for any more."""
    query = (
        select(AdmissionRule)
        .where(AdmissionRule.course_id == course_id, AdmissionRule.event_code == event_code)
        .order_by(AdmissionRule.at.desc(), AdmissionRule.id)
    )
    row = tx.scalars(query).first()
    if row is None:
        return None
    codes = [event.code for event in events_in_force(tx, course_id) if event.code in row.requires]
    return Rule(tuple(codes), row.demand) if codes else None


def lacking(
    tx: Session, course: Course, event_code: str, learners: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Codes of what each of *learners* has not done; those who lack nothing are left out.

    An exam finished here or attended at a centre is handed in; that it was passed only a
    teacher says. Excused and cancelled events are not asked for.
    """
    rule = rule_of(tx, course.id, event_code)
    if rule is None:
        return {}
    reported = control_of(tx, course.id, learners)
    handed_in = _handed_in(tx, course, learners) if rule.demand is Demand.SUBMITTED else set()
    gone = dispensations_of(tx, course.id)
    found = {}
    for learner in learners:
        missing = tuple(
            code
            for code in rule.requires
            if reported.get((learner, code)) not in _ENOUGH[rule.demand]
            and (learner, code) not in handed_in
            and code not in gone.cancelled
            and (learner, code) not in gone.excused
        )
        if missing:
            found[learner] = missing
    return found


def override(
    tx: Session,
    course: Course,
    event_code: str,
    learner: Account,
    reason: str,
    by: Account,
    at: datetime,
) -> None:
    """Let *learner* sit the event whatever is missing. Raises ReasonNeeded."""
    reason = required_reason(reason)
    if (learner.id, event_code) in overrides_of(tx, course.id):
        return
    tx.add(
        AdmissionOverride(
            course_id=course.id,
            event_code=event_code,
            account_id=learner.id,
            reason=reason,
            by=by.id,
            at=at,
        )
    )
    fact = {"event": event_code, "learner": learner.id, "by": by.id}
    events.append(tx, f"course:{course.id}", "admission_overridden", fact, at)


def overrides_of(tx: Session, course_id: str) -> dict[tuple[str, str], Override]:
    """By (learner, code of the event)."""
    query = (
        select(AdmissionOverride, Account.name)
        .join(Account, Account.id == AdmissionOverride.by)
        .where(AdmissionOverride.course_id == course_id)
    )
    return {
        (row.account_id, row.event_code): Override(row.reason, name, row.at)
        for row, name in tx.execute(query)
    }


def require_admitted(tx: Session, course: Course, event_code: str, account_id: str) -> None:
    """Raises NotAdmitted, which names what is missing."""
    missing = lacking(tx, course, event_code, [account_id]).get(account_id)
    if missing and (account_id, event_code) not in overrides_of(tx, course.id):
        titles = {event.code: event.title for event in events_in_force(tx, course.id)}
        raise NotAdmitted(missing="; ".join(titles[code] for code in missing))


def required_reason(reason: str) -> str:
    """*reason* without needless space. Raises ReasonNeeded."""
    reason = " ".join(reason.split())
    if not MIN_REASON <= len(reason) <= MAX_REASON:
        raise ReasonNeeded
    return reason


def _before(tx: Session, course_id: str, event_code: str) -> set[str]:
    """Codes of all that is to be done before an event, also before what it requires."""
    found: set[str] = set()
    asked = [event_code]
    while asked:
        rule = rule_of(tx, course_id, asked.pop())
        new = set(rule.requires) - found if rule else set()
        found |= new
        asked += new
    return found


def _handed_in(tx: Session, course: Course, learners: Sequence[str]) -> set[tuple[str, str]]:
    query = (
        select(Sitting.account_id, AssessmentEvent.code)
        .join(AssessmentEvent, AssessmentEvent.id == Sitting.event_id)
        .join(AssessmentScheme, AssessmentScheme.id == AssessmentEvent.scheme_id)
        .where(AssessmentScheme.course_id == course.id, Sitting.state == SittingState.FINISHED)
        .where(Sitting.account_id.in_(learners))
    )
    sat = {(account_id, code) for account_id, code in tx.execute(query)}
    protocols = findings_of(tx, course.id, learners)
    return sat | {key for key, finding in protocols.items() if finding.attended}
