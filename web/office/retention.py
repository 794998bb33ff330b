"""What is kept how long, what is past its term and why it is still there, and legal holds."""

from datetime import datetime, time
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import Field
from sqlalchemy.orm import Session

from proctor.catalogue import translate
from proctor.clock import TIME_ZONE
from proctor.errors import Conflict, ProctorError, Refused
from proctor.people.tables import Role
from proctor.retention import erasure, holds
from proctor.retention.due import find_due
from proctor.retention.rules import HOLDS, Kept
from proctor.retention.sweep import go_on
from proctor.retention.terms import MOST_DAYS, set_term, terms_of
from proctor.review.verdicts import MAX_REASON, MIN_REASON
from web.access import ReadTx, Services, ServicesDep, Signed, Tx, Visitor, allow
from web.errors import status_of
from web.pages import locale_of, page
from web.words import Day, Sent

router = APIRouter(prefix="/retention")
office = allow(Role.EXAM_OFFICE, Role.ADMIN)


class TermForm(Sent):
    """How many days something is kept from now on."""

    kept: Kept
    days: int


class RefusalForm(Sent):
    """Why a request for erasure is refused."""

    reason: str = Field("", max_length=4 * MAX_REASON)


class HoldForm(Sent):
    """Whose data is kept from being erased, why, and up to which day."""

    student: str = Field("", max_length=254)
    reason: str = Field("", max_length=4 * MAX_REASON)
    until: Day


@router.get("", dependencies=[office])
def retention(request: Request, tx: ReadTx, visitor: Signed, at: ServicesDep) -> Response:
    return _page(request, tx, visitor, at)


@router.post("/terms", dependencies=[office])
def change_term(
    request: Request, form: Annotated[TermForm, Form()], tx: Tx, visitor: Signed, at: ServicesDep
) -> Response:
    try:
        set_term(tx, visitor.account, form.kept, form.days, at.clock.now())
    except Refused as error:
        return _page(request, tx, visitor, at, error)
    return RedirectResponse("/office/retention#terms", 303)


@router.post("/holds", dependencies=[office])
def ask_for_hold(
    request: Request, form: Annotated[HoldForm, Form()], tx: Tx, visitor: Signed, at: ServicesDep
) -> Response:
    until = datetime.combine(form.until, time(23, 59, 59), TIME_ZONE)
    by = visitor.account
    try:
        student = holds.student_called(tx, by.institution_id, form.student)
        holds.ask(tx, by, student, form.reason, until, at.clock.now())
    except (Refused, holds.NoSuchStudent) as error:
        return _page(request, tx, visitor, at, error, form)
    return RedirectResponse("/office/retention#holds", 303)


@router.post("/holds/{hold_id}/confirm", dependencies=[office])
def confirm_hold(
    request: Request, hold_id: str, tx: Tx, visitor: Signed, at: ServicesDep
) -> Response:
    try:
        holds.confirm(tx, visitor.account, hold_id, at.clock.now())
    except Conflict as error:
        return _page(request, tx, visitor, at, error)
    return RedirectResponse("/office/retention#holds", 303)


@router.post("/holds/{hold_id}/lift", dependencies=[office])
def lift_hold(request: Request, hold_id: str, tx: Tx, visitor: Signed, at: ServicesDep) -> Response:
    try:
        holds.lift(tx, visitor.account, hold_id, at.clock.now())
    except Conflict as error:
        return _page(request, tx, visitor, at, error)
    return RedirectResponse("/office/retention#holds", 303)


@router.post("/erasures/{erasure_id}/confirm", dependencies=[office])
def confirm_erasure(
    request: Request, erasure_id: str, visitor: Signed, at: ServicesDep
) -> Response:
    """Destroy the key of whoever asked, then the files: what was begun is gone on with."""
    now = at.clock.now()
    try:
        with at.db.transaction() as tx:
            erasure.confirm(tx, at.vault, visitor.account, erasure_id, now)
    except Conflict as error:
        with at.db.reading() as tx:
            return _page(request, tx, visitor, at, error)
    go_on(at.db, at.settings.recordings_dir, now)
    return RedirectResponse("/office/retention#erasures", 303)


@router.post("/erasures/{erasure_id}/refuse", dependencies=[office])
def refuse_erasure(
    request: Request,
    erasure_id: str,
    form: Annotated[RefusalForm, Form()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    try:
        erasure.refuse(tx, visitor.account, erasure_id, form.reason, at.clock.now())
    except (Refused, Conflict) as error:
        return _page(request, tx, visitor, at, error, refusal=(erasure_id, form.reason))
    return RedirectResponse("/office/retention#erasures", 303)


def _page(
    request: Request,
    tx: Session,
    visitor: Visitor,
    at: Services,
    error: ProctorError | None = None,
    form: HoldForm | None = None,
    *,
    refusal: tuple[str, str] | None = None,
) -> Response:
    """``error``: why what was sent is refused. ``form``, ``refusal``: what was written then."""
    now, institution_id = at.clock.now(), visitor.account.institution_id
    due = find_due(tx, institution_id, now)
    sittings, references = due.now_due(now)
    held = due.held(now)
    many_sittings, many_references = due.too_many(now, at.settings.expiry_percent)
    terms = terms_of(tx, institution_id)
    return page(
        request,
        "office/retention.html",
        _status_of(error),
        terms=[(kept.value, terms.days(kept), MOST_DAYS[kept]) for kept in Kept],
        kept=due.kept,
        sittings=len(sittings),
        references=len(references),
        held=[(why.value, held[why]) for why in sorted(HOLDS) if held[why]],
        used=due.used,
        many_sittings=len(many_sittings),
        many_references=len(many_references),
        holds=holds.open_holds(tx, institution_id, now),
        erasures=[
            (row, student, sorted(erasure.held_by(tx, student, now)))
            for row, student in erasure.waiting(tx, institution_id)
        ],
        form=form,
        refusal=dict([refusal] if refusal else ()),
        least=MIN_REASON,
        most=MAX_REASON,
        refused=translate(locale_of(request), error.key, **error.ids) if error else None,
    )


def _status_of(error: ProctorError | None) -> int:
    # a name that fits nobody is a field filled in wrong, the page is there
    if isinstance(error, holds.NoSuchStudent):
        return 422
    return 200 if error is None else status_of(error)
