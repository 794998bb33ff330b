"""A student's own record of a sitting: incidents, clips, decisions, answers, appeals, viewers."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import Field
from sqlalchemy.orm import Session

from proctor.catalogue import known_keys, translate
from proctor.errors import Conflict, ProctorError, Refused
from proctor.exams.schemes import course_of
from proctor.exams.tables import AssessmentEvent
from proctor.incidents.tables import ClipRow, IncidentRow
from proctor.people.tables import Role
from proctor.retention.facts import standing_of
from proctor.retention.holds import holds_of
from proctor.retention.rules import HOLDS
from proctor.review import dossier, looks, statements, verdicts
from proctor.shares.evidence import evidence_of
from proctor.shares.outcomes import decide_sitting, overruling
from proctor.shares.packs import pack
from proctor.sittings import desk
from proctor.sittings.expiries import refuse_expired
from proctor.sittings.repairs import window_of
from proctor.sittings.tables import Sitting, SittingState
from web.access import ReadTx, Services, ServicesDep, Signed, Tx, Visitor, allow
from web.errors import status_of
from web.facts import fact_of
from web.pages import locale_of, page
from web.videos import RecordingMissing, file_of, video
from web.words import Sent

router = APIRouter(include_in_schema=False)
_student = allow(Role.STUDENT)


class StatementForm(Sent):
    """What a student writes; too short or long is answered on the page, not here."""

    text: str = Field("", max_length=4 * verdicts.MAX_REASON)


@router.get("/sittings/{sitting_id}/record", dependencies=[_student])
def record(
    request: Request, sitting_id: str, tx: ReadTx, visitor: Signed, at: ServicesDep
) -> Response:
    sitting = _ended(tx, visitor, sitting_id)
    return _record_page(request, tx, visitor, at, sitting)


@router.get("/sittings/{sitting_id}/clips/{clip_id}", dependencies=[_student])
def clip(sitting_id: str, clip_id: str, tx: Tx, visitor: Signed, at: ServicesDep) -> Response:
    """A clip of one's own; this view is on record too, before its first byte."""
    _ended(tx, visitor, sitting_id)
    row = tx.get(ClipRow, clip_id)
    if row is None or tx.get_one(IncidentRow, row.incident_id).sitting_id != sitting_id:
        raise RecordingMissing
    refuse_expired(tx, sitting_id)
    path = file_of(at, row.path)
    looks.record_view(tx, visitor.account.id, sitting_id, "clip", row.id, at.clock.now())
    return video(path)


@router.post("/sittings/{sitting_id}/incidents/{incident_id}/answer", dependencies=[_student])
def answer(
    request: Request,
    sitting_id: str,
    incident_id: str,
    form: Annotated[StatementForm, Form()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    sitting = _ended(tx, visitor, sitting_id)
    try:
        statements.answer(tx, at.vault, sitting, incident_id, form.text, at.clock.now())
    except (Refused, Conflict) as error:
        return _refused(request, tx, visitor, at, sitting, incident_id, form, error)
    return RedirectResponse(f"/sittings/{sitting_id}/record#incident-{incident_id}", 303)


@router.post("/sittings/{sitting_id}/incidents/{incident_id}/appeal", dependencies=[_student])
def appeal_incident(
    request: Request,
    sitting_id: str,
    incident_id: str,
    form: Annotated[StatementForm, Form()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    return _appeal(request, tx, visitor, at, sitting_id, incident_id, form)


@router.post("/sittings/{sitting_id}/appeal", dependencies=[_student])
def appeal_identity(
    request: Request,
    sitting_id: str,
    form: Annotated[StatementForm, Form()],
    tx: Tx,
    visitor: Signed,
    at: ServicesDep,
) -> Response:
    return _appeal(request, tx, visitor, at, sitting_id, None, form)


def _appeal(
    request: Request,
    tx: Session,
    visitor: Visitor,
    at: Services,
    sitting_id: str,
    incident_id: str | None,
    form: StatementForm,
) -> Response:
    sitting = _ended(tx, visitor, sitting_id)
    try:
        statements.appeal(tx, at.vault, sitting, incident_id, form.text, at.clock.now())
    except (Refused, Conflict) as error:
        subject = incident_id or "identity"
        return _refused(request, tx, visitor, at, sitting, subject, form, error)
    place = f"incident-{incident_id}" if incident_id else "identity"
    return RedirectResponse(f"/sittings/{sitting_id}/record#{place}", 303)


def _ended(tx: Session, visitor: Visitor, sitting_id: str) -> Sitting:
    """One's own sitting once it is over; before, there is no record of it."""
    sitting = desk.own_sitting(tx, sitting_id, visitor.account.id)
    if sitting.state is not SittingState.FINISHED:
        raise desk.NotYours
    return sitting


def _refused(
    request: Request,
    tx: Session,
    visitor: Visitor,
    at: Services,
    sitting: Sitting,
    subject: str,
    form: StatementForm,
    error: ProctorError,
) -> Response:
    """The same page again, with what is wrong and what was written."""
    message = translate(locale_of(request), error.key, **error.ids)
    refused = {"subject": subject, "text": form.text, "message": message}
    return _record_page(request, tx, visitor, at, sitting, status_of(error), refused)


def _record_page(
    request: Request,
    tx: Session,
    visitor: Visitor,
    at: Services,
    sitting: Sitting,
    status: int = 200,
    refused: dict[str, str] | None = None,
) -> Response:
    event, now = tx.get_one(AssessmentEvent, sitting.event_id), at.clock.now()
    course, evidence = course_of(tx, event), evidence_of(tx, sitting)
    window = window_of(tx, sitting.id)
    repaired_by = window.technology if window else None
    outcome = decide_sitting(event, evidence, pack(course.policy_pack), now, repaired_by)
    said = statements.said_of(tx, at.vault, sitting)
    given = verdicts.verdicts_of(tx, sitting.id)

    def t(key: str, **values: object) -> str:
        return translate(locale_of(request), key, **values)

    kept = standing_of(tx, sitting, now)
    return page(
        request,
        "students/record.html",
        status,
        sitting=sitting,
        event=event,
        course=course,
        files=dossier.dossier(tx, sitting.id),
        standing=verdicts.identity_standing(given),
        outcome=outcome,
        kept_until=kept.due_at,
        legal_holds=holds_of(tx, sitting.account_id, now),
        kept_while=[t(f"retention.why.{why}") for why in sorted(kept.why_not_yet(now) & HOLDS)],
        overruled=overruling(tx, course, event, sitting, outcome, now),
        said=said,
        may_answer=statements.may_answer(sitting, now),
        answer_until=(sitting.finished_at or sitting.created_at) + statements.OPEN_FOR,
        appealable=statements.appealable(given, said, now),
        fact=lambda row: fact_of(t, row),
        known=known_keys(),
        least=verdicts.MIN_REASON,
        most=verdicts.MAX_REASON,
        refused=refused,
    )
