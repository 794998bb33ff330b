"""The review room: the queue, one sitting with its recording, decisions."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from sqlalchemy.orm import Session

from keystroke.features import measure_sums
from keystroke.revision import revision
from proctor.analysis import keys
from proctor.catalogue import subset, translate
from proctor.errors import Conflict, NotFound, ProctorError, Refused
from proctor.exams.tables import Technology
from proctor.identity import enrolment
from proctor.media.export import as_mp4
from proctor.people.tables import Role
from proctor.review import dossier, queue, verdicts
from proctor.review.queue import QueueItem, Reviewed
from proctor.shares.evidence import SittingEvidence, evidence_of, evidence_of_all
from proctor.shares.outcomes import OutcomeDecision, decide
from proctor.shares.packs import pack
from proctor.sittings.tables import SittingState
from web.access import ReadTx, Services, ServicesDep, Signed, Tx, Visitor, allow
from web.errors import status_of
from web.pages import locale_of, page
from web.proctors import typing_card
from web.proctors.facts import (
    UNSEEN,
    Say,
    cause_in_words,
    fact_of,
    player_data,
    reason_in_words,
)
from web.proctors.forms import VerdictForm

router = APIRouter(tags=["review"])
_reviewing = allow(Role.PROCTOR, Role.REVIEWER)
_NO_STORE = {"Cache-Control": "no-store"}
_PIECE = 64 * 1024
FILTERS = ("open", "decided", "all")


class RecordingMissing(NotFound):
    """The file of this recording is not there."""

    key = "error.recording_missing"


@router.get("/review", dependencies=[_reviewing])
def show_queue(
    request: Request, tx: ReadTx, visitor: Signed, at: ServicesDep, show: str = "open"
) -> HTMLResponse:
    """Sittings to review, newest first."""
    if show not in FILTERS:
        raise NotFound
    items = queue.queue(tx, visitor.account)
    evidence = evidence_of_all(tx, [item.reviewed.sitting for item in items])
    rows = [(i, _outcome(i.reviewed, evidence[i.reviewed.sitting.id], at)) for i in items]
    shown = [
        (i, outcome)
        for i, outcome in rows
        if show == "all" or _waits(i, outcome) == (show == "open")
    ]
    counts = {
        "open": sum(_waits(item, outcome) for item, outcome in rows),
        "decided": sum(not _waits(item, outcome) for item, outcome in rows),
        "all": len(rows),
    }
    return page(request, "review/queue.html", rows=shown, show=show, filters=FILTERS, counts=counts)


@router.get("/review/sittings/{sitting_id}", dependencies=[_reviewing])
def show_sitting(
    sitting_id: str, request: Request, tx: ReadTx, visitor: Signed, at: ServicesDep
) -> HTMLResponse:
    """One sitting: recording, timeline, incidents, identity."""
    return _sitting_page(request, tx, visitor, at, sitting_id)


@router.post(
    "/review/sittings/{sitting_id}/incidents/{incident_id}/verdict", dependencies=[_reviewing]
)
def decide_incident(
    sitting_id: str,
    incident_id: str,
    form: Annotated[VerdictForm, Form()],
    request: Request,
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    sitting = queue.sitting_for(tx, visitor.account, sitting_id).sitting
    try:
        verdicts.decide_incident(
            tx, visitor.account, sitting, incident_id, form.decision, form.reason, at.clock.now()
        )
    except (Refused, Conflict) as error:
        return _refused(request, tx, visitor, at, sitting_id, incident_id, form, error)
    return RedirectResponse(f"/review/sittings/{sitting_id}#incident-{incident_id}", 303)


@router.post("/review/sittings/{sitting_id}/identity", dependencies=[_reviewing])
def decide_identity(
    sitting_id: str,
    form: Annotated[VerdictForm, Form()],
    request: Request,
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    sitting = queue.sitting_for(tx, visitor.account, sitting_id).sitting
    try:
        verdicts.decide_identity(
            tx, visitor.account, sitting, form.decision, form.reason, at.clock.now()
        )
    except (Refused, Conflict) as error:
        return _refused(request, tx, visitor, at, sitting_id, "identity", form, error)
    return RedirectResponse(f"/review/sittings/{sitting_id}#identity", 303)


@router.post("/review/sittings/{sitting_id}/admission", dependencies=[_reviewing])
async def admit(sitting_id: str, visitor: Signed, at: ServicesDep) -> RedirectResponse:
    """A person checked who sits there; the exam may begin."""

    def check() -> None:
        with at.db.reading() as tx:
            sitting = queue.sitting_for(tx, visitor.account, sitting_id).sitting
            if sitting.state is not SittingState.CHECKING:
                raise Conflict

    await asyncio.to_thread(check)
    live = await at.live.open(sitting_id)
    await live.admit(visitor.account.id)
    return RedirectResponse(f"/review/sittings/{sitting_id}", 303)


@router.get("/review/recordings/{recording_id}", dependencies=[_reviewing])
def recording(
    recording_id: str, request: Request, tx: Tx, visitor: Signed, at: ServicesDep
) -> Response:
    """The bytes of one recording; the view is on record before the first of them."""
    row = queue.recording_for(tx, visitor.account, recording_id)
    path = _file(at, row.path)
    dossier.record_view(tx, visitor.account.id, row.sitting_id, "recording", row.id, at.clock.now())
    is_whole = bool(row.sha256) or "range" in request.headers
    return _video(path) if is_whole else _growing(path)


@router.get("/review/clips/{clip_id}", dependencies=[_reviewing])
def clip(clip_id: str, tx: Tx, visitor: Signed, at: ServicesDep) -> Response:
    """The bytes of one clip; the view is on record before the first of them."""
    row, sitting_id = queue.clip_for(tx, visitor.account, clip_id)
    path = _file(at, row.path)
    dossier.record_view(tx, visitor.account.id, sitting_id, "clip", row.id, at.clock.now())
    return _video(path)


@router.get("/review/clips/{clip_id}/mp4", dependencies=[_reviewing])
def clip_as_mp4(clip_id: str, visitor: Signed, at: ServicesDep) -> Response:
    """A clip for other players, encoded anew; the export is on record before it begins."""
    with at.db.transaction() as tx:
        row, sitting_id = queue.clip_for(tx, visitor.account, clip_id)
        path = _file(at, row.path)
        dossier.record_view(tx, visitor.account.id, sitting_id, "export", row.id, at.clock.now())
    named = {"Content-Disposition": f'attachment; filename="{path.stem}.mp4"'}
    return Response(as_mp4(path), media_type="video/mp4", headers=_NO_STORE | named)


def _refused(
    request: Request,
    tx: Session,
    visitor: Visitor,
    at: Services,
    sitting_id: str,
    subject: str,
    form: VerdictForm,
    error: ProctorError,
) -> HTMLResponse:
    """The same page again, with what is wrong and what was written."""
    message = translate(locale_of(request), error.key, **error.ids)
    refused = {"subject": subject, "reason": form.reason, "message": message}
    return _sitting_page(request, tx, visitor, at, sitting_id, status_of(error), refused)


def _sitting_page(
    request: Request,
    tx: Session,
    visitor: Visitor,
    at: Services,
    sitting_id: str,
    status: int = 200,
    refused: dict[str, str] | None = None,
) -> HTMLResponse:
    reviewed = queue.sitting_for(tx, visitor.account, sitting_id)
    sitting, locale = reviewed.sitting, locale_of(request)
    evidence, files = evidence_of(tx, sitting), dossier.dossier(tx, sitting_id)
    exam_s = _exam_s(reviewed, at)

    def t(key: str, **values: object) -> str:
        return translate(locale, key, **values)

    return page(
        request,
        "review/sitting.html",
        status,
        reviewed=reviewed,
        files=files,
        evidence=evidence,
        exam_s=exam_s,
        outcome=_outcome(reviewed, evidence, at),
        typing=_typing(tx, reviewed, evidence, at, t),
        player=player_data(
            sitting, files, exam_s, at.settings.recordings_dir, subset(locale, "review.player.")
        ),
        fact=lambda row: fact_of(t, row),
        cause=lambda code: cause_in_words(t, code),
        because=lambda code: reason_in_words(t, code),
        unseen=UNSEEN,
        least=verdicts.MIN_REASON,
        most=verdicts.MAX_REASON,
        refused=refused,
    )


def _typing(
    tx: Session, reviewed: Reviewed, evidence: SittingEvidence, at: Services, t: Say
) -> dict[str, Any]:
    """The typing of the sitting beside earlier visits; nothing where it is not planned."""
    if Technology.KEYSTROKE.value not in reviewed.event.identity_plan:
        return {"plots": (), "words": (), "revised": ()}
    sitting, verifier = reviewed.sitting, at.live.line.verifier
    sums = keys.stored(tx, at.vault, sitting)
    earlier = enrolment.typing_reference(
        tx, at.vault, sitting.account_id, verifier.model_id, before=sitting.created_at
    )
    compared = evidence.keystroke
    # the score of another model is not read by this one's table
    is_read = compared is not None and verifier.model_id in evidence.model_ids
    return {
        "plots": typing_card.plots(t, measure_sums(sums), [measure_sums(s) for s in earlier]),
        "visits": len(earlier),
        "words": typing_card.in_words(t, compared, verifier.weighing)
        if compared and is_read
        else (),
        "revised": typing_card.revised(t, revision(sums)),
        "width": typing_card.WIDTH,
    }


def _outcome(reviewed: Reviewed, evidence: SittingEvidence, at: Services) -> OutcomeDecision:
    return decide(
        frozenset(Technology(name) for name in reviewed.event.identity_plan),
        evidence,
        evidence.verdicts,
        pack(reviewed.course.policy_pack),
        window_closed=at.clock.now() >= reviewed.event.closes_at,
    )


def _waits(item: QueueItem, outcome: OutcomeDecision) -> bool:
    """Whether a person is needed: for an incident, or for an outcome no rule could set."""
    return item.needs_person or outcome.outcome.value == "pending"


def _exam_s(reviewed: Reviewed, at: Services) -> float:
    """Length of the exam, or of what has passed of it."""
    sitting = reviewed.sitting
    if sitting.exam_s is not None:
        return sitting.exam_s
    if sitting.started_at is None:
        return 0.0
    gone = (at.clock.now() - sitting.started_at).total_seconds()
    return min(gone, float(reviewed.event.duration_s))


def _file(at: Services, relative: str) -> Path:
    root = at.settings.recordings_dir.resolve()
    path = (root / relative).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise RecordingMissing
    return path


def _video(path: Path) -> Response:
    return FileResponse(path, media_type="video/webm", headers=_NO_STORE)


def _growing(path: Path) -> Response:
    """What the file holds by now: it may have grown before the last byte is sent."""
    size = path.stat().st_size
    headers = _NO_STORE | {"Content-Length": str(size), "Accept-Ranges": "bytes"}
    return StreamingResponse(_bytes(path, size), media_type="video/webm", headers=headers)


def _bytes(path: Path, left: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while left > 0 and (piece := file.read(min(_PIECE, left))):
            left -= len(piece)
            yield piece
