from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor import catalogue
from proctor.exams import sheets
from proctor.exams.sheets import Columns, ImportRefused, RowError, read_sheet
from proctor.exams.tables import Mode, Technology

pytestmark = pytest.mark.unit

COLUMNS: Columns = {"code": sheets.text_of(5), "weight": sheets.weight}


@dataclass(frozen=True)
class Line:
    line: int
    code: str
    weight: Decimal


def error(line: int, column: str, key: str, value: str = "") -> RowError:
    assert f"office.import.error.{key}" in catalogue.known_keys()
    return RowError(line, column, f"office.import.error.{key}", value)


def refused(data: bytes) -> tuple[RowError, ...]:
    with pytest.raises(ImportRefused) as caught:
        read_sheet(data, COLUMNS, Line)
    return caught.value.errors


@pytest.mark.parametrize(
    "data",
    [
        b"code,weight\nab,2\n",
        b"code;weight\r\nab;2\r\n",
        b"\xef\xbb\xbfcode;weight\nab;2",
        b" Weight , CODE \n2,ab\n",
        b'code,weight\n\n;,\n"ab","2"\n'.replace(b";,", b","),
        b"\ncode,weight\n   \nab , 2 \n",
    ],
)
def test_reads_the_spellings_of_one_file(data: bytes) -> None:
    sheet = read_sheet(data, COLUMNS, Line)
    assert [(line.code, line.weight) for line in sheet.lines] == [("ab", Decimal(2))]
    assert sheet.errors == ()


def test_line_numbers_are_those_of_the_file() -> None:
    data = b'code,weight\n\n"a\nb",2\ncd,x\nef,3\n'
    sheet = read_sheet(data, COLUMNS, Line)
    assert sheet.lines == (Line(6, "ef", Decimal(3)),)
    assert sheet.errors == (
        error(3, "code", "control_character", "a�b"),
        error(5, "weight", "not_a_weight", "x"),
    )


def test_every_bad_cell_of_a_line_is_reported() -> None:
    sheet = read_sheet(b"code,weight\nabcdef,-1\n,\nx,1\n", COLUMNS, Line)
    assert sheet.errors == (
        error(2, "code", "too_long", "abcdef"),
        error(2, "weight", "not_a_weight", "-1"),
    )
    assert sheet.lines == (Line(4, "x", Decimal(1)),)


def test_a_line_with_too_many_cells_is_reported_whole() -> None:
    sheet = read_sheet(b"code,weight\na,1,5\n", COLUMNS, Line)
    assert sheet.errors == (error(2, "", "cell_count", "3"),)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", error(0, "", "empty_file")),
        (b"\n \n", error(0, "", "empty_file")),
        (b"code,weight\n", error(0, "", "no_rows")),
        (b"code,weight\n,\n", error(0, "", "no_rows")),
        ("code,weight\nкод,1\n".encode("cp1251"), error(2, "", "not_utf8")),
        ("code,weight\na,1\n".encode("utf-16"), error(1, "", "not_utf8")),
        ("code,weight\na,1\n".encode("utf-16-le"), error(0, "", "not_utf8")),
        (b'code,weight\n"a,1\n', error(2, "", "quoting")),
        (b"code,weight\n" + b"a" * (2 * 1024 * 1024), error(0, "", "too_large", "2 MiB")),
        (b"code,weight\n" + b"a,1\n" * 20_001, error(0, "", "too_many_rows", "20000")),
    ],
    ids=lambda value: value.key if isinstance(value, RowError) else "",
)
def test_an_unreadable_file_is_refused_whole(data: bytes, expected: RowError) -> None:
    assert refused(data) == (expected,)


def test_a_wrong_header_names_each_column() -> None:
    assert refused(b"code,code,mark\na,b,c\n") == (
        error(1, "weight", "column_missing", "weight"),
        error(1, "mark", "column_unknown", "mark"),
        error(1, "code", "column_twice", "code"),
    )


def test_a_header_of_many_columns_names_each_once() -> None:
    header = b",".join([b"code"] * 50_000 + [b""] * 50_000)
    assert refused(header + b"\nab,2\n") == (
        error(1, "weight", "column_missing", "weight"),
        error(1, "", "column_unknown", ""),
        error(1, "code", "column_twice", "code"),
    )


