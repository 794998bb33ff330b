"""Exams planned online that are sat on site instead, and what each learner is told (KazNU 2.23).

Nobody is worse off for it: until the protocol of the sitting is there, its event is pending.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.centres.tables import Cause, OnSiteSitting
from proctor.errors import Conflict, NotFound
from proctor.exams.tables import Course
from proctor.people.tables import Account


class OnSiteInstead(Conflict):
    """This exam is sat on site."""

    key = "error.on_site"


class NoSuchOnSiteSitting(NotFound):
    """There is no such sitting on site."""


@dataclass(frozen=True, slots=True)
class OnSite:
    """Sittings on site of a course: by code for everybody, by (learner, code) for one."""

    everybody: Mapping[str, OnSiteSitting]
    single: Mapping[tuple[str, str], OnSiteSitting]

    def of(self, account_id: str, event_code: str) -> OnSiteSitting | None:
        """The sitting on site of a learner: their own before that of all."""
        return self.single.get((account_id, event_code)) or self.everybody.get(event_code)


def move(
    tx: Session,
    course: Course,
    event_code: str,
    learner_id: str | None,
    cause: Cause,
    reason: str,
    by: Account,
    at: datetime,
    *,
    place: str | None = None,
    held_at: datetime | None = None,
) -> OnSiteSitting:
    """Have an event sat on site, by one learner or, without one, by all on the roster."""
    row = OnSiteSitting(
        course_id=course.id,
        event_code=event_code,
        account_id=learner_id,
        cause=cause,
        reason=reason,
        place=place,
        held_at=held_at,
        by=by.id,
        at=at,
    )
    tx.add(row)
    tx.flush()
    fact = {"on_site": row.id, "event": event_code, "cause": cause.value, "by": by.id}
    events.append(tx, f"course:{course.id}", "moved_on_site", fact, at)
    return row


def appoint(
    tx: Session, row: OnSiteSitting, place: str, held_at: datetime, by: Account, at: datetime
) -> None:
    """Say where and when; learners see it at once."""
    row.place, row.held_at = place, held_at
    when = held_at.isoformat(timespec="seconds")
    fact = {"on_site": row.id, "place": place, "held_at": when, "by": by.id}
    events.append(tx, f"course:{row.course_id}", "on_site_appointed", fact, at)


def withdraw(tx: Session, row: OnSiteSitting, by: Account, at: datetime) -> None:
    """Have the event sat online again."""
    row.withdrawn_at = at
    fact = {"on_site": row.id, "by": by.id}
    events.append(tx, f"course:{row.course_id}", "on_site_withdrawn", fact, at)


def on_site_of(tx: Session, course_id: str) -> OnSite:
    """What is sat on site in a course as things stand."""
    everybody, single = {}, {}
    for row in rows_of(tx, course_id):
        if row.account_id is None:
            everybody[row.event_code] = row
        else:
            single[row.account_id, row.event_code] = row
    return OnSite(everybody, single)


def replaces(
    moved: OnSiteSitting | None, is_over: bool, paused_until: datetime | None = None
) -> bool:
    """Whether the sitting on site stands in the place of what was sat online, if anything was.

    Who was sent by name sits again. Who was sent with all does, unless the exam is over; one that
    stood still then and never went on does not count as over. ``paused_until``: when an exam ended
    in a pause.
    """
    if moved is None:
        return False
    cut_short = paused_until is not None and paused_until > moved.at
    return moved.account_id is not None or not is_over or cut_short


def rows_of(tx: Session, course_id: str) -> list[OnSiteSitting]:
    """Sittings on site of a course that hold, oldest first."""
    query = select(OnSiteSitting).where(
        OnSiteSitting.course_id == course_id, OnSiteSitting.withdrawn_at.is_(None)
    )
    return list(tx.scalars(query.order_by(OnSiteSitting.at, OnSiteSitting.id)))


def row_of(tx: Session, course_id: str, row_id: str) -> OnSiteSitting:
    """Raises NoSuchOnSiteSitting, also for one of another course or withdrawn."""
    found = next((row for row in rows_of(tx, course_id) if row.id == row_id), None)
    if found is None:
        raise NoSuchOnSiteSitting
    return found
