"""The identity report as XLSX and CSV: one row per learner, event, incident and decision.

Cells are typed; what people wrote is never a formula.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from proctor.catalogue import translate
from proctor.reports.document import Json
from proctor.reports.wording import TIME_ZONE, PrintedReport, printed

Cell = str | int | float | Decimal | datetime | None

# a spreadsheet takes a cell that begins like this for a formula, full-width signs included
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_LEARNER = ("learner_number", "learner")
_SHARES = (
    "col.count_num", "col.count_high", "col.count_den", "col.count_percent",
    "col.weight_num", "col.weight_high", "col.weight_den", "col.weight_percent",
    "col.met",
)  # fmt: skip
_EVENT = ("event_code", "event_title", "weight", "plan", "outcome", "methods", "col.reasons")
_SITTING = ("col.attempt", "col.exam_s", "col.camera_s", "col.screen_s")
_INCIDENT = ("event_code", "incident", "col.start_s", "col.end_s", "decision")
_VERDICT = (
    "event_code", "verdict.about", "decision", "verdict.reason", "verdict.by", "verdict.at",
)  # fmt: skip
_WIDTHS = {"learner": 28, "event_title": 28, "methods": 48, "plan": 34, "verdict.reason": 48}


def xlsx_of(document: Json, sha256: str, locale: str) -> bytes:
    """The workbook of an issued report in *locale*."""
    lines = printed(document, locale, sha256)
    made = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(made, options) as book:
        # a fixed time of creation: the same document gives the same bytes
        as_of = datetime.fromisoformat(document["as_of"])
        book.set_properties({"title": lines.title, "company": lines.institution, "created": as_of})
        styles = _Styles(book)
        _summary(book.add_worksheet(translate(locale, "report.sheet.summary")), lines, styles)
        for name, columns, rows in (
            ("learners", _LEARNER + _SHARES, _learner_rows(document, lines)),
            ("outcomes", _LEARNER + _EVENT + _SITTING, _outcome_rows(document, lines)),
            ("incidents", _LEARNER + _INCIDENT, _incident_rows(document, lines)),
            ("verdicts", _LEARNER + _VERDICT, _verdict_rows(document, lines)),
        ):
            sheet = book.add_worksheet(translate(locale, f"report.sheet.{name}"))
            _table(sheet, columns, list(rows), locale, styles)
    return made.getvalue()


def csv_of(document: Json, sha256: str, locale: str) -> bytes:
    """One row per learner and event with the learner's shares; UTF-8 with a byte order mark."""
    lines = printed(document, locale, sha256)
    shares = list(_learner_rows(document, lines))
    per_learner = len(document["events"])
    made = io.StringIO()
    writer = csv.writer(made, quoting=csv.QUOTE_ALL)
    columns = _LEARNER + _EVENT + _SITTING + _SHARES
    writer.writerow([*(translate(locale, f"report.{name}") for name in columns), "SHA-256"])
    for n, row in enumerate(_outcome_rows(document, lines)):
        of_learner = shares[n // per_learner][len(_LEARNER) :]
        writer.writerow([_csv_cell(cell) for cell in (*row, *of_learner, sha256)])
    return made.getvalue().encode("utf-8-sig")


def _learner_rows(document: Json, lines: PrintedReport) -> Iterator[tuple[Cell, ...]]:
    for learner, part in zip(document["learners"], lines.learners, strict=True):
        yield (*_who(learner), *_share(learner["count"]), *_share(learner["weight"]),
               part.state_text)  # fmt: skip


def _outcome_rows(document: Json, lines: PrintedReport) -> Iterator[tuple[Cell, ...]]:
    events = dict(zip((e["code"] for e in document["events"]), lines.events, strict=True))
    for learner, part in zip(document["learners"], lines.learners, strict=True):
        for event, line in zip(learner["events"], part.outcomes, strict=True):
            yield (
                *_who(learner),
                event["code"],
                line.title,
                Decimal(line.weight),
                events[event["code"]].plan,
                line.outcome_text,
                "; ".join(line.methods),
                "; ".join(line.grounds),
                *_sitting(event["sitting"]),
            )


def _incident_rows(document: Json, lines: PrintedReport) -> Iterator[tuple[Cell, ...]]:
    for learner, event, incident, n in _of_sittings(document, "incidents"):
        line = lines.learners[n[0]].incidents[n[1]]
        yield (
            *_who(learner),
            event["code"],
            line.kind,
            incident["start"],
            incident["end"],
            line.decision,
        )


def _verdict_rows(document: Json, lines: PrintedReport) -> Iterator[tuple[Cell, ...]]:
    for learner, event, verdict, n in _of_sittings(document, "verdicts"):
        line = lines.learners[n[0]].verdicts[n[1]]
        at = datetime.fromisoformat(verdict["at"]).astimezone(TIME_ZONE)
        yield (
            *_who(learner),
            event["code"],
            line.about,
            line.decision,
            line.reason,
            line.by,
            at.replace(tzinfo=None),
        )


def _of_sittings(document: Json, part: str) -> Iterator[tuple[Json, Json, Json, tuple[int, int]]]:
    """Each item of *part* of every sitting with its learner and event, and where it is printed."""
    for nth, learner in enumerate(document["learners"]):
        sat = [event for event in learner["events"] if event["sitting"]]
        items = [(event, item) for event in sat for item in event["sitting"][part]]
        for position, (event, item) in enumerate(items):
            yield learner, event, item, (nth, position)


def _who(learner: Json) -> tuple[Cell, ...]:
    return learner["number"], learner["name"]


def _share(shares: Json) -> tuple[Cell, ...]:
    low, high = shares["low"], shares["high"]
    percent = None if low["percent"] is None else Decimal(low["percent"])
    return low["num"], high["num"], low["den"], percent


def _sitting(sitting: Json | None) -> tuple[Cell, ...]:
    if sitting is None:
        return (None,) * len(_SITTING)
    recording = sitting["recording"]
    return (
        sitting["attempt"],
        recording["exam_seconds"],
        recording["camera_seconds"],
        recording["screen_seconds"],
    )


def _csv_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return str(cell)
    return f"'{cell}" if cell.lstrip(" \ufeff").startswith(_FORMULA) else cell


class _Styles:
    """Formats shared by the sheets of one workbook."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.title: Format = book.add_format({"bold": True, "font_size": 16})
        self.label: Format = book.add_format({"font_color": "#51607a", "valign": "top"})
        wrapped = {"text_wrap": True, "valign": "top"}
        self.text: Format = book.add_format(wrapped)
        self.head: Format = book.add_format(
            {**wrapped, "bold": True, "bg_color": "#eef2f7", "bottom": 1}
        )
        self.percent: Format = book.add_format({"num_format": "0.00", "valign": "top"})
        self.number: Format = book.add_format({"num_format": "General", "valign": "top"})
        self.time: Format = book.add_format(
            {"num_format": "dd.mm.yyyy hh:mm", "valign": "top", "align": "left"}
        )


def _summary(sheet: Worksheet, lines: PrintedReport, styles: _Styles) -> None:
    def t(key: str) -> str:
        return translate(lines.locale, f"report.{key}")

    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 3, 24)
    sheet.write_string(0, 0, lines.title, styles.title)
    facts = [
        (t("institution"), lines.institution),
        (t("course"), lines.course),
        *lines.facts,
        (t("basis"), lines.basis),
        (t("hash"), lines.sha256 or ""),
    ]
    for row, (label, value) in enumerate(facts, start=2):
        sheet.write_string(row, 0, label, styles.label)
        sheet.write_string(row, 1, value)
    row = len(facts) + 3
    heads = ("share.design", "share.fraction", "share.percent", "col.met")
    for column, key in enumerate(heads):
        sheet.write_string(row, column, t(key), styles.head)
    for share in lines.design:
        row += 1
        cells = (share.reading, share.fraction, share.percent, share.state_text)
        for column, text in enumerate(cells):
            sheet.write_string(row, column, text)
    sheet.write_string(row + 1, 0, lines.rule, styles.label)
    sheet.write_string(row + 3, 0, t("limits.title"), styles.head)
    for below, limit in enumerate(lines.limits, start=row + 4):
        sheet.write_string(below, 0, limit)


def _table(
    sheet: Worksheet,
    columns: Sequence[str],
    rows: list[tuple[Cell, ...]],
    locale: str,
    styles: _Styles,
) -> None:
    for column, name in enumerate(columns):
        sheet.set_column(column, column, _WIDTHS.get(name, 16))
        sheet.write_string(0, column, translate(locale, f"report.{name}"), styles.head)
        for row, cells in enumerate(rows, start=1):
            _write(sheet, row, column, cells[column], styles, name)
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, len(rows), len(columns) - 1)


def _write(sheet: Worksheet, row: int, column: int, cell: Cell, styles: _Styles, name: str) -> None:
    match cell:
        case None:
            sheet.write_blank(row, column, None)
        case str():
            sheet.write_string(row, column, cell, styles.text)
        case datetime():
            sheet.write_datetime(row, column, cell, styles.time)
        case _:
            style = styles.percent if name.endswith("_percent") else styles.number
            sheet.write_number(row, column, float(cell), style)
