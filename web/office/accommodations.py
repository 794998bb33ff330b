"""What learners of a course are granted: as effects, never why."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import Field
from sqlalchemy.orm import Session

from proctor.catalogue import translate
from proctor.errors import NotFound, Refused
from proctor.exams.accommodations import MOST_EXTRA_PERCENT, Effect, grant, granted_in
from proctor.exams.roster import learner_by_number
from proctor.exams.schemes import course_for
from proctor.exams.tables import Course
from proctor.people.tables import Role
from web.access import ReadTx, ServicesDep, Signed, Tx, allow
from web.errors import status_of
from web.pages import locale_of, page
from web.words import Sent

router = APIRouter()
office = allow(Role.EXAM_OFFICE, Role.ADMIN)


class GrantForm(Sent):
    """What a learner is granted in a course from now on; nothing ticked and no time ends it."""

    number: str = Field("", max_length=64)
    effects: list[Effect] = Field(default_factory=list)
    extra_time: int = 0


@router.get("/courses/{course_id}/accommodations", dependencies=[office])
def accommodations(request: Request, course_id: str, tx: ReadTx, visitor: Signed) -> Response:
    return _page(request, tx, course_for(tx, visitor.account, course_id))


@router.post("/courses/{course_id}/accommodations", dependencies=[office])
def grant_one(
    request: Request,
    course_id: str,
    form: Annotated[GrantForm, Form()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    course, by = course_for(tx, visitor.account, course_id), visitor.account
    try:
        learner = learner_by_number(tx, course.id, form.number.strip())
        grant(tx, by, learner, course.id, form.effects, form.extra_time, at.clock.now())
    except (NotFound, Refused) as error:
        key = "office.granted.no_learner" if isinstance(error, NotFound) else error.key
        status = 422 if isinstance(error, NotFound) else status_of(error)
        message = translate(locale_of(request), key, **error.ids)
        return _page(request, tx, course, status, form, message)
    return RedirectResponse(f"/office/courses/{course.id}/accommodations", 303)


def _page(
    request: Request,
    tx: Session,
    course: Course,
    status: int = 200,
    form: GrantForm | None = None,
    refused: str | None = None,
) -> Response:
    return page(
        request,
        "office/accommodations.html",
        status,
        course=course,
        granted=granted_in(tx, course.id),
        effects=list(Effect),
        most=MOST_EXTRA_PERCENT,
        form=form or GrantForm(),
        refused=refused,
    )
