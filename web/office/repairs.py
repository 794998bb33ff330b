"""Windows in which a second technology can verify an event that was held."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import Field

from proctor.exams.tables import Technology
from proctor.shares import repair
from web.access import ServicesDep, Signed, Tx
from web.office.events import EVENT, back_to, event_of, instant, office
from web.words import Sent

router = APIRouter(prefix=EVENT)


class WindowForm(Sent):
    technology: Technology
    opens_at: str = Field(min_length=1, max_length=30)
    closes_at: str = Field(min_length=1, max_length=30)


@router.post("/repairs", dependencies=[office])
def open_window(
    course_id: str,
    event_code: str,
    form: Annotated[WindowForm, Form()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    course, event = event_of(tx, visitor.account, course_id, event_code)
    span = instant(form.opens_at), instant(form.closes_at)
    now = at.clock.now()
    repair.open_window(tx, course, event, form.technology, *span, visitor.account, now)
    return back_to(course, event, "repairs")


@router.post("/repairs/{window_id}/end", dependencies=[office])
def end_window(
    course_id: str, event_code: str, window_id: str, tx: Tx, visitor: Signed, at: ServicesDep
) -> Response:
    course, event = event_of(tx, visitor.account, course_id, event_code)
    repair.end_window(tx, course, window_id, visitor.account, at.clock.now())
    return back_to(course, event, "repairs")
