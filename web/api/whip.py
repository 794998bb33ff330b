"""WHIP (RFC 9725): a program sends camera and screen of one sitting, in that order of its m-lines.

The same way in as the page's: the same checks of the offer, the same recording, the newest
connection counts; where the deployment does not ask for it, there is none. A sender's addresses are
learnt from its checks, so what it trickles is not used.
"""

import re
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Request, Response

from proctor.errors import NotFound
from proctor.live.connections import Connection
from proctor.media.offers import MAX_OFFER_BYTES
from proctor.media.relay import Relay, relays_for_now
from proctor.people.tables import Role
from proctor.sittings import desk
from proctor.sittings import media_token as tokens
from web.access import ReadTx, ServicesDep, Signed, allow, media_token, public
from web.api.sittings import body_of
from web.words import Strict

router = APIRouter(prefix="/api", tags=["whip"])
SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
_UFRAG = re.compile(r"^a=ice-ufrag:(\S+)", re.MULTILINE)


class NoSuchConnection(NotFound):
    """The connection has ended, or another took its place."""


class TokenOut(Strict):
    token: str
    endpoint: str


def _takes(media_type: str, name: str) -> dict[str, object]:
    content = {media_type: {"schema": {"type": "string"}}}
    return {"requestBody": {"required": True, "content": content}, "summary": name}


@router.post(
    "/sittings/{sitting_id}/media-token", status_code=201, dependencies=[allow(Role.STUDENT)]
)
def make_media_token(sitting_id: str, visitor: Signed, tx: ReadTx, at: ServicesDep) -> TokenOut:
    """What a program needs to send the pictures of one's own sitting."""
    sitting = desk.sitting_for(tx, sitting_id, visitor.account.id, visitor.sign_in_id)
    token = tokens.make(at.vault, sitting)
    return TokenOut(token=token, endpoint=f"/api/whip/{sitting_id}")


@router.options("/whip/{sitting_id}", status_code=204, dependencies=[public()])
def options(sitting_id: str) -> Response:
    """What can be posted here."""
    return Response(status_code=204, headers={"Accept-Post": SDP})


@router.post(
    "/whip/{sitting_id}",
    status_code=201,
    dependencies=[media_token()],
    openapi_extra=_takes(SDP, "Connect a sender"),
)
async def connect(sitting_id: str, request: Request, at: ServicesDep) -> Response:
    _require(request, SDP, "Accept-Post")
    offer = (await body_of(request, MAX_OFFER_BYTES)).decode("utf-8", "replace")
    live = await at.live.open(sitting_id)
    connection = await live.connections.publish(offer)
    headers = {
        "Location": f"/api/whip/{sitting_id}/{connection.id}",
        "ETag": _etag(connection),
        "Accept-Patch": FRAGMENT,
    }
    relays = relays_for_now(at.settings, at.clock.now())
    if relays:
        headers["Link"] = ", ".join(link for each in relays for link in _links(each))
    return Response(connection.answer, 201, headers, media_type=SDP)


@router.delete("/whip/{sitting_id}/{connection_id}", dependencies=[media_token()])
async def disconnect(sitting_id: str, connection_id: str, at: ServicesDep) -> Response:
    """End the connection; the sitting goes on."""
    live = await at.live.open(sitting_id)
    if not await live.connections.unpublish(connection_id):
        raise NoSuchConnection
    return Response()


@router.patch(
    "/whip/{sitting_id}/{connection_id}",
    status_code=204,
    dependencies=[media_token()],
    openapi_extra=_takes(FRAGMENT, "Trickle candidates"),
)
async def trickle(
    sitting_id: str,
    connection_id: str,
    request: Request,
    at: ServicesDep,
    if_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Candidates are taken note of by nobody; a restart of ICE is refused: connect anew."""
    _require(request, FRAGMENT, "Accept-Patch")
    fragment = (await body_of(request, MAX_OFFER_BYTES)).decode("utf-8", "replace")
    connection = (await at.live.open(sitting_id)).connections.newest
    if connection is None or connection.id != connection_id:
        raise NoSuchConnection
    if if_match is None:
        raise HTTPException(428)
    named = set(_UFRAG.findall(fragment))
    if if_match == "*" or named - set(_UFRAG.findall(connection.offer)):
        raise HTTPException(422)
    if if_match != _etag(connection):
        raise HTTPException(412)
    return Response(status_code=204)


def _links(relay: Relay) -> list[str]:
    """As RFC 9725 tells of relays (4.6)."""
    told = f'username="{relay.username}"; credential="{relay.credential}"'
    return [f'<{url}>; rel="ice-server"; {told}; credential-type="password"' for url in relay.urls]


def _etag(connection: Connection) -> str:
    return f'"{connection.id}"'


def _require(request: Request, media_type: str, told_as: str) -> None:
    """Raises HTTPException (415)."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != media_type:
        raise HTTPException(415, headers={told_as: media_type})
