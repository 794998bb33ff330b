"""A file of the exam office enters; lines of checked values and everything wrong leave.

CSV or XLSX, told apart by how it begins.
"""

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from proctor.errors import Refused
from proctor.exams.tables import Technology
from proctor.exams.workbooks import NotAWorkbook, is_workbook, rows_of

MAX_BYTES = 2 * 1024 * 1024
MAX_ROWS = 20_000
_SHOWN = 80
# what a spreadsheet writes where a formula has no result
_NO_RESULT = frozenset(
    {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!"}
)
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+")


class Line(Protocol):
    """A line of a file."""

    @property
    def line(self) -> int: ...


L = TypeVar("L", bound=Line)
K = TypeVar("K", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing wrong with a file.

    ``line``: line of the file, first = 1, 0 = the file as a whole; ``column``: as in the header,
    "" = the whole line; ``key``: catalogue key of the sentence; ``value``: what stood there,
    shortened.
    """

    line: int
    column: str
    key: str
    value: str


class ImportRefused(Refused):
    """The file was not imported; nothing was changed."""

    key = "office.import.refused"

    def __init__(self, errors: tuple[RowError, ...]) -> None:
        self.errors = errors
        super().__init__(count=len(errors))


class CellRefused(ValueError):
    """The text of one cell is not acceptable."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(key)


#: name of each column and what reads its cells; a reader raises CellRefused
Columns = Mapping[str, Callable[[str], object]]


@dataclass(frozen=True, slots=True)
class Sheet(Generic[L]):
    """Lines that could be read, and what is wrong with the others.

    ``names``: the columns in the order of the file; ``cells``: what stood in each line, by its
    number.
    """

    lines: tuple[L, ...]
    errors: tuple[RowError, ...]
    names: tuple[str, ...]
    cells: Mapping[int, tuple[str, ...]]

    def only(self, numbers: Collection[int]) -> "Sheet[L]":
        """The sheet as if it had only the lines with these numbers."""
        return Sheet(
            tuple(line for line in self.lines if line.line in numbers),
            tuple(error for error in self.errors if error.line in numbers),
            self.names,
            {number: cells for number, cells in self.cells.items() if number in numbers},
        )


def refusal(line: int, column: str, key: str, value: str = "") -> RowError:
    shown = value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
    return RowError(line, column, f"office.import.error.{key}", shown)


def read_sheet(data: bytes, columns: Columns, make: Callable[..., L]) -> Sheet[L]:
    """Each line of the file as ``make(line=…, <column>=…)``.

    CSV: UTF-8 with or without a byte order mark, ``,`` or ``;`` between cells; XLSX: the first
    sheet. Header first, columns in any order; lines without any text are skipped.
    Raises ImportRefused when the file cannot be read line by line at all.
    """
    records = _records(data)
    header = _header(records, columns)
    lines, errors = [], []
    found: dict[int, tuple[str, ...]] = {}
    for number, cells in records:
        if len(found) == MAX_ROWS:
            raise ImportRefused((refusal(0, "", "too_many_rows", str(MAX_ROWS)),))
        found[number] = tuple([_printable(cell) for cell in cells])
        if len(cells) != len(header):
            errors.append(refusal(number, "", "cell_count", str(len(cells))))
            continue
        values, wrong = _values(number, dict(zip(header, cells, strict=True)), columns)
        errors += wrong
        if not wrong:
            lines.append(make(line=number, **values))
    if not found:
        raise ImportRefused((refusal(0, "", "no_rows"),))
    return Sheet(tuple(lines), tuple(errors), tuple(header), found)


def _records(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Line number and stripped cells of each record that holds any text."""
    if len(data) > MAX_BYTES:
        raise ImportRefused((refusal(0, "", "too_large", "2 MiB"),))
    if not data.strip():
        raise ImportRefused((refusal(0, "", "empty_file"),))
    return _workbook_records(data) if is_workbook(data) else _text_records(_decode(data))


def _workbook_records(data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        for number, cells in rows_of(data):
            yield number, [unicodedata.normalize("NFC", cell) for cell in cells]
    except NotAWorkbook:
        raise ImportRefused((refusal(0, "", "not_a_workbook"),)) from None


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ImportRefused((refusal(line, "", "not_utf8"),)) from None
    if "\0" in text:
        raise ImportRefused((refusal(0, "", "not_utf8"),))
    return unicodedata.normalize("NFC", text)


def _text_records(text: str) -> Iterator[tuple[int, list[str]]]:
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error:
            raise ImportRefused((refusal(number, "", "quoting"),)) from None
        if cells is None:
            return
        stripped = [cell.strip() for cell in cells]
        if any(stripped):
            yield number, stripped


def _header(records: Iterator[tuple[int, list[str]]], columns: Columns) -> list[str]:
    number, cells = next(records, (1, []))
    names = [cell.lower() for cell in cells]
    times = Counter(names)
    missing = [name for name in columns if name not in times]
    unknown = [name for name in times if name not in columns]
    twice = sorted(name for name in columns if times[name] > 1)
    errors = [refusal(number, name, "column_missing", name) for name in missing]
    errors += [refusal(number, name, "column_unknown", name) for name in unknown]
    errors += [refusal(number, name, "column_twice", name) for name in twice]
    if errors:
        raise ImportRefused(tuple(errors))
    return names


def _values(
    number: int, cells: Mapping[str, str], columns: Columns
) -> tuple[dict[str, object], list[RowError]]:
    values: dict[str, object] = {}
    errors = []
    for name, read in columns.items():
        try:
            values[name] = read(cells[name])
        except CellRefused as refused:
            errors.append(refusal(number, name, refused.key, _printable(cells[name])))
    return values, errors


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def text_of(most: int) -> Callable[[str], str]:
    """Text that must be there, at most *most* characters, no control characters."""

    def read(cell: str) -> str:
        if not cell:
            raise CellRefused("missing")
        if len(cell) > most:
            raise CellRefused("too_long")
        if not cell.isprintable():
            raise CellRefused("control_character")
        if cell in _NO_RESULT:
            raise CellRefused("no_result")
        return cell

    return read


def optional(read: Callable[[str], object], otherwise: object = "") -> Callable[[str], object]:
    """What *read* makes of a cell, or *otherwise* of an empty one."""
    return lambda cell: read(cell) if cell else otherwise


def one_of(kind: type[K]) -> Callable[[str], K]:
    """One of the values of *kind*."""
    known = {member.value: member for member in kind}

    def read(cell: str) -> K:
        if cell.lower() not in known:
            raise CellRefused("not_a_choice" if cell else "missing")
        return known[cell.lower()]

    return read


def email(cell: str) -> str:
    """An e-mail address in lower case."""
    address = text_of(254)(cell).lower()
    if not _EMAIL.fullmatch(address):
        raise CellRefused("not_an_email")
    return address


def day(cell: str) -> date:
    """A date as YYYY-MM-DD."""
    written = text_of(40)(cell)
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise CellRefused("not_a_date") from None


def instant(cell: str) -> datetime:
    """An instant as YYYY-MM-DDTHH:MM+05:00, in UTC; the offset must be there."""
    written = text_of(40)(cell)
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise CellRefused("not_an_instant") from None
    if at.tzinfo is None:
        raise CellRefused("no_time_zone")
    if not 2000 <= at.year <= 9000:
        raise CellRefused("not_an_instant")
    return at.astimezone(UTC)


def weight(cell: str) -> Decimal:
    """A weight from 0 to 1000 with at most six decimals, ``.`` or ``,`` before them."""
    number = _decimal(cell, "not_a_weight")
    if not 0 <= number <= 1000 or number != round(number, 6):
        raise CellRefused("not_a_weight")
    return number


def minutes(cell: str) -> timedelta:
    """A length in minutes that makes whole seconds, more than none, at most 30 days."""
    number = _decimal(cell, "not_a_duration")
    # compared before it is multiplied: 9e999999 overflows
    if not 0 < number <= 30 * 1440 or number * 60 != int(number * 60):
        raise CellRefused("not_a_duration")
    return timedelta(seconds=int(number * 60))


def plan(cell: str) -> tuple[Technology, ...]:
    """Technologies joined by ``+``, in the order of the Order; empty = no identity plan."""
    names = [name.strip().lower() for name in cell.split("+")] if cell else []
    known = {technology.value for technology in Technology}
    if not known.issuperset(names) or len(set(names)) != len(names):
        raise CellRefused("not_a_plan")
    return tuple(technology for technology in Technology if technology.value in names)


def _decimal(cell: str, key: str) -> Decimal:
    try:
        number = Decimal(text_of(24)(cell).replace(",", "."))
    except InvalidOperation:
        raise CellRefused(key) from None
    if not number.is_finite():
        raise CellRefused(key)
    return number
