import io

import pytest
from pypdf import PdfReader

from proctor.catalogue import LOCALES
from proctor.reports.issue import document_of
from proctor.reports.pdf import pdf_of
from proctor.reports.tables import IssuedReport
from proctor.reports.typesetting import NO_GLYPH
from tests.support.exam_course import ExamCourse

pytestmark = pytest.mark.db


def text_of(pdf: bytes) -> str:
    pages = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_kazakh_letters_and_fractions_are_in_the_text(report: IssuedReport) -> None:
    text = text_of(pdf_of(document_of(report), report.sha256, "kk"))
    for expected in (
        "Тұлғаны сәйкестендіру туралы есеп",
        "Цифрлық сауаттылық",
        "Бауыржан Өтеғұлов",
        "Дана Һәкімқызы",
        "80 / 100",
        "60.00 %",
        report.sha256,
    ):
        assert expected in text


@pytest.mark.parametrize("locale", LOCALES)
def test_pdf_says_its_language_title_and_standards(report: IssuedReport, locale: str) -> None:
    reader = PdfReader(io.BytesIO(pdf_of(document_of(report), report.sha256, locale)))
    catalogue = reader.trailer["/Root"]
    assert catalogue["/Lang"] == locale
    assert catalogue["/MarkInfo"]["/Marked"] is not None
    metadata = catalogue["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in metadata
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata


def test_every_font_is_embedded(report: IssuedReport) -> None:
    reader = PdfReader(io.BytesIO(pdf_of(document_of(report), report.sha256, "ru")))
    fonts = [
        font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()
    ]
    descriptors = [
        font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object() for font in fonts
    ]
    assert all("/FontFile2" in each or "/FontFile3" in each for each in descriptors)
    assert len(descriptors) >= 2


def test_same_document_gives_the_same_bytes(report: IssuedReport) -> None:
    document = document_of(report)
    assert pdf_of(document, report.sha256, "kk") == pdf_of(document, report.sha256, "kk")


def test_markup_in_a_name_is_printed_as_written(made: ExamCourse, report: IssuedReport) -> None:
    document = document_of(report)
    document["learners"][0]["name"] = '#panic("x") *b* $a$ <a> @b'
    text = text_of(pdf_of(document, report.sha256, "en"))
    assert '#panic("x") *b* $a$ <a> @b' in text.replace("“", '"').replace("”", '"')


@pytest.mark.parametrize(
    "name", ["李小龙", "محمد", "😀 Ann", "\ue000", "\u202eAnn", "A\u0323\u0306\u0323"]
)
def test_a_letter_without_a_glyph_does_not_stop_the_report(report: IssuedReport, name: str) -> None:
    document = document_of(report)
    document["learners"][0]["name"] = name
    text = text_of(pdf_of(document, report.sha256, "en"))
    assert "S-0001" in text
    assert "\ufffd" in text


def test_every_letter_taken_as_printable_has_a_glyph(report: IssuedReport) -> None:
    printable = [chr(code) for code in range(0x20, 0x10000) if not NO_GLYPH.match(chr(code))]
    document = document_of(report)
    document["learners"][0]["name"] = " ".join(printable)
    assert len(printable) > 1400
    assert pdf_of(document, report.sha256, "en").startswith(b"%PDF")


def test_course_without_learners_has_a_report(report: IssuedReport) -> None:
    document = document_of(report)
    document["learners"], document["models"] = [], []
    assert "No learner is on this course." in text_of(pdf_of(document, report.sha256, "en"))
