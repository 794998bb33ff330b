"""The review room: the queue, one sitting with its recording, decisions."""

import asyncio
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from keystroke.features import measure_sums
from keystroke.revision import revision
from proctor.analysis import keys
from proctor.catalogue import subset, translate
from proctor.errors import Conflict, NotFound, ProctorError, Refused
from proctor.exams.accommodations import accommodation_of
from proctor.exams.tables import Technology
from proctor.identity import enrolment
from proctor.identity.tables import IdentityCheck
from proctor.media.export import as_mp4
from proctor.people.tables import Role
from proctor.review import dossier, looks, queue, statements, verdicts
from proctor.review.dossier import Dossier
from proctor.review.precision import detectors_of, precision_of
from proctor.review.queue import QueueItem, Reviewed
from proctor.review.statements import Said
from proctor.shares.evidence import SittingEvidence, evidence_of, evidence_of_all
from proctor.shares.outcomes import OutcomeDecision, decide_sitting
from proctor.shares.packs import pack
from proctor.sittings.tables import SittingState
from web.access import ReadTx, Services, ServicesDep, Signed, Tx, Visitor, allow
from web.errors import status_of
from web.facts import Say, fact_of, reason_in_words
from web.pages import locale_of, page
from web.proctors import typing_card
from web.proctors.card import Card, identified_s
from web.proctors.facts import UNSEEN, cause_in_words, player_data, stills_of, trust_of
from web.proctors.forms import AlikeForm, AppealForm, VerdictForm
from web.proctors.timeline import LANE_HEIGHT, WIDTH, Stretch, lanes
from web.videos import NO_STORE, file_of, growing, video

router = APIRouter(tags=["review"])
_reviewing = allow(Role.PROCTOR, Role.REVIEWER)
FILTERS = ("open", "decided", "all")


@router.get("/review", dependencies=[_reviewing])
def show_queue(
    request: Request, tx: ReadTx, visitor: Signed, at: ServicesDep, show: str = "open"
) -> HTMLResponse:
    """Sittings to review, the most pressing first."""
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
    watched = detectors_of(tx, visitor.account.institution_id)
    return page(
        request,
        "review/queue.html",
        rows=shown,
        show=show,
        filters=FILTERS,
        counts=counts,
        notices=[each for each in watched if each.needs_notice],
    )


@router.get("/review/sittings/{sitting_id}", dependencies=[_reviewing])
def show_sitting(
    sitting_id: str,
    request: Request,
    tx: ReadTx,
    visitor: Signed,
    at: ServicesDep,
    incident: str = "",
) -> HTMLResponse:
    """One sitting: recording, timeline, incidents, identity. ``incident``: whose card is shown."""
    return _sitting_page(request, tx, visitor, at, sitting_id, chosen=incident)


@router.get("/review/sittings/{sitting_id}/incidents/{incident_id}", dependencies=[_reviewing])
def show_incident(
    sitting_id: str,
    incident_id: str,
    request: Request,
    tx: ReadTx,
    visitor: Signed,
    at: ServicesDep,
) -> HTMLResponse:
    """The card of one incident, for the sitting's page to show."""
    reviewed = queue.sitting_for(tx, visitor.account, sitting_id)
    files = dossier.dossier(tx, sitting_id)
    player = _player(request, reviewed, files, at)
    checks = dossier.checks_of(tx, sitting_id)
    said = statements.said_of(tx, at.vault, reviewed.sitting)
    card = _card(request, tx, visitor, reviewed, files, said, player, checks, incident_id)
    if card is None or card.found.row.id != incident_id:
        raise verdicts.NoSuchIncident(incident=incident_id)
    return page(
        request,
        "review/incident.html",
        sitting_id=sitting_id,
        refused=None,
        least=verdicts.MIN_REASON,
        most=verdicts.MAX_REASON,
        **card.shown(),
    )


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
    following = verdicts.next_undecided(tx, sitting_id, incident_id) or incident_id
    return RedirectResponse(f"/review/sittings/{sitting_id}?incident={following}#card", 303)


@router.post(
    "/review/sittings/{sitting_id}/incidents/{incident_id}/look", dependencies=[_reviewing]
)
def look_at(
    sitting_id: str, incident_id: str, tx: Tx, visitor: Signed, at: ServicesDep
) -> dict[str, bool]:
    """The visitor has this incident before them: it is on record that they looked."""
    sitting = queue.sitting_for(tx, visitor.account, sitting_id).sitting
    verdicts.look_at(tx, visitor.account, sitting, incident_id, at.clock.now())
    return {"looked": True}


