import io
import zipfile
from datetime import date, datetime
from random import Random

import openpyxl
import pytest

from proctor.exams.workbooks import MAX_UNPACKED_BYTES, NotAWorkbook, is_workbook, rows_of

pytestmark = pytest.mark.unit


def workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def changed(data: bytes, name: str, old: bytes, new: bytes) -> bytes:
    """The workbook with one part altered."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as parts, zipfile.ZipFile(made, "w") as out:
        for each in parts.namelist():
            text = parts.read(each)
            out.writestr(each, text.replace(old, new) if each == name else text)
    return made.getvalue()


def test_cells_are_read_as_somebody_would_type_them() -> None:
    data = workbook(
        ["code", "weight", "day", "at", None],
        ["Ә", 33.3, date(2026, 9, 1), datetime(2026, 9, 1, 10, 30)],
        [],
        [26001, 40.0, True, "  x ", None],
    )
    assert is_workbook(data)
    assert list(rows_of(data)) == [
        (1, ["code", "weight", "day", "at"]),
        (2, ["Ә", "33.3", "2026-09-01", "2026-09-01T10:30:00"]),
        (4, ["26001", "40", "yes", "x"]),
    ]


def test_leading_zeros_of_a_number_stay() -> None:
    book = openpyxl.Workbook()
    book.active.cell(1, 1, 123).number_format = "000000"
    made = io.BytesIO()
    book.save(made)
    assert list(rows_of(made.getvalue())) == [(1, ["000123"])]


def test_the_first_sheet_that_is_not_hidden_counts() -> None:
    book = openpyxl.Workbook()
    book.active.append(["hidden"])
    book.active.sheet_state = "hidden"
    book.create_sheet("Roster").append(["shown"])
    made = io.BytesIO()
    book.save(made)
    assert list(rows_of(made.getvalue())) == [(1, ["shown"])]


def test_a_row_or_a_column_far_out_does_not_stop_the_service() -> None:
    sheet = "xl/worksheets/sheet1.xml"
    far = changed(workbook(["a"], ["b"]), sheet, b'r="2"', b'r="99999999999"')
    assert list(rows_of(far)) == [(1, ["a"])]
    wide = changed(workbook(["a", "b"]), sheet, b'r="B1"', b'r="XFD1"')
    assert list(rows_of(wide)) == [(1, ["a"])]


def test_entities_are_not_expanded() -> None:
    laughs = b'<!DOCTYPE worksheet [<!ENTITY a "aaaaaaaaaa">]><worksheet'
    data = changed(workbook(["a"]), "xl/worksheets/sheet1.xml", b"<worksheet", laughs)
    with pytest.raises(NotAWorkbook):
        list(rows_of(data))


def test_a_small_file_that_unpacks_to_much_is_refused() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("xl/worksheets/sheet1.xml", bytes(MAX_UNPACKED_BYTES + 1))
    assert len(made.getvalue()) < 100_000
    with pytest.raises(NotAWorkbook):
        list(rows_of(made.getvalue()))


def test_a_damaged_workbook_is_read_or_refused() -> None:
    whole, chance = workbook(["code", "weight"], ["a", 1]), Random(7)
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(3):
            data[chance.randrange(4, len(data))] = chance.randrange(256)
        try:
            list(rows_of(bytes(data)))
        except NotAWorkbook:
            continue


def test_a_damaged_part_packed_another_way_is_refused() -> None:
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(["code"]))) as parts,
        zipfile.ZipFile(made, "w", zipfile.ZIP_LZMA) as out,
    ):
        for each in parts.namelist():
            out.writestr(each, parts.read(each))
    data = bytearray(made.getvalue())
    for part in zipfile.ZipFile(io.BytesIO(bytes(data))).infolist():
        begin = part.header_offset + 30 + len(part.filename) + 4
        data[begin : begin + 6] = b"damage"
    with pytest.raises(NotAWorkbook):
        list(rows_of(bytes(data)))
