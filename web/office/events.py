"""One event of a course for the exam office: admission, sittings on site, suspended sittings."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from proctor.centres import on_site
from proctor.centres.tables import Cause
from proctor.clock import TIME_ZONE
from proctor.errors import Refused
from proctor.exams import external_tests
from proctor.exams.roster import learner_by_number, learners_of
from proctor.exams.schemes import EventNotFound, course_for, events_in_force
from proctor.exams.tables import AssessmentEvent, Course, Demand, Technology
from proctor.people.tables import Account, Role
from proctor.shares import repair
from proctor.sittings import admission, fallback
from proctor.sittings.admission import required_reason
from proctor.sittings.desk import NotRunning, is_proctored
from proctor.sittings.repairs import is_published, windows_of
from proctor.sittings.tables import Sitting
from web.access import ReadTx, Services, ServicesDep, Signed, Tx, allow
from web.pages import page
from web.words import LocalTime, Sent

router = APIRouter(prefix="/courses/{course_id}/events/{event_code}")
office = allow(Role.EXAM_OFFICE, Role.ADMIN)
_LOCAL_TIME: TypeAdapter[datetime] = TypeAdapter(LocalTime)


class TimeUnreadable(Refused):
    """The date and the time cannot be read."""

    key = "error.time"


class RuleForm(Sent):
    requires: list[str] = Field(default_factory=list)
    demand: Demand = Demand.SUBMITTED


class OverrideForm(Sent):
    learner: str = Field(max_length=64)
    reason: str = Field(max_length=2000)


class AddressForm(Sent):
    url: str = Field("", max_length=2000)


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


class WindowForm(Sent):
    technology: Technology
    opens_at: str = Field(min_length=1, max_length=30)
    closes_at: str = Field(min_length=1, max_length=30)


@dataclass(frozen=True, slots=True)
class Lacking:
    """A learner and what they have not done; ``override``: why they are let in all the same."""

    learner: Account
    titles: tuple[str, ...]
    override: admission.Override | None


@router.get("", dependencies=[office])
def event_page(
    request: Request, course_id: str, event_code: str, tx: ReadTx, visitor: Signed
) -> Response:
    course, event = _found(tx, visitor.account, course_id, event_code)
    learners = {person.id: person for person in learners_of(tx, course.id)}
    titles = {each.code: each.title for each in events_in_force(tx, course.id)}
    missing = admission.lacking(tx, course, event.code, list(learners))
    overrides = admission.overrides_of(tx, course.id)
    return page(
        request,
        "office/event.html",
        course=course,
        event=event,
        online=is_proctored(event),
        test=external_tests.address_of(tx, course.id, event.code),
        code_name=external_tests.CODE,
        others=[(code, title) for code, title in titles.items() if code != event.code],
        rule=admission.rule_of(tx, course.id, event.code),
        lacking=[
            Lacking(
                learners[learner],
                tuple(titles[code] for code in codes),
                overrides.get((learner, event.code)),
            )
            for learner, codes in missing.items()
        ],
        rows=[
            (row, learners.get(row.account_id or ""))
            for row in on_site.rows_of(tx, course.id)
            if row.event_code == event.code
        ],
        is_moved=event.code in on_site.on_site_of(tx, course.id).everybody,
        suspended=fallback.suspended(tx, event),
        second=repair.second_technologies(course, event),
        windows=[row for row in windows_of(tx, course.id) if row.event_code == event.code],
        published=is_published(tx, course.id, event),
        running=fallback.running(tx, event),
    )


@router.post("/admission", dependencies=[office])
def set_rule(
    course_id: str,
    event_code: str,
    form: Annotated[RuleForm, Form()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    course, event = _found(tx, visitor.account, course_id, event_code)
    now = at.clock.now()
    admission.set_rule(tx, course, event.code, form.requires, form.demand, visitor.account, now)
    return _back(course, event, "admission")


@router.post("/test", dependencies=[office])
def set_test(
    course_id: str,
    event_code: str,
    form: Annotated[AddressForm, Form()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    course, event = _found(tx, visitor.account, course_id, event_code)
    now = at.clock.now()
    external_tests.set_address(tx, course.id, event.code, form.url, visitor.account, now)
    return _back(course, event, "test")


@router.post("/overrides", dependencies=[office])
def override(
    course_id: str,
    event_code: str,
    form: Annotated[OverrideForm, Form()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    course, event = _found(tx, visitor.account, course_id, event_code)
    learner = learner_by_number(tx, course.id, form.learner)
    now = at.clock.now()
    admission.override(tx, course, event.code, learner, form.reason, visitor.account, now)
    return _back(course, event, "admission")


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
    held_at = _instant(form.held_at) if form.held_at else None

    def declare() -> tuple[Course, AssessmentEvent, list[str]]:
        with at.db.transaction() as tx:
            course, event = _found(tx, by, course_id, event_code)
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
    return _back(course, event, "on-site")


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
    course, event = _found(tx, visitor.account, course_id, event_code)
    row = on_site.row_of(tx, course.id, row_id)
    now = at.clock.now()
    on_site.appoint(tx, row, form.place.strip(), _instant(form.held_at), visitor.account, now)
    return _back(course, event, "on-site")


@router.post("/on-site/{row_id}/withdrawal", dependencies=[office])
def withdraw(
    course_id: str, event_code: str, row_id: str, tx: Tx, visitor: Signed, at: ServicesDep
) -> Response:
    course, event = _found(tx, visitor.account, course_id, event_code)
    row = on_site.row_of(tx, course.id, row_id)
    fallback.hold_online(tx, row, visitor.account, at.clock.now())
    return _back(course, event, "on-site")


@router.post("/repairs", dependencies=[office])
def open_window(
    course_id: str,
    event_code: str,
    form: Annotated[WindowForm, Form()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    course, event = _found(tx, visitor.account, course_id, event_code)
    span = _instant(form.opens_at), _instant(form.closes_at)
    now = at.clock.now()
    repair.open_window(tx, course, event, form.technology, *span, visitor.account, now)
    return _back(course, event, "repairs")


@router.post("/repairs/{window_id}/end", dependencies=[office])
def end_window(
    course_id: str, event_code: str, window_id: str, tx: Tx, visitor: Signed, at: ServicesDep
) -> Response:
    course, event = _found(tx, visitor.account, course_id, event_code)
    repair.end_window(tx, course, window_id, visitor.account, at.clock.now())
    return _back(course, event, "repairs")


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
            course, event = _found(tx, by, course_id, event_code)
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
    return _back(course, event, "suspended")


async def _suspend(at: Services, sitting_id: str, by: Account, reason: str) -> None:
    live = await at.live.open(sitting_id)
    try:
        await live.invigilation.pause(by, reason)
    except NotRunning:
        # paused by a proctor already, or over by now
        return


def _found(
    tx: Session, account: Account, course_id: str, event_code: str
) -> tuple[Course, AssessmentEvent]:
    """Raises CourseNotFound or EventNotFound."""
    course = course_for(tx, account, course_id)
    for event in events_in_force(tx, course.id):
        if event.code == event_code:
            return course, event
    raise EventNotFound(course=course.id)


def _instant(text: str) -> datetime:
    """Raises TimeUnreadable."""
    try:
        return _LOCAL_TIME.validate_python(text).replace(tzinfo=TIME_ZONE)
    except ValidationError:
        raise TimeUnreadable from None


def _back(course: Course, event: AssessmentEvent, place: str) -> Response:
    return RedirectResponse(f"/office/courses/{course.id}/events/{event.code}#{place}", 303)
