"""A form of the office as a file: titled facts, one table and lines for signatures.

The words are in the reader's language already; every format prints the hash of the data.
"""

import csv
import io
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from proctor.catalogue import translate
from proctor.clock import TIME_ZONE
from proctor.reports.typesetting import qr_code, typeset
from proctor.reports.workbook import csv_cell
from proctor.reports.xlsx import Cell, Style, Workbook

TEMPLATE = Path(__file__).parent / "form.typ"


class FormFormat(StrEnum):
    """Files a form is taken away as."""

    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Column:
    """``width``: of the columns beside it, a share of the page; 0 = as wide as its words."""

    title: str
    width: float = 0


@dataclass(frozen=True, slots=True)
class Form:
    """``facts``: labelled lines above the table; ``mark``: a framed warning; ``rows`` are as long
    as ``columns``, None is left for a pen; ``signs``: whose signatures it takes."""

    title: str
    subject: str
    institution: str
    facts: tuple[tuple[str, str], ...]
    mark: str | None
    columns: tuple[Column, ...]
    rows: tuple[tuple[str | None, ...], ...]
    note: str
    signs: tuple[str, ...]
    as_of: datetime
    sha256: str
    locale: str


def content_of(form: Form, file_format: FormFormat) -> bytes:
    """*form* as a file."""
    return {FormFormat.PDF: form_pdf, FormFormat.XLSX: form_xlsx, FormFormat.CSV: form_csv}[
        file_format
    ](form)


def form_pdf(form: Form) -> bytes:
    """PDF/A-2a and PDF/UA with lines for the signatures."""
    words = {
        "form": json.dumps(asdict(form), ensure_ascii=False, default=str),
        "date": translate(form.locale, "sheet.sign.date"),
        "qr": qr_code(f"sha256:{form.sha256}"),
    }
    return typeset(TEMPLATE, words, form.as_of)


def form_xlsx(form: Form) -> bytes:
    """A workbook; what is left for a pen are empty cells."""
    made = io.BytesIO()
    with Workbook(made, form.title, form.institution, form.as_of) as book:
        facts = [(form.title, form.subject), *form.facts, ("SHA-256", form.sha256)]
        if form.mark:
            facts.append((form.mark, ""))
        rows: list[list[tuple[Cell, Style]]] = [
            [(label, Style.BOLD), (None, Style.PLAIN), (value, Style.PLAIN)]
            for label, value in facts
        ]
        rows += [[], [(column.title, Style.HEAD) for column in form.columns]]
        rows += [[(text, Style.PLAIN) for text in row] for row in form.rows]
        rows += [[], []]
        rows += [[(f"{who}: {'_' * 20}", Style.BOLD)] for who in form.signs]
        frozen = (len(facts) + 2, 2)
        with book.sheet(form.title, (14, 30, 30, 20, 20), frozen=frozen) as page:
            page.lines(enumerate(rows, start=1))
    return made.getvalue()


def form_csv(form: Form) -> bytes:
    """The table alone, each line with the hash; no text begins like a formula."""
    made = io.StringIO(newline="")
    writer = csv.writer(made, quoting=csv.QUOTE_ALL)
    writer.writerow([*(column.title for column in form.columns), "SHA-256"])
    writer.writerows([*map(csv_cell, row), form.sha256] for row in form.rows)
    return made.getvalue().encode("utf-8-sig")


def clock(at: datetime) -> str:
    """An instant on the clocks of the institution."""
    return f"{at.astimezone(TIME_ZONE):%d.%m.%Y %H:%M} (UTC+05:00)"
