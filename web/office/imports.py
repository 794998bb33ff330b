"""A file is sent, previewed, and taken in as it was previewed."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from proctor.exams.drafts import data_of, draft_for, keep_draft, put_away
from proctor.exams.intake import Effect, Preview, Stale, commit, preview
from proctor.exams.sheets import ImportRefused, RowError, read_sheet
from proctor.exams.tables import ImportDraft
from proctor.people.tables import Account, Role
from web.access import ReadTx, Services, ServicesDep, Signed, Tx, allow
from web.office.forms import FORMS, ImportKind, content_of, empty_sheet
from web.pages import page

SHOWN_ERRORS = 1000
SHOWN_LINES = 20

router = APIRouter(prefix="/imports")
office = allow(Role.EXAM_OFFICE, Role.ADMIN)


@router.get("", dependencies=[office])
def imports_page(
    request: Request,
    done: ImportKind | None = None,
    added: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    changed: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    unchanged: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    counts = {"added": added, "changed": changed, "unchanged": unchanged}
    return page(request, "office/imports.html", forms=FORMS, done=done, counts=counts, refused=None)


@router.get("/{kind}.csv", dependencies=[office])
def empty_file(kind: ImportKind) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{kind.value}.csv"'}
    return Response(empty_sheet(FORMS[kind]), media_type="text/csv", headers=headers)


@router.post("/{kind}", dependencies=[office])
def take_file(
    request: Request,
    kind: ImportKind,
    file: Annotated[UploadFile, File()],
    tx: Tx,
    visitor: Signed,
    services: ServicesDep,
) -> Response:
    """Keep a file that can be read line by line, whatever stands in its lines."""
    data, form = content_of(file), FORMS[kind].kind
    try:
        read_sheet(data, form.columns, form.line)
    except ImportRefused as refused:
        return _unreadable(request, kind, refused.errors)
    draft = keep_draft(
        tx,
        services.vault,
        visitor.account,
        kind.value,
        file.filename or "",
        data,
        services.clock.now(),
    )
    return RedirectResponse(f"/office/imports/drafts/{draft.id}", 303)


@router.get("/drafts/{draft_id}", dependencies=[office])
def preview_page(
    request: Request, draft_id: str, tx: ReadTx, visitor: Signed, services: ServicesDep
) -> Response:
    draft = draft_for(tx, visitor.account, draft_id, services.clock.now())
    return _preview(request, tx, visitor.account, services, draft)


@router.post("/drafts/{draft_id}", dependencies=[office])
def take_draft(
    request: Request,
    draft_id: str,
    digest: Annotated[str, Form(pattern="^[0-9a-f]{64}$")],
    reading: ReadTx,
    tx: Tx,
    visitor: Signed,
    services: ServicesDep,
    leave_out: Annotated[bool, Form()] = False,
) -> Response:
    """Take in what was previewed; where it has become something else, preview it again."""
    now, by = services.clock.now(), visitor.account
    # read beside the transaction that writes, which begins when all is at hand
    draft = draft_for(reading, by, draft_id, now)
    kind, data = ImportKind(draft.kind), data_of(reading, services.vault, draft)
    try:
        done = commit(tx, FORMS[kind].kind, by, data, now, digest=digest, leave_out=leave_out)
    except (Stale, ImportRefused) as refused:
        return _preview(request, reading, by, services, draft, refused.key)
    put_away(tx, draft.id)
    counts = f"added={done.added}&changed={done.changed}&unchanged={done.unchanged}"
    return RedirectResponse(f"/office/imports?done={kind.value}&{counts}", 303)


@router.post("/drafts/{draft_id}/put-away", dependencies=[office])
def put_draft_away(draft_id: str, tx: Tx, visitor: Signed, services: ServicesDep) -> Response:
    put_away(tx, draft_for(tx, visitor.account, draft_id, services.clock.now()).id)
    return RedirectResponse("/office/imports", 303)


def _unreadable(request: Request, kind: ImportKind, errors: tuple[RowError, ...]) -> Response:
    return page(
        request,
        "office/imports.html",
        status=422,
        forms=FORMS,
        done=None,
        refused=kind,
        errors=errors[:SHOWN_ERRORS],
        error_count=len(errors),
    )


def _preview(
    request: Request,
    tx: Session,
    by: Account,
    services: Services,
    draft: ImportDraft,
    refused: str | None = None,
) -> Response:
    kind = ImportKind(draft.kind)
    seen = preview(tx, FORMS[kind].kind, by, data_of(tx, services.vault, draft))
    return page(
        request,
        "office/import_preview.html",
        status=422 if refused else 200,
        kind=kind,
        draft=draft,
        seen=seen,
        refused=refused,
        errors=seen.errors[:SHOWN_ERRORS],
        error_count=len(seen.errors),
        wrong_lines=len({error.line for error in seen.errors}),
        lines=list(_told(seen)),
    )


def _told(seen: Preview) -> Iterator[tuple[int, Effect, tuple[str, ...]]]:
    """The first lines of what changes, then of what is added."""
    for effect in (Effect.CHANGED, Effect.ADDED):
        lines = sorted(line for line, found in seen.effects.items() if found is effect)
        for line in lines[:SHOWN_LINES]:
            yield line, effect, seen.sheet.cells[line]
