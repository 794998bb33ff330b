"""Pages of the exam office: courses, one course, CSV imports."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import RedirectResponse, Response

from proctor.exams.roster import count_learners, learners_of, staff_of
from proctor.exams.schemes import (
    course_for,
    courses_for,
    events_in_force,
    newest_scheme,
    plain_number,
    warnings_of,
    weight_of,
)
from proctor.exams.sheets import ImportRefused, RowError
from proctor.people.tables import Role
from proctor.reports.build import design_of, learner_report
from proctor.shares.outcomes import course_outcomes
from proctor.shares.packs import pack
from proctor.shares.publication import publication_of, publish
from web.access import ReadTx, ServicesDep, Signed, Tx, allow
from web.office import references, reports
from web.office.forms import FORMS, ImportKind, content_of, empty_sheet
from web.pages import page

ROWS_PER_PAGE = 50
SHOWN_ERRORS = 200

router = APIRouter(prefix="/office")
router.include_router(references.router)
router.include_router(reports.router)
readers = allow(Role.EXAM_OFFICE, Role.ADMIN, Role.TEACHER)
office = allow(Role.EXAM_OFFICE, Role.ADMIN)


@router.get("", dependencies=[readers])
def courses(request: Request, tx: ReadTx, visitor: Signed) -> Response:
    return page(request, "office/courses.html", courses=courses_for(tx, visitor.account))


@router.get("/courses/{course_id}", dependencies=[readers])
def course(
    request: Request,
    course_id: str,
    tx: ReadTx,
    visitor: Signed,
    services: ServicesDep,
    leaf: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
) -> Response:
    found = course_for(tx, visitor.account, course_id)
    events = events_in_force(tx, found.id)
    rules = pack(found.policy_pack)
    count = count_learners(tx, found.id)
    scheme = newest_scheme(tx, found.id)
    learners = learners_of(tx, found.id, skip=(leaf - 1) * ROWS_PER_PAGE, most=ROWS_PER_PAGE)
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
        leaf=leaf,
        leaves=max(1, -(-count // ROWS_PER_PAGE)),
        staff=staff_of(tx, found.id),
    )


@router.post("/courses/{course_id}/publication", dependencies=[office])
def publish_course(
    course_id: str,
    expertise: Annotated[str, Form(max_length=300)],
    pilot: Annotated[str, Form(max_length=300)],
    tx: Tx,
    visitor: Signed,
    services: ServicesDep,
) -> Response:
    found = course_for(tx, visitor.account, course_id)
    now = services.clock.now()
    publish(tx, found, visitor.account, now, expertise=expertise, pilot=pilot)
    return RedirectResponse(f"/office/courses/{found.id}#publication", 303)


@router.get("/imports", dependencies=[office])
def imports_page(
    request: Request,
    done: ImportKind | None = None,
    added: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    changed: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    unchanged: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    counts = {"added": added, "changed": changed, "unchanged": unchanged}
    return _imports(request, done=done, counts=counts)


@router.get("/imports/{kind}.csv", dependencies=[office])
def empty_file(kind: ImportKind) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{kind.value}.csv"'}
    return Response(empty_sheet(FORMS[kind]), media_type="text/csv", headers=headers)


@router.post("/imports/{kind}", dependencies=[office])
def take_file(
    request: Request,
    kind: ImportKind,
    file: Annotated[UploadFile, File()],
    tx: Tx,
    visitor: Signed,
    services: ServicesDep,
) -> Response:
    try:
        result = FORMS[kind].take(tx, visitor.account, content_of(file), services.clock.now())
    except ImportRefused as refused:
        return _imports(request, 422, refused_kind=kind, errors=refused.errors)
    counts = f"added={result.added}&changed={result.changed}&unchanged={result.unchanged}"
    return RedirectResponse(f"/office/imports?done={kind.value}&{counts}", 303)


def _imports(
    request: Request,
    status: int = 200,
    *,
    done: ImportKind | None = None,
    counts: dict[str, int] | None = None,
    refused_kind: ImportKind | None = None,
    errors: tuple[RowError, ...] = (),
) -> Response:
    return page(
        request,
        "office/imports.html",
        status=status,
        forms=FORMS,
        done=done,
        counts=counts or {},
        refused_kind=refused_kind,
        errors=errors[:SHOWN_ERRORS],
        error_count=len(errors),
    )
