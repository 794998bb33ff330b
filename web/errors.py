"""Errors as people and programs see them: problem+json for the API, a page otherwise."""

import structlog
from fastapi import FastAPI, Request, WebSocket
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from proctor.catalogue import translate
from proctor.errors import Conflict, NotFound, ProctorError, Refused, Unavailable
from proctor.people.password_tries import TooManyTries
from web.access import SignInNeeded, TokenNeeded
from web.pages import locale_of, page

log = structlog.get_logger()

REFUSED_SOCKET = 4404

STATUS: tuple[tuple[type[ProctorError], int], ...] = (
    (SignInNeeded, 401),
    (NotFound, 404),
    (Conflict, 409),
    (Unavailable, 503),
    (TooManyTries, 429),
    (Refused, 422),
)
_RETRY_AFTER_S = "5"
_KEYS = {404: "error.not_found", 405: "error.not_found", 413: "error.too_large"}


def install(app: FastAPI) -> None:
    # the declared type knows handlers of requests or of sockets, this one is for both
    app.add_exception_handler(ProctorError, _known)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(SQLAlchemyError, _database)


def status_of(error: ProctorError) -> int:
    return next((status for kind, status in STATUS if isinstance(error, kind)), 422)


def problem(request: Request, status: int, key: str, **values: object) -> Response:
    """The error *key* for the visitor; never a traceback, never what was sent."""
    text = translate(locale_of(request), key, **values)
    if request.url.path.startswith("/api/"):
        body = {"type": "about:blank", "title": text, "status": status, "key": key}
        return JSONResponse(body, status, media_type="application/problem+json")
    return page(request, "error.html", status=status, message=text)


async def _known(connection: Request | WebSocket, error: Exception) -> Response | None:
    assert isinstance(error, ProctorError)
    if isinstance(connection, WebSocket):
        await connection.close(REFUSED_SOCKET, error.key)
        return None
    return await run_in_threadpool(_answer, connection, error)


def _answer(request: Request, error: ProctorError) -> Response:
    if isinstance(error, SignInNeeded) and not request.url.path.startswith("/api/"):
        return RedirectResponse("/sign-in", 303)
    answer = problem(request, status_of(error), error.key, **error.ids)
    if isinstance(error, TokenNeeded):
        answer.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Unavailable):
        answer.headers["Retry-After"] = _RETRY_AFTER_S
    return answer


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    key = _KEYS.get(error.status_code, "error.refused")
    response = problem(request, error.status_code, key)
    response.headers.update(error.headers or {})
    return response


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem(request, 422, "error.refused")


def _database(request: Request, error: Exception) -> Response:
    # the route's own path: the one asked for may hold the token of a sign-in link
    route = getattr(request.scope.get("route"), "path", None)
    log.error("database_error", route=route, kind=type(error).__name__)
    return problem(request, 503, "error.unavailable")
