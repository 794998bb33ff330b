"""The enrolment page's own calls: frames, typing, ID photo."""

import asyncio
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from keystroke.events import KeyBatch, KeyEventError, parse_batch
from keystroke.gate import unfit
from keystroke.presses import Presses
from keystroke.template import Sums
from proctor.errors import Refused
from proctor.identity import enrolment, sentences
from proctor.identity.enrolment import PhotoMatch, Progress
from proctor.inference import FrameAssessment
from proctor.observations import NotAssessed
from proctor.people import consents
from proctor.people.tables import Purpose, Role
from web.access import Services, ServicesDep, Signed, Tx, allow
from web.words import Strict

router = APIRouter(prefix="/api/enrolment", tags=["enrolment"])
MAX_FRAME = 2 * 1024 * 1024
MAX_PHOTO = 10 * 1024 * 1024


class ImageRefused(Refused):
    """The picture is not a JPEG or PNG the service can read."""

    key = "error.image"


class TypingRefused(Refused):
    """The typing was not understood."""

    key = "error.batch"


class FaceOut(BaseModel):
    hints: tuple[str, ...]
    accepted: int
    needed: int
    done: bool


class TypingIn(Strict):
    batch: dict[str, Any]
    round: int = Field(ge=0, le=100)


class SentenceIn(Strict):
    batch: dict[str, Any]
    language: Literal["kk", "ru", "en"]


class TypingOut(BaseModel):
    """``reason``: why the round is not usable, None when it is; of a sentence, repetitions."""

    accepted_keys: int
    needed_keys: int
    done: bool
    reason: str | None = None


class PhotoOut(BaseModel):
    """``hints``: what kept the photo from being compared."""

    matched: bool | None
    hints: tuple[str, ...]
    state: str


@router.post("/face", dependencies=[allow(Role.STUDENT)])
async def face(request: Request, visitor: Signed, at: ServicesDep) -> FaceOut:
    """One camera frame of the visitor."""
    await asyncio.to_thread(_require, at, visitor.account.id, Purpose.FACE)
    seen = await _assessed(at, await _image(request, MAX_FRAME), portrait=True)

    def keep(tx: Session) -> Progress:
        comparison, now = at.inference.comparison, at.clock.now()
        return enrolment.add_face(tx, at.vault, comparison, visitor.account.id, seen, now)

    progress = await asyncio.to_thread(_in_transaction, at, keep)
    return FaceOut(
        hints=progress.hints,
        accepted=progress.accepted,
        needed=progress.needed,
        done=progress.done,
    )


@router.post("/typing", dependencies=[allow(Role.STUDENT)])
def typing(body: TypingIn, visitor: Signed, tx: Tx, at: ServicesDep) -> TypingOut:
    """Timings of one round; rounds numbered 0 are practice and not kept, nor are unusable ones."""
    consents.require(tx, at.vault, visitor.account.id, Purpose.TYPING)
    batch = _batch(body.batch)
    verifier, account_id, now = at.live.line.verifier, visitor.account.id, at.clock.now()
    reason = unfit(Sums.from_batch(batch))
    if body.round == 0 or reason is not None:
        progress = enrolment.typing_so_far(tx, verifier, account_id, now)
    else:
        progress = enrolment.add_typing(tx, at.vault, verifier, account_id, batch, now)
    return TypingOut(
        accepted_keys=progress.accepted,
        needed_keys=progress.needed,
        done=progress.done,
        reason=reason,
    )


@router.post("/sentence", dependencies=[allow(Role.STUDENT)])
def sentence(body: SentenceIn, visitor: Signed, tx: Tx, at: ServicesDep) -> TypingOut:
    """Timings of one repetition of the sentence that everybody types."""
    consents.require(tx, at.vault, visitor.account.id, Purpose.TYPING)
    presses = Presses.from_batch(_batch(body.batch))
    model_id, account_id, now = at.live.line.verifier.model_id, visitor.account.id, at.clock.now()
    progress = sentences.add(tx, at.vault, model_id, account_id, body.language, presses, now)
    return TypingOut(
        accepted_keys=progress.accepted,
        needed_keys=progress.needed,
        done=progress.done,
        reason=next(iter(progress.hints), None),
    )


@router.post("/id-photo", dependencies=[allow(Role.STUDENT)])
async def id_photo(request: Request, visitor: Signed, at: ServicesDep) -> PhotoOut:
    """An ID photo to compare with the pending face; the office sees the result and confirms."""
    await asyncio.to_thread(_require, at, visitor.account.id, Purpose.FACE)
    seen = await _assessed(at, await _image(request, MAX_PHOTO))

    def compare(tx: Session) -> PhotoMatch:
        comparison, now = at.inference.comparison, at.clock.now()
        return enrolment.match_id_photo(tx, at.vault, comparison, visitor.account.id, seen, now)

    found = await asyncio.to_thread(_in_transaction, at, compare)
    return PhotoOut(matched=found.matched, hints=found.hints, state="pending")


def _batch(sent: dict[str, Any]) -> KeyBatch:
    try:
        return parse_batch(sent)
    except KeyEventError as error:
        raise TypingRefused from error


async def _image(request: Request, limit: int) -> bytes:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise ImageRefused
    return bytes(data)


async def _assessed(
    at: Services, data: bytes, *, portrait: bool = False
) -> FrameAssessment | NotAssessed:
    seen = await at.inference.assess_image(data, embed=True, portrait=portrait)
    if isinstance(seen, NotAssessed) and seen.reason in ("undecodable", "too_large"):
        raise ImageRefused
    return seen


def _require(at: Services, account_id: str, purpose: Purpose) -> None:
    with at.db.reading() as tx:
        consents.require(tx, at.vault, account_id, purpose)


def _in_transaction(at: Services, work: Any) -> Any:
    with at.db.transaction() as tx:
        return work(tx)
