"""A student's own share of identification in one course, what can still be verified, and their
certificate."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from proctor.exams.schemes import course_for, plain_number
from proctor.people.tables import Role
from proctor.reports.build import learner_report
from proctor.reports.certificate_register import status_of
from proctor.reports.certificates import CertificateNotFound, certificate_of
from proctor.shares.calculator import Outcome
from proctor.shares.outcomes import EventOutcome, course_outcomes
from proctor.shares.packs import pack
from proctor.shares.repair import chances_of
from web.access import ReadTx, ServicesDep, Signed, allow
from web.certificates import certificate_file
from web.pages import page

router = APIRouter(include_in_schema=False)


@router.get("/courses/{course_id}/identity", dependencies=[allow(Role.STUDENT)])
def identity(
    request: Request, course_id: str, tx: ReadTx, visitor: Signed, at: ServicesDep
) -> Response:
    course = course_for(tx, visitor.account, course_id)
    rules = pack(course.policy_pack)
    outcomes = course_outcomes(tx, course, [visitor.account], at.clock.now())[visitor.account.id]
    chances = chances_of(tx, course, visitor.account, at.clock.now())
    certificate = certificate_of(tx, course, visitor.account)
    report = learner_report(visitor.account, outcomes, rules)
    return page(
        request,
        "students/identity.html",
        course=course,
        report=report,
        weights={outcome.code: plain_number(outcome.event.weight) for outcome in outcomes},
        needed=f"{float(100 * rules.threshold):g}",
        basis=rules.text,
        chances=chances,
        certificate=certificate,
        certified=status_of(tx, certificate, at.clock.now()) if certificate else None,
        still_open=[outcome for outcome in outcomes if _can_be_held(outcome)],
        awaited=[
            outcome
            for outcome in outcomes
            if outcome.decision.outcome is Outcome.PENDING and not _can_be_held(outcome)
        ],
    )


@router.get("/courses/{course_id}/certificate.pdf", dependencies=[allow(Role.STUDENT)])
def certificate_pdf(course_id: str, tx: ReadTx, visitor: Signed, at: ServicesDep) -> Response:
    row = certificate_of(tx, course_for(tx, visitor.account, course_id), visitor.account)
    if row is None:
        raise CertificateNotFound
    return certificate_file(tx, row, at)


def _can_be_held(outcome: EventOutcome) -> bool:
    """Whether the learner can still sit the event, or a centre still report that they did."""
    return outcome.decision.is_ahead or outcome.decision.reasons == ("no_protocol",)
