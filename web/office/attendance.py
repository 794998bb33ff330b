"""Attendance lists and declarations of the format 0/0/100: one page, and the forms as files."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import Field
from sqlalchemy.orm import Session

from proctor.catalogue import translate
from proctor.errors import Conflict, NotFound, Refused
from proctor.exams.roster import learner_by_number
from proctor.exams.schemes import course_for
from proctor.exams.tables import Course
from proctor.people.tables import Role
from proctor.reports.attendance import (
    Part,
    attendance,
    attendance_form,
    declarations,
    declarations_form,
)
from proctor.reports.forms import FormFormat, content_of
from proctor.sittings.declarations import FORMAT, declare, declared_in, take_back
from web.access import ReadTx, ServicesDep, Signed, Tx, allow
from web.downloads import download
from web.errors import status_of
from web.pages import locale_of, page
from web.words import Day, Sent

router = APIRouter(prefix="/courses/{course_id}")
office = allow(Role.EXAM_OFFICE, Role.ADMIN)


class DeclarationForm(Sent):
    number: str = Field("", max_length=64)
    declared_on: Day


@router.get("/attendance", dependencies=[office])
def attendance_page(request: Request, course_id: str, tx: ReadTx, visitor: Signed) -> Response:
    return _page(request, tx, course_for(tx, visitor.account, course_id))


@router.get("/attendance.{file_format}", dependencies=[office])
def attendance_file(
    request: Request,
    course_id: str,
    file_format: FormFormat,
    part: Part,
    first: Annotated[Day, Query()],
    last: Annotated[Day, Query()],
    tx: ReadTx,
    visitor: Signed,
    services: ServicesDep,
) -> Response:
    course, locale = course_for(tx, visitor.account, course_id), locale_of(request)
    try:
        data = attendance(tx, course, part, first, last, services.clock.now())
    except Refused as error:
        return _page(request, tx, course, status_of(error), days=translate(locale, error.key))
    content = content_of(attendance_form(data, locale), file_format)
    return download(content, f"{course.code}-{part}-attendance.{file_format}")


@router.get("/declarations.{file_format}", dependencies=[office])
def declarations_file(
    request: Request,
    course_id: str,
    file_format: FormFormat,
    tx: ReadTx,
    visitor: Signed,
    services: ServicesDep,
) -> Response:
    course = course_for(tx, visitor.account, course_id)
    form = declarations_form(declarations(tx, course, services.clock.now()), locale_of(request))
    return download(content_of(form, file_format), f"{course.code}-declarations.{file_format}")


@router.post("/declarations", dependencies=[office])
def declare_one(
    request: Request,
    course_id: str,
    form: Annotated[DeclarationForm, Form()],
    tx: Tx,
    visitor: Signed,
    services: ServicesDep,
) -> Response:
    course = course_for(tx, visitor.account, course_id)
    try:
        learner = learner_by_number(tx, course.id, form.number.strip())
        declare(tx, course, learner, form.declared_on, visitor.account, services.clock.now())
    except (NotFound, Refused, Conflict) as error:
        key = "office.granted.no_learner" if isinstance(error, NotFound) else error.key
        status = 422 if isinstance(error, NotFound) else status_of(error)
        message = translate(locale_of(request), key, **error.ids)
        return _page(request, tx, course, status, declaration=message)
    return RedirectResponse(f"/office/courses/{course.id}/attendance#declared", 303)


@router.post("/declarations/{declaration_id}/withdrawal", dependencies=[office])
def take_one_back(
    course_id: str, declaration_id: str, tx: Tx, visitor: Signed, services: ServicesDep
) -> Response:
    course = course_for(tx, visitor.account, course_id)
    take_back(tx, course, declaration_id, visitor.account, services.clock.now())
    return RedirectResponse(f"/office/courses/{course.id}/attendance#declared", 303)


def _page(
    request: Request,
    tx: Session,
    course: Course,
    status: int = 200,
    *,
    days: str | None = None,
    declaration: str | None = None,
) -> Response:
    return page(
        request,
        "office/attendance.html",
        status,
        course=course,
        format=FORMAT,
        parts=list(Part),
        formats=list(FormFormat),
        declared=declared_in(tx, course.id),
        days_refused=days,
        declaration_refused=declaration,
    )
