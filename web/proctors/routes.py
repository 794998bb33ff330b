"""The review room: one sitting with its recording, and decisions about it."""

import asyncio
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from proctor.errors import Conflict
from proctor.incidents.kinds import Kind
from proctor.media.export import as_mp4, export_alone
from proctor.people.tables import Role
from proctor.review import claims, first_looks, looks, queue, sampling, statements, verdicts
from proctor.sittings.tables import SittingState
from web.access import ServicesDep, Signed, Tx, allow
from web.pages import page
from web.proctors.forms import AlikeForm, AppealForm, FirstLookForm, SampleForm, VerdictForm
from web.proctors.opened import ToDecide, ToRead
from web.videos import NO_STORE, file_of, growing, video

router = APIRouter(tags=["review"])
_reviewing = allow(Role.PROCTOR, Role.REVIEWER)


@router.get("/review/sittings/{sitting_id}", dependencies=[_reviewing])
def show_sitting(opened: ToRead, incident: str = "") -> HTMLResponse:
    """One sitting: recording, timeline, incidents, identity. ``incident``: whose card is shown."""
    return opened.page(chosen=incident)


@router.get("/review/sittings/{sitting_id}/incidents/{incident_id}", dependencies=[_reviewing])
def show_incident(incident_id: str, opened: ToRead) -> HTMLResponse:
    """The card of one incident, for the sitting's page to show."""
    card = opened.card(incident_id)
    if card is None or card.found.row.id != incident_id:
        raise verdicts.NoSuchIncident(incident=incident_id)
    return page(
        opened.request,
        card.template,
        sitting_id=opened.sitting.id,
        refused=None,
        least=verdicts.MIN_REASON,
        most=verdicts.MAX_REASON,
        **card.shown(),
    )


@router.post(
    "/review/sittings/{sitting_id}/incidents/{incident_id}/verdict", dependencies=[_reviewing]
)
def decide_incident(
    incident_id: str, form: Annotated[VerdictForm, Form()], opened: ToDecide
) -> Response:
    def write() -> str:
        tx, sitting = opened.tx, opened.sitting
        if incident_id in opened.unlabelled:
            raise first_looks.FirstLookMissing
        verdicts.decide_incident(
            tx, opened.account, sitting, incident_id, form.decision, form.reason, opened.now
        )
        following = verdicts.next_undecided(tx, sitting.id, incident_id) or incident_id
        return f"?incident={following}#card"

    return opened.decide(incident_id, form, write)


@router.post(
    "/review/sittings/{sitting_id}/incidents/{incident_id}/look", dependencies=[_reviewing]
)
def look_at(incident_id: str, opened: ToDecide) -> dict[str, bool]:
    """The visitor has this incident before them: it is on record that they looked."""
    verdicts.look_at(opened.tx, opened.account, opened.sitting, incident_id, opened.now)
    # a colleague who works on it keeps it: looking is free
    with suppress(claims.Claimed):
        claims.hold(opened.tx, opened.account, opened.sitting.id, opened.now)
    return {"looked": True}


@router.post(
    "/review/sittings/{sitting_id}/incidents/{incident_id}/first-look", dependencies=[_reviewing]
)
def give_first_look(
    incident_id: str, form: Annotated[FirstLookForm, Form()], opened: ToDecide
) -> RedirectResponse:
    """What the visitor sees in the clip; from then on they are shown the label."""
    verdicts.incident_in(opened.tx, opened.sitting, incident_id)
    if incident_id not in opened.unlabelled:
        raise first_looks.FirstLookGiven
    first_looks.give(opened.tx, opened.account, opened.sitting, incident_id, form.seen, opened.now)
    return RedirectResponse(f"{opened.url}?incident={incident_id}#card", 303)


@router.post("/review/sittings/{sitting_id}/alike", dependencies=[_reviewing])
def dismiss_alike(form: Annotated[AlikeForm, Form()], opened: ToDecide) -> Response:
    """Dismiss all undecided incidents of a kind, each of which the visitor looked at."""

    def write() -> str:
        alike = {each.row.id for each in opened.files.incidents if each.row.kind == form.kind}
        if alike & opened.unlabelled:
            raise first_looks.FirstLookMissing
        verdicts.dismiss_alike(
            opened.tx, opened.account, opened.sitting, form.kind, form.reason, opened.now
        )
        return "#card"

    return opened.decide(form.kind, form, write)


