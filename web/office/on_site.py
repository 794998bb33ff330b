"""An event that moves on site, and what becomes of the exams this stopped."""

import asyncio
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy.orm import Session

from proctor.centres import on_site
from proctor.centres.tables import Cause
from proctor.exams.schemes import EventNotFound
from proctor.exams.tables import AssessmentEvent, Course
from proctor.people.tables import Account
from proctor.sittings import fallback
from proctor.sittings.admission import required_reason
from proctor.sittings.desk import NotRunning
from proctor.sittings.tables import Sitting
from web.access import Services, ServicesDep, Signed, Tx
from web.office.events import EVENT, back_to, event_of, instant, office
from web.words import Sent

router = APIRouter(prefix=EVENT)


class OnSiteForm(Sent):
    """``held_at``: of a field of the kind ``datetime-local``, on the clocks of the institution."""

    cause: Literal["planned", "outage"] = "planned"
    reason: str = Field(max_length=2000)
    place: str = Field("", max_length=300)
    held_at: str = Field("", max_length=30)


class AppointmentForm(Sent):
    place: str = Field(min_length=1, max_length=300)
    held_at: str = Field(min_length=1, max_length=30)


class DecisionForm(Sent):
    decision: Literal["resume", "on_site"]
    reason: str = Field(max_length=2000)


@router.post("/on-site", dependencies=[office])
async def move_all(
    course_id: str,
    event_code: str,
    form: Annotated[OnSiteForm, Form()],
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    """Nobody begins online any more; exams under way are suspended until somebody decides."""
    by, reason = visitor.account, required_reason(form.reason)
    held_at = instant(form.held_at) if form.held_at else None

    def declare() -> tuple[Course, AssessmentEvent, list[str]]:
        with at.db.transaction() as tx:
            course, event = event_of(tx, by, course_id, event_code)
            cause, place = Cause(form.cause), form.place.strip() or None
            sittings = fallback.move_everybody(
                tx, course, event, cause, reason, by, at.clock.now(), place=place, held_at=held_at
            )
            return course, event, sittings

    course, event, sittings = await asyncio.to_thread(declare)
    suspending = (_suspend(at, sitting_id, by, reason) for sitting_id in sittings)
    # one that cannot be suspended keeps no other from it; the office tries it again
    for failed in await asyncio.gather(*suspending, return_exceptions=True):
        if isinstance(failed, BaseException):
            raise failed
    return back_to(course, event, "on-site")


@router.post("/on-site/{row_id}", dependencies=[office])
def appoint(
    course_id: str,
    event_code: str,
    row_id: str,
    form: Annotated[AppointmentForm, Form()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    course, event = event_of(tx, visitor.account, course_id, event_code)
    row = on_site.row_of(tx, course.id, row_id)
    now = at.clock.now()
    on_site.appoint(tx, row, form.place.strip(), instant(form.held_at), visitor.account, now)
    return back_to(course, event, "on-site")


@router.post("/on-site/{row_id}/withdrawal", dependencies=[office])
def withdraw(
    course_id: str, event_code: str, row_id: str, tx: Tx, visitor: Signed, at: ServicesDep
) -> Response:
    course, event = event_of(tx, visitor.account, course_id, event_code)
    row = on_site.row_of(tx, course.id, row_id)
    fallback.hold_online(tx, row, visitor.account, at.clock.now())
    return back_to(course, event, "on-site")


@router.post("/sittings/{sitting_id}", dependencies=[office])
async def decide(
    course_id: str,
    event_code: str,
    sitting_id: str,
    form: Annotated[DecisionForm, Form()],
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    """A suspended exam goes on, or is sat again on site."""
    by, reason = visitor.account, required_reason(form.reason)

    def check() -> tuple[Course, AssessmentEvent]:
        with at.db.reading() as tx:
            course, event = event_of(tx, by, course_id, event_code)
            if sitting_id not in {sitting.id for sitting, _ in fallback.suspended(tx, event)}:
                raise EventNotFound(course=course.id)
            return course, event

    course, event = await asyncio.to_thread(check)
    sitting = (await at.live.open(sitting_id)).invigilation

    def write(tx: Session, now: datetime) -> None:
        row = tx.get_one(Sitting, sitting_id)
        if form.decision == "resume":
            fallback.decide_resume(tx, course, row, reason, by, now)
        else:
            fallback.decide_on_site(tx, course, row, reason, by, now)

    if form.decision == "on_site":
        await sitting.move_on_site(write)
    else:
        await sitting.write_decision(write)
        await sitting.resume(by)
    return back_to(course, event, "suspended")


async def _suspend(at: Services, sitting_id: str, by: Account, reason: str) -> None:
    live = await at.live.open(sitting_id)
    try:
        await live.invigilation.pause(by, reason)
    except NotRunning:
        # paused by a proctor already, or over by now
        return