def test_a_long_value_is_shortened_in_the_error() -> None:
    sheet = read_sheet(b"code,weight\n" + b"a" * 500 + b",1\n", COLUMNS, Line)
    assert sheet.errors[0].value == "a" * 79 + "…"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_line(data: bytes) -> None:
    numbers = lines_read_or_refused(b"code,weight\n" + data)
    assert numbers
    assert all(number == 0 or 2 <= number <= 202 for number in numbers)


def lines_read_or_refused(data: bytes) -> list[int]:
    try:
        sheet = read_sheet(data, COLUMNS, Line)
    except ImportRefused as refusal:
        return [error.line for error in refusal.errors]
    return [line.line for line in sheet.lines] + [error.line for error in sheet.errors]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("0", "0"),
        ("12,5", "12.5"),
        ("29.999", "29.999"),
        ("0.000001", "0.000001"),
        ("1000", "1000"),
    ],
)
def test_weights_are_exact(cell: str, expected: str) -> None:
    assert sheets.weight(cell) == Decimal(expected)


@pytest.mark.parametrize("cell", ["-0.1", "1000.1", "0.0000001", "NaN", "inf", "1e9", "1 0", "ten"])
def test_wrong_weights_are_refused(cell: str) -> None:
    with pytest.raises(sheets.CellRefused, match="not_a_weight"):
        sheets.weight(cell)


def test_instants_are_kept_in_utc() -> None:
    expected = datetime(2026, 12, 1, 5, 0, tzinfo=UTC)
    assert sheets.instant("2026-12-01T10:00+05:00") == expected
    assert sheets.instant("2026-12-01 05:00Z") == expected


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        ("2026-12-01T10:00", "no_time_zone"),
        ("2026-12-01", "no_time_zone"),
        ("01.12.2026 10:00", "not_an_instant"),
        ("2026-13-01T10:00+05:00", "not_an_instant"),
        ("0001-01-01T00:00+05:00", "not_an_instant"),
        ("", "missing"),
    ],
)
def test_wrong_instants_are_refused(cell: str, key: str) -> None:
    with pytest.raises(sheets.CellRefused, match=key):
        sheets.instant(cell)
    assert f"office.import.error.{key}" in catalogue.known_keys()


@pytest.mark.parametrize("cell", ["2026-02-30", "1.9.2026", "soon"])
def test_wrong_dates_are_refused(cell: str) -> None:
    with pytest.raises(sheets.CellRefused, match="not_a_date"):
        sheets.day(cell)


def test_dates_durations_and_choices() -> None:
    assert sheets.day("2026-09-01") == date(2026, 9, 1)
    assert sheets.minutes("1,5") == timedelta(seconds=90)
    assert sheets.one_of(Mode)("SYNC") is Mode.SYNC


@pytest.mark.parametrize("cell", ["0", "-5", "0.001", "43201", "1h", "9e999999", "1e-999999"])
def test_wrong_durations_are_refused(cell: str) -> None:
    with pytest.raises(sheets.CellRefused, match="not_a_duration"):
        sheets.minutes(cell)


def test_a_plan_is_a_set_of_technologies() -> None:
    expected = (Technology.KEYSTROKE, Technology.PROCTORING, Technology.BIOMETRICS)
    assert sheets.plan("proctoring + biometrics+keystroke") == expected
    assert sheets.plan("") == ()


@pytest.mark.parametrize("cell", ["face", "proctoring+", "proctoring+proctoring", "+"])
def test_wrong_plans_are_refused(cell: str) -> None:
    with pytest.raises(sheets.CellRefused, match="not_a_plan"):
        sheets.plan(cell)


@pytest.mark.parametrize("cell", ["a", "a@b", "a b@c.org", "a@b@c.org", "a@c.org.", "<a@c.org>"])
def test_wrong_emails_are_refused(cell: str) -> None:
    with pytest.raises(sheets.CellRefused, match="not_an_email"):
        sheets.email(cell)


def test_emails_are_lower_case() -> None:
    assert sheets.email("Alice@Example.ORG") == "alice@example.org"
