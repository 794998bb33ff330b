"""Exams that cannot go on online: who is in one, who refused recording, what was decided."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.centres.on_site import move, on_site_of, rows_of, withdraw
from proctor.centres.tables import Cause, OnSiteSitting
from proctor.errors import Conflict
from proctor.exams.schemes import versions_of
from proctor.exams.tables import AssessmentEvent, Course
from proctor.people.tables import Account
from proctor.plumbing.db import hold
from proctor.sittings import desk
from proctor.sittings.tables import Sitting, SittingState


class CutShort(Conflict):
    """This exam was ended to be sat again on site; it cannot go on online."""

    key = "error.cut_short"


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
    # of two answers at once one waits, and then sees what the other moved
    hold(tx, f"consent:{learner.id}")
    # courses in one order for all, or two learners could wait for each other
    for row in sorted(desk.exams_of(tx, learner.id, now), key=lambda each: each.course.id):
        if not row.is_proctored or row.state not in ("upcoming", "open"):
            continue
        if not agreed and row.on_site is None:
            move(
                tx, row.course, row.event.code, learner.id, Cause.CONSENT_REFUSED, "", learner, now
            )
        if not agreed:
            continue
        for own in rows_of(tx, row.course.id):
            key = own.account_id, own.event_code, own.cause
            if key == (learner.id, row.event.code, Cause.CONSENT_REFUSED):
                withdraw(tx, own, learner, now)


def move_everybody(
    tx: Session,
    course: Course,
    event: AssessmentEvent,
    cause: Cause,
    reason: str,
    by: Account,
    now: datetime,
    *,
    place: str | None = None,
    held_at: datetime | None = None,
) -> list[str]:
    """Have *event* sat on site by all; ids of its sittings under way, which are to be suspended.

    Done again, it tells which still are.
    """
    desk.hold_starts(tx, course.id)
    if event.code not in on_site_of(tx, course.id).everybody:
        move(tx, course, event.code, None, cause, reason, by, now, place=place, held_at=held_at)
    return [sitting.id for sitting, _ in under_way(tx, event)]


def hold_online(tx: Session, row: OnSiteSitting, by: Account, now: datetime) -> None:
    """Have what was to be sat on site sat online again. Raises CutShort."""
    if row.cause is Cause.SUSPENDED:
        raise CutShort
    withdraw(tx, row, by, now)


def decide_on_site(
    tx: Session, course: Course, sitting: Sitting, reason: str, by: Account, now: datetime
) -> None:
    """Have a suspended exam sat again on site; the decision stands in the sitting's own chain."""
    if not _decided(tx, course, sitting):
        code = tx.get_one(AssessmentEvent, sitting.event_id).code
        move(tx, course, code, sitting.account_id, Cause.SUSPENDED, reason, by, now)
    _log(tx, sitting, "on_site", reason, by, now)


def decide_resume(
    tx: Session, course: Course, sitting: Sitting, reason: str, by: Account, now: datetime
) -> None:
    """Have a suspended exam go on; the decision stands in the sitting's own chain."""
    # the other decision, when the exam could not be ended then
    for row in _decided(tx, course, sitting):
        withdraw(tx, row, by, now)
    _log(tx, sitting, "resume", reason, by, now)


def suspended(tx: Session, event: AssessmentEvent) -> list[tuple[Sitting, Account]]:
    """Sittings of *event* that wait for a decision."""
    return [row for row in under_way(tx, event) if row[0].state is SittingState.SUSPENDED]


def running(tx: Session, event: AssessmentEvent) -> list[tuple[Sitting, Account]]:
    """Sittings of *event* whose time runs."""
    return [row for row in under_way(tx, event) if row[0].state is SittingState.RUNNING]


def _decided(tx: Session, course: Course, sitting: Sitting) -> list[OnSiteSitting]:
    code = tx.get_one(AssessmentEvent, sitting.event_id).code
    key = sitting.account_id, code, Cause.SUSPENDED
    rows = rows_of(tx, course.id)
    return [row for row in rows if (row.account_id, row.event_code, row.cause) == key]


def _log(
    tx: Session, sitting: Sitting, decision: str, reason: str, by: Account, now: datetime
) -> None:
    fact = {"decision": decision, "reason": reason, "by": by.id}
    events.append(tx, sitting.id, "outage_decided", fact, now)
