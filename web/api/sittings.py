"""The exam page's own calls: media, socket, answers, start and finish of one sitting."""

import asyncio
import json
import secrets
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from pydantic import Field

from keystroke.events import KeyEventError, parse_batch
from keystroke.presses import Presses
from keystroke.sentence import Unusable
from proctor.errors import Conflict, ProctorError, Refused
from proctor.identity import sentences
from proctor.live.page import REPLACED, Messages
from proctor.live.sitting import LiveSitting, Replaced
from proctor.media.backfill import MAX_BYTES
from proctor.media.pace import Pace
from proctor.media.relay import Relay, relays_for_now
from proctor.observations import Track
from proctor.people import consents
from proctor.people.tables import Purpose, Role
from proctor.sittings import desk
from proctor.sittings.tables import Act
from web.access import ServicesDep, Signed, Tx, Visitor, allow, own_live, services
from web.errors import REFUSED_SOCKET
from web.words import Strict, Words

router = APIRouter(prefix="/api/sittings", tags=["sittings"])
MAX_PROBE_BYTES = 512 * 1024
_REFUSED, _CONFLICT = 4400, 4409


class ScreenNotWhole(Refused):
    """Only the whole screen can be shared."""

    key = "check.screen_wrong"


class BodyTooLarge(Refused):
    """The body is too large."""

    key = "error.too_large"


class OfferIn(Strict):
    sdp: str = Field(max_length=32_768)
    tracks: dict[Literal["camera", "screen"], Annotated[str, Field(max_length=16)]]
    display_surface: str = Field(max_length=16)

    def mids(self) -> dict[str, str]:
        return {str(track): mid for track, mid in self.tracks.items()}


class AnswerOut(Strict):
    """``ice_servers``: for the page's next connection, so that they never expire in an exam."""

    sdp: str
    ice_servers: list[Relay]


class SavedIn(Strict):
    revision: int = Field(ge=1, le=1_000_000)
    text: str = Field(max_length=desk.MAX_ANSWER)


class SavedOut(Strict):
    revision: int


class StartedOut(Strict):
    remaining_s: float


class FinishIn(Strict):
    """``late``: the page hands in by itself, since its time is over."""

    late: bool = False


class FinishedOut(Strict):
    receipt: str
    url: str


class BreakIn(Strict):
    begins: bool


class AddressOut(Strict):
    url: str


class SentenceIn(Strict):
    batch: dict[str, Any]


class SentenceOut(Strict):
    """``reason``: why this was no repetition of the sentence; how alike it is stays here."""

    reason: str | None


class ReplyIn(Strict):
    words: Words


class SaidOut(Strict):
    number: int


class ProbeOut(Strict):
    bytes: int


class BackfilledOut(Strict):
    pictures: int


@router.post("/{sitting_id}/bandwidth", dependencies=[allow(Role.STUDENT)])
async def bandwidth(sitting_id: str, request: Request) -> ProbeOut:
    """Swallow a few bytes so that the page can time its uplink."""
    return ProbeOut(bytes=len(await body_of(request, MAX_PROBE_BYTES)))


async def body_of(request: Request, most: int) -> bytes:
    """What was sent, of *most* bytes at most. Raises BodyTooLarge."""
    held = bytearray()
    async for chunk in request.stream():
        held += chunk
        if len(held) > most:
            raise BodyTooLarge
    return bytes(held)


@router.post("/{sitting_id}/offer", status_code=201, dependencies=[allow(Role.STUDENT)])
async def offer(sitting_id: str, body: OfferIn, visitor: Signed, at: ServicesDep) -> AnswerOut:
    """Connect camera and screen; the newest connection of a sitting counts."""
    live = await own_live(at, visitor, sitting_id)
    if body.display_surface != "monitor":
        raise ScreenNotWhole
    sdp = await live.connect(body.sdp, body.mids())
    return AnswerOut(sdp=sdp, ice_servers=relays_for_now(at.settings, at.clock.now()))


@router.post("/{sitting_id}/backfill/{track}", dependencies=[allow(Role.STUDENT)])
async def backfill(
    sitting_id: str,
    track: Track,
    now_ms: float,
    request: Request,
    visitor: Signed,
    at: ServicesDep,
) -> BackfilledOut:
    """Pictures the page kept while it was cut off; answered once they are on record."""
    live = await own_live(at, visitor, sitting_id)
    data = await body_of(request, MAX_BYTES)
    return BackfilledOut(pictures=await live.take_backfill(track, data, now_ms))


