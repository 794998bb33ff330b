"""The live wall and the page of one sitting under way."""

import asyncio

from fastapi import APIRouter, Request, WebSocket
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from proctor.catalogue import subset, translate
from proctor.people.tables import Role
from proctor.review import queue
from proctor.sittings.interventions import MAX_MINUTES, MAX_WORDS, MIN_REASON, PHRASES
from web.access import ReadTx, Signed, Visitor, allow, services
from web.pages import locale_of, page
from web.proctors.feeds import MOST_TILES, LiveFeed, WallFeed, record_views, until_gone

router = APIRouter(tags=["proctoring"])
_proctoring = allow(Role.PROCTOR, Role.REVIEWER)


@router.get("/proctor/wall", dependencies=[_proctoring])
def show_wall(request: Request, visitor: Signed) -> HTMLResponse:
    """All sittings under way in the visitor's exams."""
    data = {"most": MOST_TILES, "texts": subset(locale_of(request), "wall.")}
    return page(request, "watching/wall.html", data=data)


@router.get("/proctor/sittings/{sitting_id}", dependencies=[_proctoring])
def show_live(sitting_id: str, request: Request, tx: ReadTx, visitor: Signed) -> HTMLResponse:
    """One sitting under way: both streams, what happened so far, what can be done."""
    reviewed = queue.sitting_for(tx, visitor.account, sitting_id)
    data = {"sitting": sitting_id, "texts": subset(locale_of(request), "live.")}
    limits = {"least": MIN_REASON, "most": MAX_WORDS, "minutes": MAX_MINUTES}
    return page(
        request, "watching/live.html", reviewed=reviewed, phrases=PHRASES, data=data, limits=limits
    )


@router.websocket("/proctor/wall/socket", dependencies=[_proctoring])
async def wall_socket(ws: WebSocket) -> None:
    """Tiles out as they change, and stills of those the page asks for."""
    at, visitor = services(ws), _visitor(ws)
    await ws.accept()
    feed = WallFeed(ws, at, visitor)
    await until_gone(ws, feed.hear(), feed.show_tiles(), feed.show_stills())


@router.websocket("/proctor/sittings/{sitting_id}/socket", dependencies=[_proctoring])
async def live_socket(ws: WebSocket, sitting_id: str) -> None:
    """Camera and screen as they are recorded, and the facts of the sitting."""
    at, visitor = services(ws), _visitor(ws)
    try:
        await asyncio.to_thread(record_views, at, visitor, [sitting_id], "live")
    except SQLAlchemyError:
        text = translate(locale_of(ws), "error.unavailable")
        await ws.send_denial_response(JSONResponse({"title": text}, 503))
        return
    live = await at.live.open(sitting_id)
    await ws.accept()
    feed = LiveFeed(ws, at, visitor, live)
    with live.watched():
        shown = feed.show_pictures(), feed.show_facts(), feed.show_others()
        await until_gone(ws, feed.hear(), *shown)


def _visitor(ws: WebSocket) -> Visitor:
    found: Visitor = ws.state.visitor
    return found
