"""Rows enter, an XLSX workbook leaves: written while it is made, whatever the number of rows.

Every text is a string cell, so nothing a person wrote is a formula.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from functools import lru_cache
from itertools import chain, islice
from types import TracebackType
from typing import BinaryIO, Self
from xml.sax.saxutils import escape, quoteattr

from proctor.clock import written

Cell = str | int | float | Decimal | date | datetime | None

#: rows a sheet can hold
MAX_ROWS = 1_048_576
_ROWS_AT_ONCE = 500
# stands for the number of the row in cells that are the same in many
_ROW = "\0"
_EPOCH = datetime(1899, 12, 30)
# what XML cannot hold, and what reads like the escape of it (ECMA-376, ST_Xstring)
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_CORE = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


class Style(IntEnum):
    """Looks of a cell, in the order of ``cellXfs`` in the styles."""

    PLAIN = 0
    TITLE = 1
    LABEL = 2
    TEXT = 3
    HEAD = 4
    PERCENT = 5
    NUMBER = 6
    TIME = 7
    BOLD = 8
    DAY = 9


class Workbook:
    """A workbook being written; closed, it is complete."""

    def __init__(self, out: BinaryIO, title: str, company: str, created: datetime) -> None:
        # the rows of a term repeat themselves: the fastest level keeps a tenth of them
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._names: list[str] = []
        self._about = (title, company, created)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if kind is None:
            for name, text in self._parts():
                self._zip.writestr(_member(name), _HEAD + text)
        self._zip.close()

    @contextmanager
    def sheet(
        self, name: str, widths: Sequence[float], *, frozen: tuple[int, int] = (0, 0)
    ) -> Iterator["Sheet"]:
        """A sheet to write rows to. ``frozen``: rows and columns that stay in sight."""
        self._names.append(self._free_name(name))
        path = f"xl/worksheets/sheet{len(self._names)}.xml"
        with self._zip.open(_member(path), "w", force_zip64=True) as part:
            sheet = Sheet()
            part.write((_HEAD + _before_rows(widths, frozen)).encode())
            yield sheet
            for rows in sheet.pieces():
                part.write(rows.encode())
            part.write(b"</worksheet>")

    def _free_name(self, name: str) -> str:
        # a sheet's name has at most 31 characters
        taken = {each.lower() for each in self._names}
        for n in range(1, 1000):
            free = f"{name[:27]} {n}" if n > 1 else name[:31]
            if free.lower() not in taken:
                return free
        raise AssertionError("a thousand sheets of one name")

    def _parts(self) -> Iterator[tuple[str, str]]:
        title, company, created = self._about
        numbers = range(1, len(self._names) + 1)
        sheets = "".join(
            f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>'
            for n, name in zip(numbers, self._names, strict=True)
        )
        yield (
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
        )
        links = "".join(_link(n, "worksheet", f"worksheets/sheet{n}.xml") for n in numbers)
        links += _link(len(self._names) + 1, "styles", "styles.xml")
        yield "xl/_rels/workbook.xml.rels", _links(links)
        yield "xl/styles.xml", _STYLES
        properties = (
            f'<Relationship Id="rId2" Type="{_RELATIONS}/metadata/core-properties" '
            'Target="docProps/core.xml"/>'
        )
        yield "_rels/.rels", _links(_link(1, "officeDocument", "xl/workbook.xml") + properties)
        yield (
            "docProps/core.xml",
            f'<cp:coreProperties xmlns:cp="{_CORE}" xmlns:dc="http://purl.org/dc/elements/1.1/" '
            'xmlns:dcterms="http://purl.org/dc/terms/" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"<dc:title>{_text(title)}</dc:title><dc:creator>{_text(company)}</dc:creator>"
            f'<dcterms:created xsi:type="dcterms:W3CDTF">{written(created)}</dcterms:created>'
            "</cp:coreProperties>",
        )
        parts = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" '
            f'ContentType="{_SHEET_TYPE}.worksheet+xml"/>'
            for n in numbers
        )
        yield (
            "[Content_Types].xml",
            f'<Types xmlns="{_TYPES}"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET_TYPE}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_SHEET_TYPE}.styles+xml"/>{parts}'
            '<Override PartName="/docProps/core.xml" '
            'ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>',
        )


class Sheet:
    """Rows of one sheet in the making."""

    def __init__(self) -> None:
        self._filtered: str | None = None
        self._last = 0
        self._rows: Iterable[tuple[int, str]] = ()

    def lines(self, rows: Iterable[tuple[int, Sequence[tuple[Cell, Style]]]]) -> None:
        """Rows by their number, from 1."""
        self._rows = (
            (at, "".join([cell(n, *each) for n, each in enumerate(cells)])) for at, cells in rows
        )

    def table(self, head: Sequence[str], rows: Iterable[str]) -> None:
        """A table from the first row on, to be filtered; ``rows``: the cells of each."""
        first = "".join([cell(n, text, Style.HEAD) for n, text in enumerate(head)])
        self._rows = enumerate(chain([first], rows), start=1)
        self._filtered = letters(len(head) - 1)

    def pieces(self) -> Iterator[str]:
        """The rows as XML, some at a time."""
        rows = iter(self._rows)
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            self._last = some[-1][0]
            yield "".join(
                [f'<row r="{at}">{cells}</row>'.replace(_ROW, str(at)) for at, cells in some]
            )
        yield "</sheetData>"
        if self._filtered:
            yield f'<autoFilter ref="A1:{self._filtered}{self._last}"/>'


def cell(column: int, value: Cell, style: Style) -> str:
    """One cell of any row; columns from 0."""
    match value:
        case None:
            return ""
        case str():
            return text_cell(column, value, style)
        case datetime():
            days = (value - _EPOCH).total_seconds() / 86_400
            return f'<c r="{letters(column)}{_ROW}" s="{style:d}"><v>{days:.10f}</v></c>'
        case date():
            return cell(column, (value - _EPOCH.date()).days, style)
        case _:
            return f'<c r="{letters(column)}{_ROW}" s="{style:d}"><v>{value}</v></c>'


@lru_cache(maxsize=65_536)
def text_cell(column: int, text: str, style: Style) -> str:
    """One cell of text of any row. The texts of a report repeat themselves."""
    keep = ' xml:space="preserve"' if text != text.strip() or "\n" in text else ""
    place = f'<c r="{letters(column)}{_ROW}" s="{style:d}" t="inlineStr">'
    return f"{place}<is><t{keep}>{_text(text)}</t></is></c>"


@lru_cache(maxsize=256)
def letters(column: int) -> str:
    """The name of a column, from 0: A, B, … Z, AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _text(text: str) -> str:
    return escape(_UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text))


