"""The identity report as XLSX and CSV: one row per learner, event, incident and decision.

Cells are typed; what people wrote is never a formula.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import BinaryIO

from keystroke.features import PRINTED
from proctor.catalogue import translate
from proctor.clock import TIME_ZONE
from proctor.reports.document import Json
from proctor.reports.wording import PrintedReport, Printer
from proctor.reports.xlsx import MAX_ROWS, Cell, Style, Workbook, cell, text_cell

# a spreadsheet takes a cell that begins like this for a formula, full-width signs included
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_LEARNER = ("learner_number", "learner")
_SHARES = (
    "col.count_num", "col.count_high", "col.count_den", "col.count_percent",
    "col.weight_num", "col.weight_high", "col.weight_den", "col.weight_percent",
    "col.met", "col.notes",
)  # fmt: skip
_EVENT = ("event_code", "event_title", "weight", "plan", "outcome", "methods", "col.reasons")
_SITTING = ("col.attempt", "col.exam_s", "col.camera_s", "col.screen_s", "col.erased_on")
_TYPING = ("col.keys", *(f"measured.{name}" for name in PRINTED))
_INCIDENT = ("event_code", "incident", "col.start_s", "col.end_s", "decision")
_VERDICT = (
    "event_code", "verdict.about", "decision", "verdict.reason", "verdict.by", "verdict.at",
)  # fmt: skip
_OF_DATES: dict[type, Style] = {datetime: Style.TIME, date: Style.DAY}
_WIDTHS = {
    "learner": 28,
    "event_title": 28,
    "methods": 48,
    "plan": 34,
    "verdict.reason": 48,
    "col.notes": 48,
}


def xlsx_of(document: Json, sha256: str, locale: str) -> bytes:
    """The workbook of an issued report in *locale*."""
    made = io.BytesIO()
    write_xlsx(document, sha256, locale, made)
    return made.getvalue()


def write_xlsx(document: Json, sha256: str, locale: str, out: BinaryIO) -> None:
    """Write the workbook of a report to *out*; its learners are taken one after the other.

    A table with more rows than a sheet holds goes on on a further sheet.
    """
    printer = Printer(document, locale)
    lines = printer.frame(sha256)
    # a fixed time of creation: the same document gives the same bytes
    as_of = datetime.fromisoformat(document["as_of"])
    with Workbook(out, lines.title, lines.institution, as_of) as book:
        with book.sheet(printer.t("report.sheet.summary"), (34, 24, 24, 24)) as summary:
            summary.lines(_summary(lines))
        for name, columns, rows in (
            ("learners", _LEARNER + _SHARES, _learner_rows(document, printer)),
            ("outcomes", _LEARNER + _EVENT + _SITTING + _TYPING, _outcome_rows(document, printer)),
            ("incidents", _LEARNER + _INCIDENT, _incident_rows(document, printer)),
            ("verdicts", _LEARNER + _VERDICT, _verdict_rows(document, printer)),
        ):
            _tables(book, printer, name, columns, rows)


def csv_of(document: Json, sha256: str, locale: str) -> bytes:
    """One row per learner and event with the learner's shares; UTF-8 with a byte order mark."""
    printer = Printer(document, locale)
    shares = _learner_rows(document, printer)
    per_learner = len(document["events"])
    made = io.StringIO()
    writer = csv.writer(made, quoting=csv.QUOTE_ALL)
    columns = _LEARNER + _EVENT + _SITTING + _TYPING + _SHARES
    writer.writerow([*(translate(locale, f"report.{name}") for name in columns), "SHA-256"])
    of_learner: tuple[Cell, ...] = ()
    for n, row in enumerate(_outcome_rows(document, printer)):
        if n % per_learner == 0:
            of_learner = next(shares)[len(_LEARNER) :]
        writer.writerow([csv_cell(cell) for cell in (*row, *of_learner, sha256)])
    return made.getvalue().encode("utf-8-sig")


def _learner_rows(document: Json, printer: Printer) -> Iterator[tuple[Cell, ...]]:
    for learner in document["learners"]:
        yield (*_who(learner), *_share(learner["count"]), *_share(learner["weight"]),
               printer.standing(learner), "; ".join(printer.notes(learner)) or None)  # fmt: skip


def _outcome_rows(document: Json, printer: Printer) -> Iterator[tuple[Cell, ...]]:
    in_scheme = _events_as_cells(printer, {})
    for learner in document["learners"]:
        who, events = _who(learner), in_scheme
        if learner.get("scheme"):
            events = _events_as_cells(printer, learner)
        for event in learner["events"]:
            yield (
                *who,
                event["code"],
                *events[event["code"]],
                *printer.decided(event),
                *_sitting(event["sitting"]),
                *_typing(event["sitting"]),
            )


