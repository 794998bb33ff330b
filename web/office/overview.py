"""The first page of the exam office: where courses, reviews, recordings and samples stand."""

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from proctor.clock import TIME_ZONE
from proctor.exams.schemes import courses_for
from proctor.identity.enrolment import count_pending
from proctor.people.tables import Role
from proctor.reports.figures import Recordings
from proctor.reports.overview import CourseState, Line, overview
from proctor.reports.tables import Stand
from proctor.retention.rules import Kept
from proctor.retention.terms import terms_of
from web.access import ReadTx, ServicesDep, Signed
from web.pages import page

COURSES_PER_PAGE = 50


def first_page(
    request: Request,
    tx: ReadTx,
    visitor: Signed,
    services: ServicesDep,
    term: Annotated[str, Query(max_length=32)] = "",
    course: Annotated[str, Query(max_length=32)] = "",
    leaf: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
) -> Response:
    """A teacher's is the list of their courses."""
    account, now = visitor.account, services.clock.now()
    if account.role is Role.TEACHER:
        return page(request, "office/courses.html", courses=courses_for(tx, account))
    found = overview(tx, account, term, course, now)
    waiting, oldest = count_pending(tx, account.institution_id)
    first = (leaf - 1) * COURSES_PER_PAGE
    return page(
        request,
        "office/overview.html",
        found=found,
        term=term,
        course=course,
        states=list(CourseState),
        stands=list(Stand),
        lines=found.lines[first : first + COURSES_PER_PAGE],
        leaf=leaf,
        leaves=max(1, -(-len(found.lines) // COURSES_PER_PAGE)),
        references=waiting,
        oldest=oldest,
        recordings=_all_recordings(found.lines),
        days=terms_of(tx, account.institution_id).days(Kept.RECORDINGS),
        today=now.astimezone(TIME_ZONE).date(),
    )


def _all_recordings(lines: tuple[Line, ...]) -> Recordings:
    each = [line.figures.recordings for line in lines if line.figures]
    return Recordings(
        sum(one.files for one in each),
        sum(one.bytes for one in each),
        min((one.first for one in each if one.first), default=None),
        max((one.last for one in each if one.last), default=None),
    )
