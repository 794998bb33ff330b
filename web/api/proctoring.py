"""What proctors do with a sitting under way: the live page's own calls."""

import asyncio
from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import Field, model_validator

from proctor.errors import Refused
from proctor.live.invigilation import Invigilation
from proctor.people.tables import Role
from proctor.review import queue
from proctor.sittings.interventions import MAX_MINUTES, PHRASES
from proctor.sittings.tables import Act
from web.access import Services, ServicesDep, Signed, Visitor, allow
from web.api.sittings import SaidOut
from web.words import Strict, Words

router = APIRouter(prefix="/api/proctoring", tags=["proctoring"])
_proctoring = allow(Role.PROCTOR, Role.REVIEWER)


class UnknownPhrase(Refused):
    """There is no such ready sentence."""

    key = "error.refused"


class MessageIn(Strict):
    """Words of one's own, or the name of a ready sentence."""

    act: Literal["message", "warning"]
    words: Words = ""
    phrase: Annotated[str, Field(max_length=48)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.phrase is None) == (not self.words.strip()):
            raise ValueError("either words or a phrase")
        return self


class ReasonIn(Strict):
    reason: Words


class ExtensionIn(ReasonIn):
    minutes: int = Field(ge=1, le=MAX_MINUTES)


class EndIn(ReasonIn):
    """``confirmed``: that the person was asked whether they mean it."""

    confirmed: Literal[True]


class EndOut(Strict):
    """``ended``: False while a second person has to agree."""

    ended: bool


async def _watched(at: Services, visitor: Visitor, sitting_id: str) -> Invigilation:
    """A sitting of an exam assigned to the visitor. Raises NotForYou."""

    def check() -> None:
        with at.db.reading() as tx:
            queue.sitting_for(tx, visitor.account, sitting_id)

    await asyncio.to_thread(check)
    return (await at.live.open(sitting_id)).invigilation


@router.post("/{sitting_id}/messages", dependencies=[_proctoring])
async def message(sitting_id: str, body: MessageIn, visitor: Signed, at: ServicesDep) -> SaidOut:
    """Say something to the student; it is on their page at once."""
    if body.phrase is not None and body.phrase not in PHRASES:
        raise UnknownPhrase
    sitting = await _watched(at, visitor, sitting_id)
    said = await sitting.say(visitor.account, Act(body.act), body.words, body.phrase)
    return SaidOut(number=said.number)


@router.post("/{sitting_id}/pause", dependencies=[_proctoring])
async def pause(sitting_id: str, body: ReasonIn, visitor: Signed, at: ServicesDep) -> SaidOut:
    sitting = await _watched(at, visitor, sitting_id)
    return SaidOut(number=(await sitting.pause(visitor.account, body.reason)).number)


@router.post("/{sitting_id}/resume", dependencies=[_proctoring])
async def resume(sitting_id: str, visitor: Signed, at: ServicesDep) -> SaidOut:
    sitting = await _watched(at, visitor, sitting_id)
    return SaidOut(number=(await sitting.resume(visitor.account)).number)


@router.post("/{sitting_id}/extension", dependencies=[_proctoring])
async def extend(sitting_id: str, body: ExtensionIn, visitor: Signed, at: ServicesDep) -> SaidOut:
    sitting = await _watched(at, visitor, sitting_id)
    said = await sitting.extend(visitor.account, body.minutes, body.reason)
    return SaidOut(number=said.number)


@router.post("/{sitting_id}/end", dependencies=[_proctoring])
async def end(sitting_id: str, body: EndIn, visitor: Signed, at: ServicesDep) -> EndOut:
    """Ask for an early end, or agree to a colleague's request for one."""
    sitting = await _watched(at, visitor, sitting_id)
    return EndOut(ended=await sitting.end_early(visitor.account, body.reason))