@router.post("/review/sittings/{sitting_id}/identity", dependencies=[_reviewing])
def decide_identity(form: Annotated[VerdictForm, Form()], opened: ToDecide) -> Response:
    def write() -> str:
        verdicts.decide_identity(
            opened.tx, opened.account, opened.sitting, form.decision, form.reason, opened.now
        )
        claims.release(opened.tx, opened.account, opened.sitting.id)
        return "#identity"

    return opened.decide("identity", form, write)


@router.post("/review/sittings/{sitting_id}/appeals/{statement_id}", dependencies=[_reviewing])
def rule_on_appeal(
    statement_id: str, form: Annotated[AppealForm, Form()], opened: ToDecide
) -> Response:
    """Another person than those who decided rules on what the student appealed against."""

    def write() -> str:
        statements.rule(
            opened.tx,
            opened.account,
            opened.sitting,
            statement_id,
            granted=form.granted,
            reason=form.reason,
            at=opened.now,
        )
        claims.release(opened.tx, opened.account, opened.sitting.id)
        return "#appeals"

    return opened.decide(statement_id, form, write)


@router.post("/review/sittings/{sitting_id}/sample", dependencies=[_reviewing])
def note_sample(form: Annotated[SampleForm, Form()], opened: ToDecide) -> Response:
    """What was found in a sitting without incidents."""

    def write() -> str:
        missed = form.missed if isinstance(form.missed, Kind) else None
        sampling.note(opened.tx, opened.account, opened.sitting, missed, form.reason, opened.now)
        claims.release(opened.tx, opened.account, opened.sitting.id)
        return "#sample"

    return opened.decide("sample", form, write)


@router.post("/review/sittings/{sitting_id}/admission", dependencies=[_reviewing])
async def admit(
    sitting_id: str,
    visitor: Signed,
    at: ServicesDep,
    *,
    watching: Annotated[bool, Form()] = False,
) -> RedirectResponse:
    """A person checked who sits there; the exam may begin. ``watching``: asked on the live page."""

    def check() -> None:
        with at.db.reading() as tx:
            sitting = queue.sitting_for(tx, visitor.account, sitting_id).sitting
            if sitting.state is not SittingState.CHECKING:
                raise Conflict

    await asyncio.to_thread(check)
    live = await at.live.open(sitting_id)
    await live.admit(visitor.account.id)
    room = "proctor" if watching else "review"
    return RedirectResponse(f"/{room}/sittings/{sitting_id}", 303)


@router.get("/review/recordings/{recording_id}", dependencies=[_reviewing])
def recording(
    recording_id: str,
    request: Request,
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
    until: int | None = None,
) -> Response:
    """The bytes of one recording; the view is on record before the first of them.

    ``until``: of one that still grows, as far as it was when the page was made.
    """
    row = queue.recording_for(tx, visitor.account, recording_id)
    path = file_of(at, row.path)
    looks.record_view(tx, visitor.account.id, row.sitting_id, "recording", row.id, at.clock.now())
    return video(path) if until is None and row.sha256 else growing(path, request, until)


@router.get("/review/clips/{clip_id}", dependencies=[_reviewing])
def clip(clip_id: str, tx: Tx, visitor: Signed, at: ServicesDep) -> Response:
    """The bytes of one clip; the view is on record before the first of them."""
    row, sitting_id = queue.clip_for(tx, visitor.account, clip_id)
    path = file_of(at, row.path)
    looks.record_view(tx, visitor.account.id, sitting_id, "clip", row.id, at.clock.now())
    return video(path)


@router.get("/review/clips/{clip_id}/mp4", dependencies=[_reviewing])
def clip_as_mp4(clip_id: str, visitor: Signed, at: ServicesDep) -> Response:
    """A clip for other players, encoded anew; the export is on record before it begins."""
    with export_alone():
        with at.db.transaction() as tx:
            row, sitting_id = queue.clip_for(tx, visitor.account, clip_id)
            path = file_of(at, row.path)
            looks.record_view(tx, visitor.account.id, sitting_id, "export", row.id, at.clock.now())
        made = as_mp4(path)
    named = {"Content-Disposition": f'attachment; filename="{path.stem}.mp4"'}
    return Response(made, media_type="video/mp4", headers=NO_STORE | named)
