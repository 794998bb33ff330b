"""Who may do what: the policy each route declares, the signed-in visitor, the transaction.

A route without a declared policy stops the application from starting.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Mount

from proctor.clock import Clock
from proctor.errors import NotFound, ProctorError
from proctor.inference.pool import InferencePool
from proctor.live.register import LiveSittings
from proctor.live.sitting import LiveSitting
from proctor.people import sign_in
from proctor.people.notices import unseen
from proctor.people.password_tries import PasswordTries
from proctor.people.tables import Account, Role
from proctor.plumbing.db import Database
from proctor.settings import Settings
from proctor.sittings import desk
from proctor.sittings import media_token as tokens
from proctor.vault import Vault

COOKIE = "tanu_session"


class SignInNeeded(ProctorError):
    """Sign in first."""

    key = "error.sign_in_needed"


@dataclass(frozen=True)
class Services:
    """What the application is made of; one per application."""

    settings: Settings
    db: Database
    vault: Vault
    clock: Clock
    inference: InferencePool
    live: LiveSittings
    tries: PasswordTries


class TokenNeeded(SignInNeeded):
    """The sitting's media token is needed."""

    key = "error.token_needed"


@dataclass(frozen=True, slots=True)
class Visitor:
    """The signed-in person of a request. ``unread``: how many notices wait for them."""

    account: Account
    sign_in_id: str
    unread: int


def services(connection: HTTPConnection) -> Services:
    found: Services = connection.app.state.services
    return found


ServicesDep = Annotated[Services, Depends(services)]


async def own_live(at: Services, visitor: Visitor, sitting_id: str) -> LiveSitting:
    """The visitor's own sitting, live. Raises NotYours or SecondSignIn."""

    def check() -> None:
        with at.db.reading() as tx:
            desk.sitting_for(tx, sitting_id, visitor.account.id, visitor.sign_in_id)

    await asyncio.to_thread(check)
    return await at.live.open(sitting_id)


def transaction(at: ServicesDep) -> Iterator[Session]:
    with at.db.transaction() as tx:
        yield tx


def reading(at: ServicesDep) -> Iterator[Session]:
    with at.db.reading() as tx:
        yield tx


# "function": committed before the response is sent, so an acknowledgement is never early
Tx = Annotated[Session, Depends(transaction, scope="function")]
# of a page that only shows: it must not keep the exams from writing
ReadTx = Annotated[Session, Depends(reading, scope="function")]


def visitor_of(connection: HTTPConnection, tx: Session, at: Services) -> Visitor | None:
    """The visitor whose sign-in session the cookie names, or None."""
    token = connection.cookies.get(COOKIE)
    if not token:
        return None
    now = at.clock.now()
    found = sign_in.visitor(tx, token, now, is_kept=lambda each: desk.is_at_exam(tx, each, now))
    if found is None:
        return None
    # a rollback expires what the session holds, and the error page still names the visitor
    tx.expunge(found[0])
    return Visitor(*found, unseen(tx, found[0].id))


def same_origin(connection: HTTPConnection) -> bool:
    """Whether a page of this service sent it, or a program, which has no cookies of others.

    Browsers send Origin with every unsafe request and every socket.
    """
    origin = connection.headers.get("origin")
    if origin is None:
        return connection.headers.get("sec-fetch-site") in (None, "same-origin", "none")
    return origin.partition("://")[2] == connection.headers.get("host")


@dataclass(frozen=True)
class Policy:
    """Roles that may use a route; None admits anybody."""

    roles: frozenset[Role] | None

    def __call__(self, connection: HTTPConnection, at: ServicesDep) -> Visitor | None:
        # the guard of requests does not see sockets
        if connection.scope["type"] == "websocket" and not same_origin(connection):
            raise NotFound
        # a transaction of its own: a socket must not hold one open while it lives
        with at.db.reading() as tx:
            visitor = visitor_of(connection, tx, at)
        connection.state.visitor = visitor
        if self.roles is None:
            return visitor
        if visitor is None:
            raise SignInNeeded
        if visitor.account.role not in self.roles:
            raise NotFound
        return visitor


@dataclass(frozen=True)
class TokenPolicy(Policy):
    """For whoever holds the sitting's media token, and for nobody by their role."""

    def __call__(self, connection: HTTPConnection, at: ServicesDep) -> None:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        sitting_id, now = connection.path_params["sitting_id"], at.clock.now()
        with at.db.reading() as tx:
            if scheme.lower() != "bearer" or not tokens.opens(
                tx, at.vault, sitting_id, token.strip(), now
            ):
                raise TokenNeeded


def media_token() -> Any:
    """The route is for programs that were given the sitting's token."""
    return Depends(TokenPolicy(frozenset()), scope="function")


def allow(*roles: Role) -> Any:
    """The route is for signed-in people with one of *roles*; to others it does not exist."""
    return Depends(Policy(frozenset(roles)), scope="function")


def public() -> Any:
    """The route is for anybody."""
    return Depends(Policy(None), scope="function")


def _signed(connection: HTTPConnection) -> Visitor:
    visitor: Visitor | None = connection.state.visitor
    if visitor is None:
        raise SignInNeeded
    return visitor


Signed = Annotated[Visitor, Depends(_signed)]


def policy_of(route: BaseRoute) -> Policy | None:
    """The policy *route* declares, if it declares exactly one."""
    if not isinstance(route, APIRoute | APIWebSocketRoute):
        return None
    declared = list(_policies(route.dependant))
    return declared[0] if len(declared) == 1 else None


def all_routes(app: FastAPI) -> list[tuple[str, BaseRoute]]:
    """Full path and declaration of every route of *app*, those of included routers too."""
    return [(each.path or "", each.original_route) for each in iter_route_contexts(app.routes)]


def refuse_open_routes(app: FastAPI) -> None:
    """Raise when a route declares no policy. Static files hold no data and are exempt."""
    for path, route in all_routes(app):
        if isinstance(route, Mount) and route.name == "static":
            continue
        if policy_of(route) is None:
            raise RuntimeError(f"route without a policy: {path}")


def _policies(dependant: Dependant) -> Iterator[Policy]:
    for part in dependant.dependencies:
        if isinstance(part.call, Policy):
            yield part.call
