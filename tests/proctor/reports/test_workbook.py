import csv
import io
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from defusedxml import ElementTree
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from proctor.reports import workbook
from proctor.reports.document import streamed
from proctor.reports.issue import document_of
from proctor.reports.tables import IssuedReport
from proctor.reports.workbook import csv_of, xlsx_of
from tests.support.exam_course import MEASURED

pytestmark = pytest.mark.db

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1", " =1", "\ufeff=1")


def rows_of(report: IssuedReport, sheet: str) -> list[list[object]]:
    book = load_workbook(io.BytesIO(xlsx_of(document_of(report), report.sha256, "en")))
    return [list(row) for row in book[sheet].iter_rows(values_only=True)]


def csv_rows(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))


def test_learners_sheet_has_typed_exact_figures(report: IssuedReport) -> None:
    head, *rows = rows_of(report, "Learners")
    bob = next(dict(zip(head, row, strict=True)) for row in rows if row[0] == "S-0002")
    assert bob["Learner"] == "Бауыржан Өтеғұлов"
    assert [bob[name] for name in head[2:10]] == [0, 2, 5, 0, 0, 60, 100, 0]
    assert bob["Share requirement"] == "Under review"


def test_outcomes_sheet_has_a_row_per_learner_and_event(report: IssuedReport) -> None:
    head, *rows = rows_of(report, "Outcomes")
    assert len(rows) == 15
    final = next(
        dict(zip(head, row, strict=True)) for row in rows if row[:3:2] == ["S-0002", "final"]
    )
    assert (final["Weight"], final["Outcome"], final["Attempt"]) == (40, "Under review", 1)
    assert (final["Exam, s"], final["Camera recording, s"]) == (90, 88)


def test_keys_and_the_measurements_of_the_order_are_columns(report: IssuedReport) -> None:
    names = (
        "Keys typed",
        "Typing speed, keys per minute",
        "Key press, ms",
        "Pause between keys (within words), ms",
        "Pause between keys (between words), ms",
        "Variation of rhythm",
    )
    document = document_of(report)
    figures = [412, *MEASURED.values()]
    # the first is of before they were kept
    told = next(e for who in document["learners"] for e in who["events"] if e["sitting"])
    del told["sitting"]["keystroke"]["measured"]
    book = load_workbook(io.BytesIO(xlsx_of(document, report.sha256, "en")))
    head, *rows = book["Outcomes"].iter_rows(values_only=True)
    at = head.index(names[0])
    assert head[at : at + 6] == names
    typed = [list(row[at : at + 6]) for row in rows if row[at] is not None]
    assert typed == [[412, *5 * [None]], *[figures] * (len(typed) - 1)]
    assert len(typed) == 6
    lines = csv_rows(csv_of(document, report.sha256, "en"))
    line = next(line for line in lines if line[names[1]])
    assert [float(line[name]) for name in names] == figures


def test_the_day_on_which_evidence_was_erased_is_a_date(report: IssuedReport) -> None:
    document = document_of(report)
    sat = next(e for who in document["learners"] for e in who["events"] if e["sitting"])
    sat["sitting"]["recording"]["expired_on"] = "2026-05-20"
    book = load_workbook(io.BytesIO(xlsx_of(document, report.sha256, "en")))
    head, *rows = book["Outcomes"].iter_rows()
    at = [cell.value for cell in head].index("Evidence erased on")
    assert [(cell.value, cell.number_format) for row in rows if (cell := row[at]).value] == [
        (datetime(2026, 5, 20), "dd.mm.yyyy")
    ]
    days = [row["Evidence erased on"] for row in csv_rows(csv_of(document, report.sha256, "en"))]
    assert sorted(days)[-2:] == ["", "2026-05-20"]


def test_incidents_and_decisions_are_listed_with_times(report: IssuedReport) -> None:
    _, *incidents = rows_of(report, "Incidents")
    assert [row[2:] for row in incidents] == [
        ["final", "Face does not match the reference", 44, 86, "No decision"],
        ["final", "Text not typed but inserted", 51, 51, "Confirmed"],
    ]
    _, decision = rows_of(report, "Decisions")
    assert decision[-1] == datetime(2026, 5, 20, 16, 30)


def test_what_a_person_wrote_is_a_string_and_never_a_formula(report: IssuedReport) -> None:
    book = load_workbook(io.BytesIO(xlsx_of(document_of(report), report.sha256, "en")))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    assert '=HYPERLINK("x") қойылған' in {cell.value for cell in cells}


