"""Certificates of a course: what is printed on them, who gets one, and the register."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from pydantic import Field, ValidationError
from sqlalchemy.orm import Session

from proctor.exams.roster import learners_of
from proctor.exams.schemes import course_for, events_in_force
from proctor.exams.sheets import ImportRefused
from proctor.exams.tables import Course
from proctor.people.tables import Account, Role
from proctor.reports.certificate_form import (
    RESULT_COLUMNS,
    CertificateForm,
    keep_form,
    kept_form,
    last_form,
    results_of,
)
from proctor.reports.certificate_register import register, rule
from proctor.reports.certificates import certificate_for, issue_certificates
from proctor.reports.tables import Certificate, CertificateStatus
from proctor.sittings.admission import required_reason
from web.access import ReadTx, Services, ServicesDep, Signed, Tx, allow
from web.certificates import certificate_file
from web.office.forms import content_of
from web.pages import page
from web.words import Sent, printable

router = APIRouter()
office = allow(Role.EXAM_OFFICE, Role.ADMIN)
_SHOWN = 50
_SHOWN_ERRORS = 1000
_WRONG = {
    "string_too_long": "long",
    "string_pattern_mismatch": "email",
    "int_parsing": "number",
    "greater_than_equal": "number",
    "less_than_equal": "number",
}


async def texts_as_typed(request: Request) -> dict[str, str]:
    """The fields of the form, right or wrong: the page shows again what was refused."""
    async with request.form() as form:
        typed = {name: form.get(name, "") for name in CertificateForm.model_fields}
    # browsers send the ends of lines as two characters and count them as one
    return {
        name: str(printable(text)).replace("\r\n", "\n")
        for name, text in typed.items()
        if isinstance(text, str)
    }


class RulingForm(Sent):
    status: CertificateStatus
    reason: str = Field(max_length=2000)


@router.get("/courses/{course_id}/certificates", dependencies=[office])
def certificates_page(
    request: Request,
    course_id: str,
    tx: ReadTx,
    visitor: Signed,
    at: ServicesDep,
    leaf: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
) -> Response:
    course = course_for(tx, visitor.account, course_id)
    return _page(request, tx, course, at, leaf)


@router.post("/courses/{course_id}/certificates/texts", dependencies=[office])
def set_texts(
    request: Request,
    course_id: str,
    typed: Annotated[dict[str, str], Depends(texts_as_typed)],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    course = course_for(tx, visitor.account, course_id)
    try:
        texts = CertificateForm.model_validate(typed)
    except ValidationError as error:
        return _page(request, tx, course, at, typed=typed, wrong=_wrong(error), status=422)
    keep_form(tx, course, texts, visitor.account, at.clock.now())
    return RedirectResponse(f"/office/courses/{course.id}/certificates#issue", 303)


@router.post("/courses/{course_id}/certificates", dependencies=[office])
def issue(
    request: Request,
    course_id: str,
    file: Annotated[UploadFile, File()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    """Everybody who passed gets the next number; what the others lack is said by name."""
    course = course_for(tx, visitor.account, course_id)
    form = kept_form(tx, course)
    if form is None:
        return _page(request, tx, course, at, status=422)
    learners, url, now = learners_of(tx, course.id), at.settings.url, at.clock.now()
    titles = {event.code: event.title for event in events_in_force(tx, course.id)}
    try:
        results = results_of(content_of(file), learners, titles)
    except ImportRefused as refused:
        return _page(request, tx, course, at, refused=refused, status=422)
    issued, lacking = 0, []
    for learner, made in issue_certificates(tx, course, learners, form, results, url, now):
        if isinstance(made, Certificate):
            issued += 1
        elif not made[0].startswith("already_issued"):
            lacking.append((learner, _in_short(made, titles)))
    return _page(request, tx, course, at, issued=issued, lacking=lacking)


@router.post("/certificates/{certificate_id}/rulings", dependencies=[office])
def rule_on(
    certificate_id: str,
    form: Annotated[RulingForm, Form()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    row, reason = certificate_for(tx, visitor.account, certificate_id), required_reason(form.reason)
    rule(tx, row.id, form.status, reason, visitor.account, at.clock.now())
    return RedirectResponse(f"/office/courses/{row.course_id}/certificates#n{row.number}", 303)


@router.get("/certificates/{certificate_id}.pdf", dependencies=[office])
def pdf(certificate_id: str, tx: ReadTx, visitor: Signed, at: ServicesDep) -> Response:
    return certificate_file(tx, certificate_for(tx, visitor.account, certificate_id), at)


def _page(
    request: Request,
    tx: Session,
    course: Course,
    at: Services,
    leaf: int = 1,
    *,
    typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None,
    refused: ImportRefused | None = None,
    issued: int | None = None,
    lacking: list[tuple[Account, dict[str, str]]] | None = None,
    status: int = 200,
) -> Response:
    offset = (leaf - 1) * _SHOWN
    total, entries = register(tx, course, at.clock.now(), offset=offset, limit=_SHOWN)
    kept = kept_form(tx, course)
    filled = kept or last_form(tx, course.institution_id)
    errors = refused.errors if refused else ()
    return page(
        request,
        "office/certificates.html",
        status=status,
        course=course,
        form=typed or (filled.model_dump() if filled else {}),
        fields=CertificateForm.model_json_schema()["properties"],
        wrong=wrong or {},
        is_kept=kept is not None,
        columns=list(RESULT_COLUMNS),
        errors=errors[:_SHOWN_ERRORS],
        error_count=len(errors),
        issued=issued,
        lacking=lacking,
        entries=entries,
        leaf=leaf,
        leaves=-(-total // _SHOWN) or 1,
        statuses=list(CertificateStatus),
    )


def _wrong(refused: ValidationError) -> dict[str, str]:
    """What is wrong with which field, in short."""
    errors = refused.errors(include_url=False, include_input=False)
    return {str(each["loc"][0]): _WRONG.get(each["type"], "needed") for each in errors}


def _in_short(reasons: Sequence[str], titles: Mapping[str, str]) -> dict[str, str]:
    """What goes with each reason, by its short name; events by their titles."""
    found: dict[str, str] = {}
    for reason in reasons:
        name, _, value = reason.partition(":")
        told = titles.get(value, value)
        found[name] = f"{found[name]}; {told}" if name in found else told
    return found
