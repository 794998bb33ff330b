"""One event of a course for the exam office: its page, who is admitted, a test elsewhere."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from proctor.centres import on_site
from proctor.clock import TIME_ZONE
from proctor.errors import Refused
from proctor.exams import external_tests
from proctor.exams.roster import learner_by_number, learners_of
from proctor.exams.schemes import EventNotFound, course_for, events_in_force
from proctor.exams.tables import AssessmentEvent, Course, Demand
from proctor.people.tables import Account, Role
from proctor.shares import repair
from proctor.sittings import admission, fallback
from proctor.sittings.desk import is_proctored
from proctor.sittings.repairs import is_published, windows_of
from web.access import ReadTx, ServicesDep, Signed, Tx, allow
from web.pages import page
from web.words import LocalTime, Sent

EVENT = "/courses/{course_id}/events/{event_code}"
router = APIRouter(prefix=EVENT)
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
    course, event = event_of(tx, visitor.account, course_id, event_code)
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
    course, event = event_of(tx, visitor.account, course_id, event_code)
    now = at.clock.now()
    admission.set_rule(tx, course, event.code, form.requires, form.demand, visitor.account, now)
    return back_to(course, event, "admission")


@router.post("/test", dependencies=[office])
def set_test(
    course_id: str,
    event_code: str,
    form: Annotated[AddressForm, Form()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    course, event = event_of(tx, visitor.account, course_id, event_code)
    now = at.clock.now()
    external_tests.set_address(tx, course.id, event.code, form.url, visitor.account, now)
    return back_to(course, event, "test")


@router.post("/overrides", dependencies=[office])
def override(
    course_id: str,
    event_code: str,
    form: Annotated[OverrideForm, Form()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    course, event = event_of(tx, visitor.account, course_id, event_code)
    learner = learner_by_number(tx, course.id, form.learner)
    now = at.clock.now()
    admission.override(tx, course, event.code, learner, form.reason, visitor.account, now)
    return back_to(course, event, "admission")


def event_of(
    tx: Session, account: Account, course_id: str, event_code: str
) -> tuple[Course, AssessmentEvent]:
    """Raises CourseNotFound or EventNotFound."""
    course = course_for(tx, account, course_id)
    for event in events_in_force(tx, course.id):
        if event.code == event_code:
            return course, event
    raise EventNotFound(course=course.id)


def instant(text: str) -> datetime:
    """Raises TimeUnreadable."""
    try:
        return _LOCAL_TIME.validate_python(text).replace(tzinfo=TIME_ZONE)
    except ValidationError:
        raise TimeUnreadable from None


def back_to(course: Course, event: AssessmentEvent, place: str) -> Response:
    return RedirectResponse(f"/office/courses/{course.id}/events/{event.code}#{place}", 303)
