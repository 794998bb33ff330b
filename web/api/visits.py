"""What the site of a test elsewhere may ask: whose exam a code belongs to, once."""

from fastapi import APIRouter

from proctor.sittings import codes
from web.access import ServicesDep, Tx, public
from web.words import Strict

router = APIRouter(prefix="/api/visits", tags=["visits"])


class VisitOut(Strict):
    """``remaining_s``: of the exam, with the time this learner is granted."""

    course: str
    event: str
    learner_number: str | None
    remaining_s: float


@router.post("/{code}", dependencies=[public()])
def use_code(code: str, tx: Tx, at: ServicesDep) -> VisitOut:
    """The code that a visit to the test came with, good while its exam is under way."""
    found = codes.use(tx, code, at.clock.now())
    return VisitOut(
        course=found.course,
        event=found.event,
        learner_number=found.learner_number,
        remaining_s=found.remaining_s,
    )
