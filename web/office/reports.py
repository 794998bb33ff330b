"""The identity report of a course: read as it stands now, issued, and taken away as a file."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from proctor.exams.schemes import course_for
from proctor.exams.tables import Course
from proctor.people.tables import Role
from proctor.reports import forms
from proctor.reports.build import build_report
from proctor.reports.document import as_json
from proctor.reports.exam_sheet import exam_sheet, sheet_form
from proctor.reports.files import FileFormat, content_of
from proctor.reports.forms import FormFormat
from proctor.reports.issue import (
    draft,
    issued_for,
    issued_reports,
    keep,
    record_download,
)
from proctor.reports.signing import Seal
from proctor.reports.tables import IssuedReport
from proctor.reports.wording import printed
from web.access import ReadTx, ServicesDep, Signed, allow
from web.downloads import download
from web.pages import locale_of, page

router = APIRouter()
office = allow(Role.EXAM_OFFICE, Role.ADMIN)


@router.get("/courses/{course_id}/report", dependencies=[office])
def course_report(
    request: Request, course_id: str, tx: ReadTx, visitor: Signed, services: ServicesDep
) -> Response:
    course = course_for(tx, visitor.account, course_id)
    report = build_report(tx, course.id, services.clock.now())
    return page(
        request,
        "office/report.html",
        course=course,
        report=printed(as_json(report), locale_of(request)),
        issued=issued_reports(tx, course.id),
        formats=list(FileFormat),
    )


@router.post("/courses/{course_id}/reports", dependencies=[office])
def issue_report(course_id: str, visitor: Signed, services: ServicesDep) -> Response:
    with services.db.reading() as tx:
        course = course_for(tx, visitor.account, course_id)
        report = draft(tx, course.id, visitor.account.id, services.clock.now())
    with services.db.transaction() as tx:
        keep(tx, report)
    return RedirectResponse(f"/office/courses/{course.id}/report#issued", 303)


@router.get("/reports/{report_id}.{file_format}", dependencies=[office])
def report_file(
    request: Request,
    report_id: str,
    file_format: FileFormat,
    visitor: Signed,
    services: ServicesDep,
) -> Response:
    # on record first; the file is drawn when nobody waits for the transaction any more
    with services.db.transaction() as tx:
        report = issued_for(tx, visitor.account, report_id)
        name = _file_name(tx.get_one(Course, report.course_id), report, file_format)
        record_download(tx, report, visitor.account.id, file_format, services.clock.now())
    content = content_of(report.body, file_format, locale_of(request))
    if file_format is FileFormat.PDF:
        settings = services.settings
        seal = Seal(settings.pdf_key, settings.institution, settings.timestamp_url)
        content = seal.sign(content, services.clock.now())
    return download(content, name)


@router.get("/courses/{course_id}/events/{event_code}/sheet.{file_format}", dependencies=[office])
def sheet_file(
    request: Request,
    course_id: str,
    event_code: str,
    file_format: FormFormat,
    tx: ReadTx,
    visitor: Signed,
    services: ServicesDep,
) -> Response:
    course = course_for(tx, visitor.account, course_id)
    sheet = exam_sheet(tx, course, event_code, services.clock.now())
    content = forms.content_of(sheet_form(sheet, locale_of(request)), file_format)
    return download(content, f"{course.code}-{event_code}-sheet.{file_format}")


def _file_name(course: Course, report: IssuedReport, file_format: FileFormat) -> str:
    return f"{course.code}-identity-report-v{report.version}.{file_format}"
