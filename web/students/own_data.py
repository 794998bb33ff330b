"""What is held of a student: until when, as a file, and how to have it erased."""

import json

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.catalogue import translate
from proctor.errors import Conflict
from proctor.identity.tables import Reference
from proctor.people.tables import Role
from proctor.retention import erasure
from proctor.retention.export import held_of
from proctor.retention.facts import standing_of_reference, with_evidence
from proctor.retention.holds import holds_of
from proctor.retention.tables import Erasure
from proctor.sittings.tables import Sitting
from web.access import ReadTx, Services, ServicesDep, Signed, Tx, Visitor, allow
from web.errors import status_of
from web.pages import locale_of, page

router = APIRouter(prefix="/my-data", include_in_schema=False)
_student = allow(Role.STUDENT)


@router.get("", dependencies=[_student])
def own_data(request: Request, tx: ReadTx, visitor: Signed, at: ServicesDep) -> Response:
    return _page(request, tx, visitor, at)


@router.get("/export.json", dependencies=[_student])
def export(tx: ReadTx, visitor: Signed, at: ServicesDep) -> Response:
    """All that is held of the visitor."""
    held = held_of(tx, at.vault, visitor.account, at.clock.now())
    text = json.dumps(held, ensure_ascii=False, indent=1, sort_keys=True)
    return _file(text.encode(), "my-data.json")


@router.post("/erasure", dependencies=[_student])
def ask(request: Request, tx: Tx, visitor: Signed, at: ServicesDep) -> Response:
    try:
        erasure.ask(tx, visitor.account, at.clock.now())
    except Conflict as error:
        return _page(request, tx, visitor, at, error)
    return RedirectResponse("/my-data#erasure", 303)


@router.post("/erasure/withdraw", dependencies=[_student])
def withdraw(request: Request, tx: Tx, visitor: Signed, at: ServicesDep) -> Response:
    try:
        erasure.withdraw(tx, visitor.account, at.clock.now())
    except Conflict as error:
        return _page(request, tx, visitor, at, error)
    return RedirectResponse("/my-data#erasure", 303)


@router.get("/erasures/{erasure_id}.json", dependencies=[_student])
def receipt(erasure_id: str, tx: ReadTx, visitor: Signed) -> Response:
    """What was erased, and what stays."""
    row = tx.get(Erasure, erasure_id)
    if row is None or row.account_id != visitor.account.id or row.done_at is None:
        raise erasure.NoSuchErasure
    return _file(erasure.receipt_bytes(row), "erasure-receipt.json")


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/json", headers=headers)


def _page(
    request: Request, tx: Session, visitor: Visitor, at: Services, error: Conflict | None = None
) -> Response:
    student, now, locale = visitor.account, at.clock.now(), locale_of(request)
    samples = tx.scalars(select(Reference).where(Reference.account_id == student.id)).all()
    asked = erasure.newest_of(tx, student.id)
    is_open = asked is not None and asked.is_open
    held = erasure.held_by(tx, student, now) if is_open else frozenset()
    return page(
        request,
        "students/own_data.html",
        200 if error is None else status_of(error),
        samples=[(row, standing_of_reference(tx, row, now).due_at) for row in samples],
        sittings=len(tx.scalars(with_evidence().where(Sitting.account_id == student.id)).all()),
        legal_holds=holds_of(tx, student.id, now),
        asked=asked,
        is_open=is_open,
        held=[translate(locale, f"retention.why.{why}") for why in sorted(held)],
        stays=erasure.STAYS,
        refused=translate(locale, error.key) if error else None,
    )
