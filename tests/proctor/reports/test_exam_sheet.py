import csv
import io
from typing import Any

import openpyxl
import pytest
from pypdf import PdfReader

from proctor.exams.schemes import EventNotFound
from proctor.reports.document import canonical, sha256_of
from proctor.reports.exam_sheet import exam_sheet, sheet_form
from proctor.reports.forms import form_csv, form_pdf, form_xlsx
from proctor.review.tables import Decision
from proctor.sittings.tables import Sitting
from tests.support.exam_course import NOW, ExamCourse

pytestmark = pytest.mark.db


def rows(made: ExamCourse, code: str) -> dict[str, dict[str, Any]]:
    sheet = exam_sheet(made.tx, made.course, code, NOW)
    return {row["number"]: row for row in sheet["learners"]}


def test_sheet_says_who_came_and_how_identity_stands(held: ExamCourse) -> None:
    midterm = rows(held, "midterm")
    assert (midterm["S-0001"]["outcome"], midterm["S-0001"]["attended"]) == ("verified", True)
    assert (midterm["S-0002"]["outcome"], midterm["S-0002"]["attended"]) == ("absent", False)
    final = rows(held, "final")
    assert (final["S-0003"]["not_held"], final["S-0003"]["attended"]) == (True, None)


def test_sheet_is_provisional_until_everything_is_decided(held: ExamCourse) -> None:
    assert exam_sheet(held.tx, held.course, "essay", NOW)["provisional"] is True
    bob = held.tx.query(Sitting).filter_by(account_id=held.learners[1].id)
    for sitting in bob:
        held.decide(sitting, 0, Decision.VERIFIED)
    assert exam_sheet(held.tx, held.course, "essay", NOW)["provisional"] is False


def test_unknown_event_has_no_sheet(made: ExamCourse) -> None:
    with pytest.raises(EventNotFound):
        exam_sheet(made.tx, made.course, "oral", NOW)


@pytest.mark.parametrize(
    ("locale", "mark"), [("kk", "АЛДЫН АЛА"), ("ru", "ПРЕДВАРИТЕЛЬНО"), ("en", "PROVISIONAL")]
)
def test_pdf_carries_names_mark_and_hash(held: ExamCourse, locale: str, mark: str) -> None:
    sheet = exam_sheet(held.tx, held.course, "final", NOW)
    reader = PdfReader(io.BytesIO(form_pdf(sheet_form(sheet, locale))))
    text = "".join(page.extract_text() for page in reader.pages)
    assert "Бауыржан Өтеғұлов" in text
    assert mark in text
    assert sha256_of(canonical(sheet)) in text


def test_a_letter_without_a_glyph_does_not_stop_the_sheet(held: ExamCourse) -> None:
    held.learners[0].name = "李小龙 Ann"
    held.tx.flush()
    sheet = exam_sheet(held.tx, held.course, "final", NOW)
    reader = PdfReader(io.BytesIO(form_pdf(sheet_form(sheet, "en"))))
    assert "\ufffd\ufffd\ufffd Ann" in "".join(page.extract_text() for page in reader.pages)


def test_workbook_keeps_hostile_names_as_text_and_scores_empty(held: ExamCourse) -> None:
    held.learners[0].name = '=HYPERLINK("http://example.org")'
    held.tx.flush()
    sheet = exam_sheet(held.tx, held.course, "final", NOW)
    book = openpyxl.load_workbook(io.BytesIO(form_xlsx(sheet_form(sheet, "en"))))
    cells = [list(row) for row in book.worksheets[0].iter_rows()]
    (alice,) = [row for row in cells if row[0].value == "S-0001"]
    assert (alice[1].value, alice[1].data_type) == ('=HYPERLINK("http://example.org")', "s")
    assert [cell.value for cell in alice[5:10]] == [None] * 5
    (line,) = [
        row for row in csv.reader(table(form_csv(sheet_form(sheet, "en")))) if "S-0001" in row
    ]
    assert line[1] == '\'=HYPERLINK("http://example.org")'


def table(data: bytes) -> io.StringIO:
    return io.StringIO(data.decode("utf-8-sig"), newline="")
