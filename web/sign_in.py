"""Signing in and out, the language, and the way to each role's first page."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from proctor.catalogue import LOCALES
from proctor.people import sign_in
from proctor.people.tables import Role
from web.access import COOKIE, Services, ServicesDep, Tx, Visitor, public
from web.pages import LANGUAGE_COOKIE, page
from web.words import Printable

router = APIRouter(include_in_schema=False)

FIRST_PAGES = {
    Role.STUDENT: "/exams",
    Role.PROCTOR: "/review",
    Role.REVIEWER: "/review",
    Role.TEACHER: "/office",
    Role.EXAM_OFFICE: "/office",
    Role.ADMIN: "/office",
}


@router.get("/", dependencies=[public()])
def home(request: Request) -> Response:
    visitor: Visitor | None = request.state.visitor
    return _see(FIRST_PAGES[visitor.account.role] if visitor else "/sign-in")


@router.get("/sign-in", dependencies=[public()])
def form(request: Request) -> Response:
    return page(request, "sign_in.html", wrong=False, email="")


@router.post("/sign-in", dependencies=[public()])
async def with_password(
    request: Request,
    at: ServicesDep,
    email: Annotated[Printable, Form(max_length=254)],
    password: Annotated[str, Form(max_length=1024)],
) -> Response:
    address = request.client.host if request.client else ""
    at.tries.take(email, address)
    try:
        async with at.tries.room:
            token = await asyncio.to_thread(_proven, at, email, password)
    except sign_in.WrongPassword:
        return page(request, "sign_in.html", status=422, wrong=True, email=email)
    at.tries.forget(email, address)
    return _signed_in(at, token)


@router.get("/sign-in/{token}", dependencies=[public()])
def link(request: Request, token: str) -> Response:
    """A button: mail programs that follow links must not use it up."""
    return page(request, "sign_in_link.html", token=token)


@router.post("/sign-in/{token}", dependencies=[public()])
def use_link(token: str, tx: Tx, at: ServicesDep) -> Response:
    return _signed_in(at, sign_in.use_link(tx, token, at.clock.now()))


@router.post("/sign-out", dependencies=[public()])
def out(request: Request, tx: Tx, at: ServicesDep) -> Response:
    sign_in.end(tx, request.cookies.get(COOKIE, ""), at.clock.now())
    response = _see("/sign-in")
    response.delete_cookie(COOKIE)
    return response


@router.post("/language", dependencies=[public()])
def language(
    locale: Annotated[str, Form(max_length=2)], back: Annotated[str, Form(max_length=300)] = "/"
) -> Response:
    # only a path of this service: the browser reads // and /\ as another host
    safe = back.startswith("/") and back[1:2] not in ("/", "\\")
    response = _see(back if safe else "/")
    if locale in LOCALES:
        response.set_cookie(LANGUAGE_COOKIE, locale, max_age=31_536_000, samesite="lax")
    return response


def _proven(at: Services, email: str, password: str) -> str:
    with at.db.reading() as tx:
        claimed = sign_in.claim(tx, email)
    account_id = sign_in.proven(claimed, password)
    with at.db.transaction() as tx:
        return sign_in.begin(tx, account_id, at.clock.now())


def _signed_in(at: ServicesDep, token: str) -> Response:
    response = _see("/")
    secure = at.settings.url.startswith("https")
    response.set_cookie(COOKIE, token, httponly=True, samesite="lax", secure=secure)
    return response


def _see(url: str) -> RedirectResponse:
    return RedirectResponse(url, 303)