def test_tables_can_be_filtered_below_a_frozen_head(report: IssuedReport) -> None:
    book = load_workbook(io.BytesIO(xlsx_of(document_of(report), report.sha256, "kk")))
    assert (book["Нәтижелер"].freeze_panes, book["Нәтижелер"].auto_filter.ref) == ("C2", "A1:T16")


def test_csv_has_a_row_per_learner_and_event_with_the_shares(report: IssuedReport) -> None:
    rows = csv_rows(csv_of(document_of(report), report.sha256, "en"))
    assert len(rows) == 15
    assert {row["SHA-256"] for row in rows} == {report.sha256}
    final = next(row for row in rows if row["Number"] == "S-0001" and row["Event code"] == "final")
    assert (final["Outcome"], final["Weight"]) == ("Verified", "40")
    assert (final["Weight: numerator"], final["Weight: denominator"]) == ("80", "100")
    assert final["Weight, %"] == "80.00"


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_cell_that_looks_like_a_formula_is_text(report: IssuedReport, text: str) -> None:
    document = document_of(report)
    document["learners"][0]["name"] = text
    raw = csv_of(document, report.sha256, "en")
    assert csv_rows(raw)[0]["Learner"] == f"'{text}"
    assert raw.startswith(b'\xef\xbb\xbf"Number"')


def read_by_gnumeric(file: Path, cells: str = "{http://www.gnumeric.org/v10.dtd}Cell") -> set[str]:
    """Texts of all cells as another spreadsheet reads them; a formula is an error."""
    to = file.with_suffix(".xml")
    subprocess.run(["ssconvert", "-T", "Gnumeric_XmlIO:sax:0", file, to], check=True)
    found = list(ElementTree.parse(to).iter(cells))
    assert [cell.text for cell in found if cell.get("ValueType") is None] == []
    return {cell.text or "" for cell in found}


@pytest.mark.skipif(shutil.which("ssconvert") is None, reason="Gnumeric is not installed")
def test_another_spreadsheet_finds_no_formula_in_names(
    report: IssuedReport, tmp_path: Path
) -> None:
    document = document_of(report)
    hostile = [*FORMULAS, '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0", 'Әлия, "Өте"; Һ']
    (one, *_) = document["learners"]
    document["learners"] = [{**one, "name": name} for name in hostile]
    (tmp_path / "report.xlsx").write_bytes(xlsx_of(document, report.sha256, "kk"))
    (tmp_path / "report.csv").write_bytes(csv_of(document, report.sha256, "kk"))
    for name in ("report.xlsx", "report.csv"):
        assert read_by_gnumeric(tmp_path / name) >= set(hostile)


def test_course_without_events_has_empty_tables(report: IssuedReport) -> None:
    document = document_of(report)
    document["events"] = []
    for learner in document["learners"]:
        learner["events"] = []
    assert csv_rows(csv_of(document, report.sha256, "en")) == []
    assert xlsx_of(document, report.sha256, "en")[:2] == b"PK"


def test_table_longer_than_a_sheet_goes_on_on_the_next(
    report: IssuedReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MAX_ROWS", 11)
    book = load_workbook(io.BytesIO(xlsx_of(document_of(report), report.sha256, "en")))
    parts = [list(book[name].values) for name in ("Outcomes", "Outcomes 2")]
    assert [len(part) for part in parts] == [11, 6]
    assert parts[0][0] == parts[1][0]
    assert len({row[:3] for part in parts for row in part[1:]}) == 15
    assert book["Outcomes 2"].auto_filter.ref == "A1:T6"


@pytest.mark.parametrize(
    "name", ["a\x07b", "_x0041_", " two  spaces ", "<&>\"'", "Ә\nҒ", "x" * 300]
)
def test_name_comes_back_from_the_workbook_as_it_was(report: IssuedReport, name: str) -> None:
    document = document_of(report)
    document["learners"][0]["name"] = name
    book = load_workbook(io.BytesIO(xlsx_of(document, report.sha256, "en")))
    assert unescape(book["Learners"]["B2"].value) == name


def test_streamed_learners_give_the_same_files(report: IssuedReport) -> None:
    for write in (xlsx_of, csv_of):
        whole = write(document_of(report), report.sha256, "kk")
        assert write(streamed(report.body), report.sha256, "kk") == whole


def test_same_document_gives_the_same_workbook(report: IssuedReport) -> None:
    document = document_of(report)
    assert xlsx_of(document, report.sha256, "kk") == xlsx_of(document, report.sha256, "kk")
