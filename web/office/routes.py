"""Pages of the exam office: one course, and where the others are."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from proctor.exams.roster import count_learners, learners_of, staff_of
from proctor.exams.schemes import (
    course_for,
    events_in_force,
    newest_scheme,
    plain_number,
    warnings_of,
    weight_of,
)
from proctor.people.tables import Role
from proctor.reports.build import design_of, learner_report
from proctor.reports.figures import course_figures, learners_who_stand
from proctor.reports.tables import Stand
from proctor.shares.outcomes import course_outcomes
from proctor.shares.packs import pack
from proctor.shares.publication import publication_of, publish
from web.access import ReadTx, ServicesDep, Signed, Tx, allow
from web.office import (
    accommodations,
    attendance,
    certificates,
    events,
    imports,
    on_site,
    overview,
    quality,
    references,
    repairs,
    reports,
    retention,
)
from web.pages import page
from web.words import Printable

ROWS_PER_PAGE = 50

router = APIRouter(prefix="/office")
router.include_router(imports.router)
router.include_router(references.router)
router.include_router(reports.router)
router.include_router(quality.router)
router.include_router(accommodations.router)
router.include_router(attendance.router)
router.include_router(certificates.router)
router.include_router(events.router)
router.include_router(on_site.router)
router.include_router(repairs.router)
router.include_router(retention.router)
readers = allow(Role.EXAM_OFFICE, Role.ADMIN, Role.TEACHER)
office = allow(Role.EXAM_OFFICE, Role.ADMIN)

# a router without a path of its own cannot hold it
router.get("", dependencies=[readers])(overview.first_page)


@router.get("/courses/{course_id}", dependencies=[readers])
def course(
    request: Request,
    course_id: str,
    tx: ReadTx,
    visitor: Signed,
    services: ServicesDep,
    leaf: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
    stand: Stand | None = None,
) -> Response:
    """``stand``: only learners who stood so when the figures of the course were gathered."""
    found = course_for(tx, visitor.account, course_id)
    events = events_in_force(tx, found.id)
    rules = pack(found.policy_pack)
    count = count_learners(tx, found.id)
    scheme = newest_scheme(tx, found.id)
    figures = course_figures(tx, [found.id]).get(found.id)
    skip, shown = (leaf - 1) * ROWS_PER_PAGE, count
    if stand is None:
        learners = learners_of(tx, found.id, skip=skip, most=ROWS_PER_PAGE)
    else:
        learners = learners_who_stand(tx, found.id, stand, skip=skip, most=ROWS_PER_PAGE)
        shown = figures.stands.get(stand, 0) if figures else 0
    outcomes = course_outcomes(tx, found, learners, services.clock.now())
    return page(
        request,
        "office/course.html",
        course=found,
        scheme=scheme,
        publication=publication_of(tx, scheme) if scheme else None,
        events=[(event, plain_number(weight_of(event))) for event in events],
        warnings=warnings_of(events) if events else (),
        design=design_of(tx, found, events),
        threshold=f"{float(100 * rules.threshold):g}",
        learners=[learner_report(person, outcomes[person.id], rules) for person in learners],
        learner_count=count,
        figures=figures,
        stand=stand,
        stands=list(Stand),
        leaf=leaf,
        leaves=max(1, -(-shown // ROWS_PER_PAGE)),
        staff=staff_of(tx, found.id),
    )


@router.post("/courses/{course_id}/publication", dependencies=[office])
def publish_course(
    course_id: str,
    expertise: Annotated[Printable, Form(max_length=300)],
    pilot: Annotated[Printable, Form(max_length=300)],
    tx: Tx,
    visitor: Signed,
    services: ServicesDep,
) -> Response:
    found = course_for(tx, visitor.account, course_id)
    now = services.clock.now()
    publish(tx, found, visitor.account, now, expertise=expertise, pilot=pilot)
    return RedirectResponse(f"/office/courses/{found.id}#publication", 303)
