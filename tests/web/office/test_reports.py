import json
from datetime import datetime
from hashlib import sha256
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy.orm import Session

from proctor import events
from proctor.plumbing.db import Database
from proctor.reports.document import Json
from proctor.reports.issue import draft, issue, issued_reports
from proctor.reports.pdf import pdf_of
from proctor.reports.tables import IssuedReport
from tests.support.cast import NOON, Cast
from tests.web.office.conftest import Browse

pytestmark = pytest.mark.db


def test_report_shows_the_share_with_numerator_and_denominator(cast: Cast, browse: Browse) -> None:
    response = browse(cast.olga).get(f"/office/courses/{cast.course.id}/report")
    assert response.status_code == 200
    for expected in ("1 / 1", "40 / 40", "100.00 %", "Not issued, computed now", "Alice", "Bob"):
        assert expected in response.text
    assert "style=" not in response.text


def test_drawing_a_report_keeps_no_exam_from_writing(
    cast: Cast, browse: Browse, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browse(cast.olga)
    client.post(f"/office/courses/{cast.course.id}/reports")
    with database.transaction() as tx:
        report = issued_reports(tx, cast.course.id)[0]

    def slow_pdf(document: Json, sha256: str, locale: str) -> bytes:
        with database.transaction() as tx:
            events.append(tx, "sitting", "observation", {}, NOON)
        return pdf_of(document, sha256, locale)

    monkeypatch.setattr("proctor.reports.files.pdf_of", slow_pdf)
    assert client.get(f"/office/reports/{report.id}.pdf").content[:5] == b"%PDF-"


def test_of_two_who_issue_at_once_one_is_told(
    cast: Cast, browse: Browse, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(tx: Session, course_id: str, by: str, now: datetime) -> IssuedReport:
        made = draft(tx, course_id, by, now)
        with database.transaction() as other:
            issue(other, course_id, by, now)
        return made

    monkeypatch.setattr("web.office.reports.draft", overtaken)
    refused = browse(cast.olga).post(f"/office/courses/{cast.course.id}/reports")
    assert refused.status_code == 409
    with database.transaction() as tx:
        assert [row.version for row in issued_reports(tx, cast.course.id)] == [1]


@pytest.mark.parametrize("locale", ["kk", "ru", "en"])
def test_report_is_readable_in_every_language(cast: Cast, browse: Browse, locale: str) -> None:
    client = browse(cast.olga)
    client.cookies.set("tanu_language", locale)
    response = client.get(f"/office/courses/{cast.course.id}/report")
    assert f'<html lang="{locale}">' in response.text


def test_issued_report_is_taken_away_in_four_formats(
    cast: Cast, browse: Browse, database: Database
) -> None:
    client = browse(cast.olga)
    issued = client.post(f"/office/courses/{cast.course.id}/reports")
    assert (issued.status_code, issued.headers["location"]) == (
        303,
        f"/office/courses/{cast.course.id}/report#issued",
    )
    with database.transaction() as tx:
        (report,) = issued_reports(tx, cast.course.id)
    files = {
        name: client.get(f"/office/reports/{report.id}.{name}")
        for name in ("pdf", "xlsx", "csv", "json")
    }
    assert {name: file.status_code for name, file in files.items()} == dict.fromkeys(files, 200)
    assert sha256(files["json"].content).hexdigest() == report.sha256
    assert json.loads(files["json"].content)["version"] == 1
    assert len(PdfReader(BytesIO(files["pdf"].content)).pages) >= 1
    assert files["xlsx"].content.startswith(b"PK")
    assert report.sha256 in files["csv"].text
    assert files["pdf"].headers["content-disposition"] == (
        "attachment; filename*=UTF-8''MOOC-1-identity-report-v1.pdf"
    )
    assert report.sha256 in client.get(f"/office/courses/{cast.course.id}/report").text


@pytest.mark.parametrize("name", ["alice", "charlie", "paula", "rita", "tom"])
def test_report_is_for_the_exam_office_only(cast: Cast, browse: Browse, name: str) -> None:
    client = browse(cast.people[name])
    assert client.get(f"/office/courses/{cast.course.id}/report").status_code == 404
    assert client.post(f"/office/courses/{cast.course.id}/reports").status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/office/courses/unknown/report", 404),
        ("/office/reports/unknown.pdf", 404),
        ("/office/reports/unknown.docx", 422),
    ],
)
def test_what_is_not_there_is_a_clear_error(
    cast: Cast, browse: Browse, path: str, status: int
) -> None:
    assert browse(cast.olga).get(path).status_code == status


def test_course_without_a_scheme_says_so(cast: Cast, browse: Browse, database: Database) -> None:
    with database.transaction() as tx:
        for table in ("questions", "assessment_events", "assessment_schemes"):
            tx.connection().exec_driver_sql(f"DELETE FROM {table}")
    response = browse(cast.olga).get(f"/office/courses/{cast.course.id}/report")
    assert response.status_code == 404
    assert "The course has no assessment scheme yet." in response.text


def test_exam_sheet_is_taken_away_by_the_office_only(cast: Cast, browse: Browse) -> None:
    address = f"/office/courses/{cast.course.id}/events/final/sheet"
    pdf = browse(cast.olga).get(f"{address}.pdf")
    assert pdf.content.startswith(b"%PDF")
    assert browse(cast.olga).get(f"{address}.xlsx").content.startswith(b"PK")
    assert browse(cast.olga).get(f"{address}.docx").status_code == 422
    assert browse(cast.tom).get(f"{address}.pdf").status_code == 404