@router.post("/review/sittings/{sitting_id}/alike", dependencies=[_reviewing])
def dismiss_alike(
    sitting_id: str,
    form: Annotated[AlikeForm, Form()],
    request: Request,
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    """Dismiss all undecided incidents of a kind, each of which the visitor looked at."""
    sitting = queue.sitting_for(tx, visitor.account, sitting_id).sitting
    try:
        verdicts.dismiss_alike(tx, visitor.account, sitting, form.kind, form.reason, at.clock.now())
    except (Refused, Conflict) as error:
        return _refused(request, tx, visitor, at, sitting_id, form.kind, form, error)
    return RedirectResponse(f"/review/sittings/{sitting_id}#card", 303)


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


@router.post("/review/sittings/{sitting_id}/appeals/{statement_id}", dependencies=[_reviewing])
def rule_on_appeal(
    sitting_id: str,
    statement_id: str,
    form: Annotated[AppealForm, Form()],
    request: Request,
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    """Another person than those who decided rules on what the student appealed against."""
    sitting = queue.sitting_for(tx, visitor.account, sitting_id).sitting
    try:
        statements.rule(
            tx,
            visitor.account,
            sitting,
            statement_id,
            granted=form.granted,
            reason=form.reason,
            at=at.clock.now(),
        )
    except (Refused, Conflict) as error:
        return _refused(request, tx, visitor, at, sitting_id, statement_id, form, error)
    return RedirectResponse(f"/review/sittings/{sitting_id}#appeals", 303)


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
    with at.db.transaction() as tx:
        row, sitting_id = queue.clip_for(tx, visitor.account, clip_id)
        path = file_of(at, row.path)
        looks.record_view(tx, visitor.account.id, sitting_id, "export", row.id, at.clock.now())
    named = {"Content-Disposition": f'attachment; filename="{path.stem}.mp4"'}
    return Response(as_mp4(path), media_type="video/mp4", headers=NO_STORE | named)


def _refused(
    request: Request,
    tx: Session,
    visitor: Visitor,
    at: Services,
    sitting_id: str,
    subject: str,
    form: VerdictForm | AlikeForm | AppealForm,
    error: ProctorError,
) -> HTMLResponse:
    """The same page again, with what is wrong and what was written."""
    message = translate(locale_of(request), error.key, **error.ids)
    refused = {"subject": subject, "reason": form.reason, "message": message}
    return _sitting_page(
        request, tx, visitor, at, sitting_id, status_of(error), refused, chosen=subject
    )


def _sitting_page(
    request: Request,
    tx: Session,
    visitor: Visitor,
    at: Services,
    sitting_id: str,
    status: int = 200,
    refused: dict[str, str] | None = None,
    chosen: str = "",
) -> HTMLResponse:
    reviewed = queue.sitting_for(tx, visitor.account, sitting_id)
    sitting = reviewed.sitting
    evidence, files = evidence_of(tx, sitting), dossier.dossier(tx, sitting_id)
    player, t = _player(request, reviewed, files, at), _say(request)
    stretch = Stretch(player["start_s"], player["end_s"])
    checks = dossier.checks_of(tx, sitting_id)
    said = statements.said_of(tx, at.vault, sitting)
    return page(
        request,
        "review/sitting.html",
        status,
        reviewed=reviewed,
        files=files,
        evidence=evidence,
        exam_s=_exam_s(reviewed, at),
        card=_card(request, tx, visitor, reviewed, files, said, player, checks, chosen),
        lanes=lanes(stretch, files.incidents, evidence.gaps, checks),
        width=WIDTH,
        lane_height=LANE_HEIGHT,
        granted=_granted(t, tx, reviewed),
        said=said,
        outcome=_outcome(reviewed, evidence, at),
        typing=_typing(tx, reviewed, evidence, at, t),
        player=player,
        fact=lambda row: fact_of(t, row),
        cause=lambda code: cause_in_words(t, code),
        because=lambda code: reason_in_words(t, code),
        unseen=UNSEEN,
        least=verdicts.MIN_REASON,
        most=verdicts.MAX_REASON,
        refused=refused,
    )


def _say(request: Request) -> Say:
    return partial(translate, locale_of(request))


def _player(request: Request, reviewed: Reviewed, files: Dossier, at: Services) -> dict[str, Any]:
    texts = subset(locale_of(request), "review.player.")
    recordings_dir = at.settings.recordings_dir
    return player_data(reviewed.sitting, files, _exam_s(reviewed, at), recordings_dir, texts)


def _card(
    request: Request,
    tx: Session,
    visitor: Visitor,
    reviewed: Reviewed,
    files: Dossier,
    said: list[Said],
    player: dict[str, Any],
    checks: list[IdentityCheck],
    chosen: str,
) -> Card | None:
    """The card of the chosen incident, else of the first that waits, else of the first."""
    waiting = [each for each in files.incidents if not each.rulings and not each.is_open]
    wanted = [each for each in files.incidents if chosen in (each.row.id, each.row.kind)]
    found = next(iter([*wanted, *waiting, *files.incidents]), None)
    if found is None:
        return None
    t, kind = _say(request), found.row.kind
    rates = precision_of(tx, reviewed.course.institution_id, kind)
    models = sorted({check.model_id for check in checks if check.model_id})
    alike = [each for each in waiting if each.row.kind == kind]
    seen = looks.looks_of(tx, visitor.account.id, reviewed.sitting.id)
    moments = {"start": identified_s(checks), "incident": found.row.start_s}
    return Card(
        found=found,
        said=fact_of(t, found.row),
        trust=trust_of(t, kind, rates.get(kind), models),
        stills=stills_of(player, moments),
        alike=len(alike),
        answers=tuple(each for each in said if each.incident_id == found.row.id),
        looked=sum(each is found or seen.saw_itself(each.row.id) for each in alike),
    )


def _granted(t: Say, tx: Session, reviewed: Reviewed) -> list[str]:
    """What the learner is granted, as effects; never why."""
    granted = accommodation_of(tx, reviewed.learner.id, reviewed.course.id)
    lines = [t(f"review.granted.{effect.value}") for effect in sorted(granted.effects)]
    if granted.extra_time_percent:
        lines.append(t("review.granted.extra_time", n=granted.extra_time_percent))
    return lines


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
    rules = pack(reviewed.course.policy_pack)
    return decide_sitting(reviewed.event, evidence, rules, at.clock.now())


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
