"""What people's decisions say of detectors, and how far the people agree."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from biometrics.error_rates import interval
from proctor.people.tables import Role
from proctor.review.agreement import (
    agreement_by_kind,
    first_looks_by_kind,
    pairs_of,
    reviewers_of,
)
from proctor.review.precision import LEAST_CASES, detectors_of, precision_by_version
from proctor.review.sampling import misses_of
from web.access import ReadTx, Signed, allow
from web.pages import page

router = APIRouter()


@router.get("/quality", dependencies=[allow(Role.EXAM_OFFICE, Role.ADMIN)])
def quality(request: Request, tx: ReadTx, visitor: Signed) -> Response:
    institution = visitor.account.institution_id
    pairs, misses = pairs_of(tx, institution), misses_of(tx, institution)
    missed = sum(misses.missed.values())
    bounds = interval(missed, misses.looked) if misses.looked else None
    return page(
        request,
        "office/quality.html",
        detectors=detectors_of(tx, institution),
        versions=precision_by_version(tx, institution),
        agreements=agreement_by_kind(pairs),
        reviewers=reviewers_of(tx, institution, pairs),
        first_looks=first_looks_by_kind(tx, institution),
        misses=misses,
        missed=missed,
        bounds=bounds,
        least=LEAST_CASES,
    )
