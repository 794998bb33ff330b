"""An XLSX file from the exam office enters, rows of its first sheet leave as texts."""

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime, time
from itertools import islice
from typing import Any

from defusedxml.common import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

MAX_UNPACKED_BYTES = 32 * 1024 * 1024
# a row may claim any number, a cell any column: all up to there are made up
_MAX_ROW, _MAX_COLUMN = 100_000, 40
_MAGIC = b"PK\x03\x04"
# both XML parsers raise a SyntaxError, and the library whatever the wrong part made of it
_UNREADABLE = (
    SyntaxError, DefusedXmlException, InvalidFileException, zipfile.BadZipFile, zlib.error,
    lzma.LZMAError, OSError, EOFError, LookupError, ArithmeticError, ValueError, TypeError,
    AttributeError, RuntimeError,
)  # fmt: skip


class NotAWorkbook(ValueError):
    """The bytes are no workbook that can be read safely."""


def is_workbook(data: bytes) -> bool:
    return data.startswith(_MAGIC)


def rows_of(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Row number and cells of each row with any text, as wide as the first such row at least.

    The first sheet that is not hidden; of a formula its last result. Raises NotAWorkbook.
    """
    width = 0
    for number, cells in _all_rows(data):
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            width = width or len(cells)
            yield number, cells + [""] * (width - len(cells))


def _all_rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MAX_UNPACKED_BYTES:
                raise NotAWorkbook
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheet = next(each for each in book.worksheets if each.sheet_state == "visible")
        # what a file says its sheet measures is not always so
        sheet.reset_dimensions()
        rows = sheet.iter_rows(max_col=_MAX_COLUMN)
        for number, row in enumerate(islice(rows, _MAX_ROW), start=1):
            yield number, [_text(cell) for cell in row]
    except StopIteration:
        raise NotAWorkbook from None
    except _UNREADABLE as error:
        raise NotAWorkbook from error


def _text(cell: Any) -> str:
    """A cell as somebody would have typed it."""
    match cell.value:
        case None:
            return ""
        case bool() as said:
            return "yes" if said else "no"
        case int() | float() as number:
            return _number(number, cell.number_format)
        case datetime() as at:
            return at.date().isoformat() if at.time() == time() else at.isoformat()
        case other:
            return str(other).strip()


def _number(number: float, shown_as: str) -> str:
    text = str(int(number)) if number == int(number) else repr(number)
    # 000123 is kept as 123 with a format of zeros
    return text.zfill(len(shown_as)) if set(shown_as) == {"0"} else text
