"""What a person was told, and the way to what it is about."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from proctor.people import notices
from proctor.people.post import words_of
from proctor.people.tables import Role
from web.access import ReadTx, ServicesDep, Signed, Tx, allow
from web.pages import locale_of, page

router = APIRouter(include_in_schema=False)
_anybody = allow(*Role)


@router.get("/notices", dependencies=[_anybody])
def show(request: Request, tx: ReadTx, visitor: Signed) -> Response:
    found = notices.notices_of(tx, visitor.account.id)
    locale = locale_of(request)
    return page(request, "notices.html", notices=[(each, words_of(locale, each)) for each in found])


@router.post("/notices/seen", dependencies=[_anybody])
def see_all(tx: Tx, visitor: Signed, at: ServicesDep) -> Response:
    notices.see_all(tx, visitor.account.id, at.clock.now())
    return RedirectResponse("/notices", 303)


@router.post("/notices/{notice_id}", dependencies=[_anybody])
def see(notice_id: str, tx: Tx, visitor: Signed, at: ServicesDep) -> Response:
    """Go to what it is about."""
    notice = notices.see(tx, visitor.account.id, notice_id, at.clock.now())
    return RedirectResponse(notice.path, 303)