def _events_as_cells(printer: Printer, learner: Json) -> dict[str, tuple[Cell, ...]]:
    """Title, weight and plan of each event, by code."""
    return {
        code: (event["title"], Decimal(printer.weight(learner, code)), printer.plan(event))
        for code, event in printer.events.items()
    }


def _incident_rows(document: Json, printer: Printer) -> Iterator[tuple[Cell, ...]]:
    for learner, event, incident in _of_sittings(document, "incidents"):
        line = printer.incident(event, incident)
        yield (
            *_who(learner),
            event["code"],
            line.kind,
            incident["start"],
            incident["end"],
            line.decision,
        )


def _verdict_rows(document: Json, printer: Printer) -> Iterator[tuple[Cell, ...]]:
    for learner, event, verdict in _of_sittings(document, "verdicts"):
        line = printer.verdict(event, verdict)
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


def _of_sittings(document: Json, part: str) -> Iterator[tuple[Json, Json, Json]]:
    """Each item of *part* of every sitting, with its learner and event."""
    for learner in document["learners"]:
        for event in learner["events"]:
            if event["sitting"]:
                for item in event["sitting"][part]:
                    yield learner, event, item


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
    erased_on = recording.get("expired_on")
    return (
        sitting["attempt"],
        recording["exam_seconds"],
        recording["camera_seconds"],
        recording["screen_seconds"],
        date.fromisoformat(erased_on) if erased_on else None,
    )


def _typing(sitting: Json | None) -> tuple[Cell, ...]:
    """The keys typed and what the Order names of them; reports of before it was kept have none."""
    keystroke = (sitting or {}).get("keystroke") or {}
    measured = keystroke.get("measured") or {}
    return keystroke.get("n_keys"), *(measured.get(name) for name in PRINTED)


def csv_cell(cell: Cell) -> str:
    """*cell* as text that no spreadsheet takes for a formula."""
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return str(cell)
    return f"'{cell}" if cell.lstrip(" \ufeff").startswith(_FORMULA) else cell


def _summary(lines: PrintedReport) -> Iterator[tuple[int, list[tuple[Cell, Style]]]]:
    def t(key: str) -> str:
        return translate(lines.locale, f"report.{key}")

    yield 1, [(lines.title, Style.TITLE)]
    facts = [
        (t("institution"), lines.institution),
        (t("course"), lines.course),
        *lines.facts,
        (t("basis"), lines.basis),
        (t("hash"), lines.sha256 or ""),
    ]
    for at, (label, value) in enumerate(facts, start=3):
        yield at, [(label, Style.LABEL), (value, Style.PLAIN)]
    top = len(facts) + 4
    heads = ("share.design", "share.fraction", "share.percent", "col.met")
    yield top, [(t(key), Style.HEAD) for key in heads]
    for at, share in enumerate(lines.design, start=top + 1):
        cells = (share.reading, share.fraction, share.percent, share.state_text)
        yield at, [(text, Style.PLAIN) for text in cells]
    top += len(lines.design)
    yield top + 1, [(lines.rule, Style.LABEL)]
    top += 3
    for title, said in (("sensitivity", lines.sensitivity), ("limits", lines.limits)):
        if not said:
            continue
        yield top, [(t(f"{title}.title"), Style.HEAD)]
        for below, line in enumerate(said, start=top + 1):
            yield below, [(line, Style.PLAIN)]
        top += len(said) + 2


def _tables(
    book: Workbook,
    printer: Printer,
    name: str,
    columns: Sequence[str],
    rows: Iterator[tuple[Cell, ...]],
) -> None:
    head = [printer.t(f"report.{column}") for column in columns]
    widths = [_WIDTHS.get(column, 16) for column in columns]
    styles = [Style.PERCENT if c.endswith("_percent") else Style.NUMBER for c in columns]
    written = (_row(row, styles) for row in rows)
    first = next(written, None)
    begun = False
    while first is not None or not begun:
        begun = True
        with book.sheet(printer.t(f"report.sheet.{name}"), widths, frozen=(1, 2)) as sheet:
            some = () if first is None else chain([first], islice(written, MAX_ROWS - 2))
            sheet.table(head, some)
        first = next(written, None)


def _row(row: tuple[Cell, ...], styles: list[Style]) -> str:
    return "".join(
        [
            text_cell(n, each, Style.TEXT)
            if isinstance(each, str)
            else cell(n, each, _OF_DATES.get(type(each), styles[n]))
            for n, each in enumerate(row)
            if each is not None
        ]
    )