@router.post("/{sitting_id}/sentence", dependencies=[allow(Role.STUDENT)])
def sentence(sitting_id: str, body: SentenceIn, visitor: Signed, at: ServicesDep) -> SentenceOut:
    """The sentence of the enrolment, typed once before the exam."""
    try:
        presses = Presses.from_batch(parse_batch(body.batch))
    except KeyEventError as error:
        raise MessageRefused from error
    model_id, now = at.live.line.verifier.model_id, at.clock.now()
    # learning takes a while, in which nobody should wait to write
    with at.db.reading() as tx:
        consents.require(tx, at.vault, visitor.account.id, Purpose.TYPING)
        sitting = desk.sitting_for(tx, sitting_id, visitor.account.id, visitor.sign_in_id)
        if sentences.asked(tx, model_id, sitting) is None:
            return SentenceOut(reason=None)
        check = sentences.compare(tx, at.vault, model_id, sitting, presses, now)
    if isinstance(check, Unusable):
        return SentenceOut(reason=check.value)
    with at.db.transaction() as tx:
        sentences.keep(tx, check)
    return SentenceOut(reason=None)


@router.post("/{sitting_id}/start", dependencies=[allow(Role.STUDENT)])
async def start(sitting_id: str, visitor: Signed, at: ServicesDep) -> StartedOut:
    live = await own_live(at, visitor, sitting_id)
    return StartedOut(remaining_s=await live.start())


@router.post("/{sitting_id}/challenge/decline", status_code=204, dependencies=[allow(Role.STUDENT)])
async def decline_challenge(sitting_id: str, visitor: Signed, at: ServicesDep) -> None:
    """Be looked at by a proctor instead of moving as asked."""
    live = await own_live(at, visitor, sitting_id)
    live.decline_challenge()


@router.post("/{sitting_id}/break", status_code=204, dependencies=[allow(Role.STUDENT)])
async def take_break(sitting_id: str, body: BreakIn, visitor: Signed, at: ServicesDep) -> None:
    """Leave the camera for a break that is granted, or be back."""
    live = await own_live(at, visitor, sitting_id)
    await live.away.take_break(begins=body.begins)


@router.post("/{sitting_id}/test", dependencies=[allow(Role.STUDENT)])
async def open_test(sitting_id: str, visitor: Signed, at: ServicesDep) -> AddressOut:
    """Go to the test on another site: its address, good for one visit."""
    live = await own_live(at, visitor, sitting_id)
    return AddressOut(url=await live.away.open_test())


@router.post("/{sitting_id}/test/return", status_code=204, dependencies=[allow(Role.STUDENT)])
async def leave_test(sitting_id: str, visitor: Signed, at: ServicesDep) -> None:
    """Be back from it."""
    live = await own_live(at, visitor, sitting_id)
    await live.away.leave_test()


@router.put("/{sitting_id}/answers/{question_id}", dependencies=[allow(Role.STUDENT)])
def save_answer(
    sitting_id: str, question_id: str, body: SavedIn, visitor: Signed, tx: Tx, at: ServicesDep
) -> SavedOut:
    sitting = desk.sitting_for(tx, sitting_id, visitor.account.id, visitor.sign_in_id)
    now = at.clock.now()
    revision = desk.save_answer(tx, at.vault, sitting, question_id, body.revision, body.text, now)
    return SavedOut(revision=revision)


@router.post("/{sitting_id}/finish", dependencies=[allow(Role.STUDENT)])
async def finish(
    sitting_id: str, visitor: Signed, at: ServicesDep, body: FinishIn | None = None
) -> FinishedOut:
    """End the exam. Asked again, it gives the same receipt."""
    live = await own_live(at, visitor, sitting_id)
    await live.finish("student_finished", only_when_over=body is not None and body.late)
    receipt = await _receipt(at, visitor, sitting_id)
    return FinishedOut(receipt=receipt.hash, url=f"/sittings/{sitting_id}/receipt")