def _member(name: str) -> zipfile.ZipInfo:
    # a fixed time, so that the same rows give the same bytes
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    member._compresslevel = 1  # type: ignore[attr-defined]
    return member


def _before_rows(widths: Sequence[float], frozen: tuple[int, int]) -> str:
    rows, columns = frozen
    pane = ""
    if rows or columns:
        pane = (
            f'<pane xSplit="{columns}" ySplit="{rows}" topLeftCell="{letters(columns)}{rows + 1}" '
            'activePane="bottomRight" state="frozen"/>'
        )
    sized = "".join(
        f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>'
        for n, width in enumerate(widths, start=1)
    )
    return (
        f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">{pane}</sheetView>'
        f"</sheetViews><cols>{sized}</cols><sheetData>"
    )


def _link(n: int, kind: str, target: str) -> str:
    return f'<Relationship Id="rId{n}" Type="{_OFFICE}/{kind}" Target="{target}"/>'


def _links(links: str) -> str:
    return f'<Relationships xmlns="{_RELATIONS}">{links}</Relationships>'


_TOP = '<alignment vertical="top"/>'
_WRAPPED = '<alignment vertical="top" wrapText="1"/>'
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="2"><numFmt numFmtId="164" formatCode="dd.mm.yyyy hh:mm"/>'
    '<numFmt numFmtId="165" formatCode="dd.mm.yyyy"/></numFmts>'
    '<fonts count="4"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="16"/><name val="Calibri"/></font>'
    '<font><sz val="11"/><color rgb="FF51607A"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFEEF2F7"/></patternFill></fill></fills>'
    '<borders count="2"><border><left/><right/><top/><bottom/><diagonal/></border>'
    '<border><left/><right/><top/><bottom style="thin"/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="10">'
    "<xf/>"
    '<xf fontId="1" applyFont="1"/>'
    f'<xf fontId="2" applyFont="1" applyAlignment="1">{_TOP}</xf>'
    f'<xf applyAlignment="1">{_WRAPPED}</xf>'
    '<xf fontId="3" fillId="2" borderId="1" applyFont="1" applyFill="1" applyBorder="1" '
    f'applyAlignment="1">{_WRAPPED}</xf>'
    f'<xf numFmtId="2" applyNumberFormat="1" applyAlignment="1">{_TOP}</xf>'
    f'<xf applyAlignment="1">{_TOP}</xf>'
    '<xf numFmtId="164" applyNumberFormat="1" applyAlignment="1">'
    '<alignment horizontal="left" vertical="top"/></xf>'
    '<xf fontId="3" applyFont="1"/>'
    '<xf numFmtId="165" applyNumberFormat="1" applyAlignment="1">'
    '<alignment horizontal="left" vertical="top"/></xf>'
    '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)
