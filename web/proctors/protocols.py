"""The protocol of a sitting at a centre, which an invigilator fills in, also without a line."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import Field

from proctor.catalogue import subset
from proctor.centres import desk
from proctor.centres.tables import Document
from proctor.clock import TIME_ZONE
from proctor.exams.roster import learners_of
from proctor.people.tables import Role
from web.access import ReadTx, ServicesDep, Signed, Tx, allow
from web.pages import locale_of, page
from web.words import Day, LocalTime, Sent

router = APIRouter(tags=["proctoring"])
_proctoring = allow(Role.PROCTOR)

Code = Annotated[str, Field(min_length=1, max_length=64)]


class EntryIn(Sent):
    learner: str = Field(pattern="^[0-9a-f]{32}$")
    attended: bool
    workplace: Code | None
    document: Document | None
    conditions: bool


class ProtocolIn(Sent):
    """``held_at``: on the clocks of the institution; ``signed_on``: None while unsigned."""

    centre: Code
    number: Code
    held_at: LocalTime
    signed_on: Day | None
    entries: Annotated[list[EntryIn], Field(min_length=1, max_length=500)]


@router.get("/proctor/protocols", dependencies=[_proctoring])
def show_events(request: Request, tx: ReadTx, visitor: Signed) -> HTMLResponse:
    """Events whose protocol the visitor may fill in."""
    return page(
        request,
        "watching/protocols.html",
        centres=desk.centres_of(tx, visitor.account),
        events=desk.events_for(tx, visitor.account),
    )


@router.get("/proctor/protocols/{event_id}", dependencies=[_proctoring])
def show_protocol(request: Request, event_id: str, tx: ReadTx, visitor: Signed) -> HTMLResponse:
    """The form; it keeps what is typed until the server has it."""
    account = visitor.account
    course, event = desk.event_for(tx, account, event_id)
    centres = desk.centres_of(tx, account)
    learners = learners_of(tx, course.id)
    waiting = desk.unsigned(tx, account, event)
    data = {
        "event": event.id,
        "account": account.id,
        "workplaces": {centre.code: centre.workplaces for centre in centres},
        "waiting": _sent(waiting) if waiting else None,
        "texts": subset(locale_of(request), "protocol.say."),
    }
    return page(
        request,
        "watching/protocol.html",
        course=course,
        event=event,
        centres=centres,
        learners=[person for person in learners if person.learner_number],
        unnumbered=sum(not person.learner_number for person in learners),
        documents=list(Document),
        data=data,
    )


@router.post("/api/protocols/{event_id}", dependencies=[_proctoring])
def take_protocol(
    event_id: str, sent: ProtocolIn, tx: Tx, visitor: Signed, at: ServicesDep
) -> dict[str, bool]:
    """Take the protocol in; what was lost on the way back may be sent again."""
    course, event = desk.event_for(tx, visitor.account, event_id)
    entries = tuple(
        desk.Entry(each.learner, each.attended, each.workplace, each.document, each.conditions)
        for each in sent.entries
    )
    held_at = sent.held_at.replace(tzinfo=TIME_ZONE)
    filled = desk.Filled(sent.centre, sent.number, held_at, sent.signed_on, entries)
    desk.take(tx, visitor.account, course, event, filled, at.clock.now())
    return {"signed": sent.signed_on is not None}


def _sent(filled: desk.Filled) -> dict[str, object]:
    """A protocol as the form of the page holds it."""
    held_at: datetime = filled.held_at.astimezone(TIME_ZONE)
    fields: dict[str, str] = {
        "centre": filled.centre,
        "number": filled.number,
        "held_at": f"{held_at:%Y-%m-%dT%H:%M}",
    }
    for entry in filled.entries:
        fields[f"attended-{entry.learner}"] = "yes" if entry.attended else "no"
        fields[f"workplace-{entry.learner}"] = entry.workplace or ""
        fields[f"document-{entry.learner}"] = entry.document or ""
        fields[f"conditions-{entry.learner}"] = "yes" if entry.conditions else "no"
    return dict(fields)
