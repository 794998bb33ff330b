"""References that wait for the exam office or a proctor to confirm whose they are."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from biometrics.cohort import SMALLEST_COHORT
from biometrics.error_rates import interval
from proctor.exams.roster import learners_seen_by
from proctor.identity import calibrations, enrolment, impostors
from proctor.identity.enrolment import NoSuchReference
from proctor.identity.tables import Reference
from proctor.identity.typing_grounds import grounds_of
from proctor.people.tables import Account, Role
from web.access import ReadTx, ServicesDep, Signed, Tx, allow
from web.pages import page

router = APIRouter(prefix="/references")
confirmers = allow(Role.EXAM_OFFICE, Role.ADMIN, Role.PROCTOR)


@router.get("", dependencies=[confirmers])
def references(request: Request, tx: ReadTx, visitor: Signed, services: ServicesDep) -> Response:
    home, comparison = visitor.account.institution_id, services.inference.comparison
    waiting = enrolment.pending(tx, home)
    if visitor.account.role is Role.PROCTOR:
        known = learners_seen_by(tx, visitor.account)
        waiting = [(row, person) for row, person in waiting if person.id in known]
    own = calibrations.in_force(tx, comparison, home)
    measured = impostors.newest(tx, home, own.scores if own else comparison.model_id)
    return page(
        request,
        "office/references.html",
        waiting=waiting,
        quality_of=enrolment.quality_of,
        photo_hints=enrolment.photo_hints(tx, [row for row, _ in waiting]),
        grounds=grounds_of(
            tx, services.vault, services.live.line.verifier, [row for row, _ in waiting]
        ),
        measured=measured,
        own=own,
        enrolled=impostors.largest_cohort(tx, comparison, home, services.clock.now()),
        cohort=SMALLEST_COHORT,
        own_by=tx.get(Account, own.by) if own and own.by else None,
        card=comparison.operating_points["verification"].threshold,
        most=interval(measured.accepted, measured.compared).high
        if measured and measured.compared
        else None,
    )


@router.post("/{reference_id}/confirm", dependencies=[confirmers])
def confirm(reference_id: str, tx: Tx, visitor: Signed, services: ServicesDep) -> Response:
    by = visitor.account
    _refuse_strangers(tx, by, reference_id)
    via = "proctor" if by.role is Role.PROCTOR else "office"
    enrolment.confirm(tx, reference_id, by, via, services.clock.now())
    return RedirectResponse("/office/references", 303)


@router.post("/{reference_id}/reject", dependencies=[confirmers])
def reject(reference_id: str, tx: Tx, visitor: Signed, services: ServicesDep) -> Response:
    _refuse_strangers(tx, visitor.account, reference_id)
    enrolment.reject(tx, reference_id, visitor.account, services.clock.now())
    return RedirectResponse("/office/references", 303)


def _refuse_strangers(tx: Session, by: Account, reference_id: str) -> None:
    """A proctor decides on learners of assigned courses only."""
    if by.role is not Role.PROCTOR:
        return
    row = tx.get(Reference, reference_id)
    if row is None or row.account_id not in learners_seen_by(tx, by):
        raise NoSuchReference
