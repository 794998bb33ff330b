"""What waits for a person: the queue with its filters and claims, and blind second looks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from proctor.catalogue import LOCALES, translate
from proctor.errors import Conflict, NotFound
from proctor.exams.tables import Technology
from proctor.incidents.builder import clips_of
from proctor.incidents.kinds import Kind
from proctor.people.tables import Role
from proctor.review import blind, claims, queue
from proctor.review.blind import Mix
from proctor.review.precision import detectors_of
from proctor.review.queue import QueueItem
from proctor.review.tables import Decision
from proctor.shares.decision import OutcomeDecision
from proctor.shares.evidence import evidence_of_all
from proctor.sittings.repairs import technologies_of
from web.access import ReadTx, Services, ServicesDep, Signed, Tx, Visitor, allow
from web.errors import status_of
from web.facts import fact_of
from web.pages import locale_of, page
from web.proctors.narrowed import FilterForm, came_from, remember
from web.proctors.opened import ToDecide, outcome_of
from web.words import Sent

router = APIRouter(tags=["review"])
_reviewing = allow(Role.PROCTOR, Role.REVIEWER)
SHOWN = ("open", "decided", "all")
AGES = (0, 1, 3, 7)


class OpinionForm(Sent):
    """What a person thinks of an incident."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class Row:
    """One sitting of the list. ``is_free``: nobody else works on it."""

    item: QueueItem
    outcome: OutcomeDecision
    is_free: bool

    @property
    def waits(self) -> bool:
        """Whether a person is needed: for an incident, or for an outcome no rule could set."""
        return self.item.needs_person or self.outcome.outcome.value == "pending"

    @property
    def is_next(self) -> bool:
        """Whether the visitor could begin with it."""
        return self.is_free and not self.item.is_for_others


@router.get("/review", dependencies=[_reviewing])
def show_queue(
    request: Request,
    wanted: Annotated[FilterForm, Query()],
    tx: ReadTx,
    visitor: Signed,
    at: ServicesDep,
) -> HTMLResponse:
    """Sittings to review, the most pressing first."""
    if wanted.show not in SHOWN:
        raise NotFound
    everything = _rows(tx, visitor, at)
    rows = _admitted(everything, wanted, at)
    lists = {
        "open": [row for row in rows if row.waits],
        "decided": [row for row in rows if not row.waits],
        "all": rows,
    }
    watched = detectors_of(tx, visitor.account.institution_id)
    shown = page(
        request,
        "review/queue.html",
        rows=lists[wanted.show],
        wanted=wanted,
        filters=SHOWN,
        counts={name: len(found) for name, found in lists.items()},
        exams=sorted(
            {(row.item.reviewed.event.title, row.item.reviewed.event.id) for row in everything}
        ),
        kinds=[kind.value for kind in Kind],
        ages=AGES,
        languages=LOCALES,
        has_next=any(row.is_next for row in lists["open"]),
        tasks=blind.tasks_of(tx, visitor.account, mix_of(at)),
        notices=[each for each in watched if each.needs_notice],
    )
    remember(shown, wanted)
    return shown


@router.post("/review/next", dependencies=[_reviewing])
def take_next(
    wanted: Annotated[FilterForm, Form()], tx: Tx, visitor: Signed, at: ServicesDep
) -> RedirectResponse:
    """Claim the most pressing sitting nobody else works on."""
    for row in _admitted(_rows(tx, visitor, at), wanted, at):
        if row.waits and row.is_next:
            sitting_id = row.item.reviewed.sitting.id
            claims.hold(tx, visitor.account, sitting_id, at.clock.now())
            return RedirectResponse(f"/review/sittings/{sitting_id}", 303)
    return RedirectResponse(f"/review?{wanted.query}", 303)


@router.post("/review/sittings/{sitting_id}/release", dependencies=[_reviewing])
def release(opened: ToDecide) -> RedirectResponse:
    """Let colleagues work on it."""
    claims.release(opened.tx, opened.account, opened.sitting.id)
    return RedirectResponse(f"/review?{came_from(opened.request).whole}", 303)


@router.get("/review/blind/{incident_id}", dependencies=[_reviewing])
def show_blind(
    incident_id: str, request: Request, tx: ReadTx, visitor: Signed, at: ServicesDep
) -> HTMLResponse:
    """An incident without the learner's name and without what was decided."""
    return _blind_page(request, tx, visitor, at, incident_id)


@router.post("/review/blind/{incident_id}", dependencies=[_reviewing])
def give_opinion(
    incident_id: str,
    form: Annotated[OpinionForm, Form()],
    request: Request,
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    task = blind.task_for(tx, visitor.account, mix_of(at), incident_id)
    try:
        blind.give_opinion(tx, visitor.account, task, form.decision, at.clock.now())
    except Conflict as error:
        return _blind_page(request, tx, visitor, at, incident_id, error)
    return RedirectResponse("/review#blind", 303)


def mix_of(at: Services) -> Mix:
    return Mix(at.settings.second_review_percent, at.settings.control_percent)


def _blind_page(
    request: Request,
    tx: Session,
    visitor: Visitor,
    at: Services,
    incident_id: str,
    error: Conflict | None = None,
) -> HTMLResponse:
    task = blind.task_for(tx, visitor.account, mix_of(at), incident_id)
    clips = clips_of(tx, task.incident.sitting_id)

    def t(key: str, **values: object) -> str:
        return translate(locale_of(request), key, **values)

    return page(
        request,
        "review/blind.html",
        200 if error is None else status_of(error),
        task=task,
        said=fact_of(t, task.incident),
        clips=[clip for clip in clips if clip.incident_id == incident_id],
        refused=t(error.key) if error else None,
    )


def _rows(tx: Session, visitor: Visitor, at: Services) -> list[Row]:
    now, percent = at.clock.now(), at.settings.review_sample_percent
    items = queue.queue(tx, visitor.account, now, percent)
    evidence = evidence_of_all(tx, [item.reviewed.sitting for item in items])
    repairs: dict[str, Technology] = {}
    for course_id in {item.reviewed.course.id for item in items}:
        repairs |= technologies_of(tx, course_id)
    return [
        Row(
            item,
            outcome_of(item.reviewed, evidence[item.reviewed.sitting.id], now, repairs),
            item.claim is None or item.claim.account_id == visitor.account.id,
        )
        for item in items
    ]


def _admitted(rows: Iterable[Row], wanted: FilterForm, at: Services) -> list[Row]:
    now = at.clock.now()
    return [row for row in rows if wanted.filter.admits(row.item, now)]