@router.post("/{sitting_id}/replies", dependencies=[allow(Role.STUDENT)])
async def reply(sitting_id: str, body: ReplyIn, visitor: Signed, at: ServicesDep) -> SaidOut:
    """Write to the proctors of one's own exam."""
    live = await own_live(at, visitor, sitting_id)
    said = await live.invigilation.say(visitor.account, Act.REPLY, body.words)
    return SaidOut(number=said.number)


@router.websocket("/{sitting_id}/socket", dependencies=[allow(Role.STUDENT)])
async def socket(ws: WebSocket, sitting_id: str) -> None:
    """Batches of the page in, acknowledged after commit; messages for the page out."""
    at = services(ws)
    visitor: Visitor = ws.state.visitor
    await ws.accept()
    try:
        live = await own_live(at, visitor, sitting_id)
    except ProctorError as error:
        await ws.close(REFUSED_SOCKET, error.key)
        return
    messages = await live.subscribe()
    nonce = secrets.token_urlsafe(16)
    sender = asyncio.create_task(_send(ws, messages))
    receiver = asyncio.create_task(_receive(ws, live, nonce, messages))
    try:
        ended = (await _receipt(at, visitor, sitting_id)).reason if live.is_finished else None
        await ws.send_json(_hello(live, nonce, ended))
        await ws.send_json(live.identification.message())
        await ws.send_json(live.media_message())
        await ws.send_json(live.away.break_message())
        await ws.send_json(live.away.test_message())
        await ws.send_json(await live.invigilation.talk_message())
        await asyncio.wait({sender, receiver}, return_when=asyncio.FIRST_COMPLETED)
        if receiver.done():
            await receiver
        elif sender.exception() is None:
            raise Replaced
    except WebSocketDisconnect:
        pass
    except Replaced as error:
        await ws.close(REFUSED_SOCKET, error.key)
    except Refused as error:
        await ws.close(_REFUSED, error.key)
    except Conflict as error:
        # the page connects again and learns from "hello" where to go on
        await ws.close(_CONFLICT, error.key)
    finally:
        live.unsubscribe(messages)
        for each in (sender, receiver):
            each.cancel()
        await asyncio.wait({sender, receiver})


async def _receipt(at: ServicesDep, visitor: Visitor, sitting_id: str) -> desk.Receipt:
    def read() -> desk.Receipt:
        with at.db.reading() as tx:
            sitting = desk.sitting_for(tx, sitting_id, visitor.account.id, visitor.sign_in_id)
            return desk.receipt(tx, sitting)

    return await asyncio.to_thread(read)


def _hello(live: LiveSitting, nonce: str, ended: str | None) -> dict[str, Any]:
    """``ended``: why the exam did, None while it has not."""
    return {
        "type": "hello",
        "nonce": nonce,
        "state": live.state_name,
        "remaining_s": live.remaining_s,
        "last_seq": live.last_batch,
        "ended": ended,
    }


async def _receive(ws: WebSocket, live: LiveSitting, nonce: str, messages: Messages) -> None:
    while True:
        message = _parsed(await _text(ws))
        # a message of another connection or another sitting is not this page's
        if message.get("nonce") != nonce:
            raise MessageRefused
        match message.get("type"):
            case "alive":
                await messages.put({"type": "alive"})
            case "batch":
                seq = await live.take_batch(message, messages)
                await messages.put({"type": "ack", "seq": seq})
            case "pace":
                _keep_pace(live, message)
            case _:
                raise MessageRefused


def _keep_pace(live: LiveSitting, message: dict[str, Any]) -> None:
    try:
        pace = Pace(str(message.get("pace")))
    except ValueError as error:
        raise MessageRefused from error
    live.keep_pace(pace)


async def _text(ws: WebSocket) -> str:
    try:
        return await ws.receive_text()
    except KeyError as error:
        # a binary frame
        raise MessageRefused from error


class MessageRefused(Refused):
    """The page sent something the service does not understand."""

    key = "error.batch"


def _parsed(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MessageRefused from error
    if not isinstance(message, dict):
        raise MessageRefused
    return message


async def _send(ws: WebSocket, messages: Messages) -> None:
    """Say what there is to say, until another socket takes the place of this one."""
    while (message := await messages.get()) is not REPLACED:
        await ws.send_json(message)
