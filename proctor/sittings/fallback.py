"""Exams that cannot go on online: who is in one, who refused recording, what was decided."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.centres.on_site import move, on_site_of, withdraw
from proctor.centres.tables import Cause
from proctor.exams.schemes import versions_of
from proctor.exams.tables import AssessmentEvent, Course
from proctor.people.tables import Account
from proctor.sittings import desk
from proctor.sittings.tables import Sitting, SittingState


def under_way(tx: Session, event: AssessmentEvent) -> list[tuple[Sitting, Account]]:
    """Sittings of *event* that began and are not over, by name."""
    query = (
        select(Sitting, Account)
        .join(Account, Account.id == Sitting.account_id)
        .where(Sitting.event_id.in_(versions_of(event.id)), Sitting.state.in_(desk.UNDER_WAY))
        .order_by(Account.name)
    )
    return [(sitting, person) for sitting, person in tx.execute(query)]


def recording_answered(tx: Session, learner: Account, agreed: bool, now: datetime) -> None:
    """Have exams ahead sat on site by who does not agree to be recorded, online by who does.

    What the office decided otherwise stays.
    """
    for row in desk.exams_of(tx, learner.id, now):
        if not row.is_proctored or row.state not in ("upcoming", "open"):
            continue
        own = on_site_of(tx, row.course.id).single.get((learner.id, row.event.code))
        if not agreed and row.on_site is None:
            move(
                tx, row.course, row.event.code, learner.id, Cause.CONSENT_REFUSED, "", learner, now
            )
        elif agreed and own is not None and own.cause is Cause.CONSENT_REFUSED:
            withdraw(tx, own, learner, now)


def decide_on_site(
    tx: Session, course: Course, sitting: Sitting, reason: str, by: Account, now: datetime
) -> None:
    """Have a suspended exam sat again on site; the decision stands in the sitting's own chain."""
    code = tx.get_one(AssessmentEvent, sitting.event_id).code
    move(tx, course, code, sitting.account_id, Cause.SUSPENDED, reason, by, now)
    _log(tx, sitting, "on_site", reason, by, now)


def decide_resume(tx: Session, sitting: Sitting, reason: str, by: Account, now: datetime) -> None:
    """Have a suspended exam go on; the decision stands in the sitting's own chain."""
    _log(tx, sitting, "resume", reason, by, now)


def suspended(tx: Session, event: AssessmentEvent) -> list[tuple[Sitting, Account]]:
    """Sittings of *event* that wait for a decision."""
    return [row for row in under_way(tx, event) if row[0].state is SittingState.SUSPENDED]


def _log(
    tx: Session, sitting: Sitting, decision: str, reason: str, by: Account, now: datetime
) -> None:
    fact = {"decision": decision, "reason": reason, "by": by.id}
    events.append(tx, sitting.id, "outage_decided", fact, now)
