"""What the exam office sends: CSV files and what they can hold."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fastapi import UploadFile
from sqlalchemy.orm import Session

from proctor.centres import imports as centres
from proctor.exams import dispensations, imports, lines
from proctor.exams.imports import Imported
from proctor.exams.sheets import MAX_BYTES, Columns
from proctor.people.tables import Account


class ImportKind(StrEnum):
    """What a file holds."""

    COURSES = "courses"
    SCHEMES = "schemes"
    ROSTER = "roster"
    STAFF = "staff"
    DISPENSATIONS = "dispensations"
    CENTRES = "centres"
    PROTOCOLS = "protocols"


@dataclass(frozen=True, slots=True)
class FileForm:
    """How a kind of file is taken in. ``example``: one line that would be accepted."""

    columns: Columns
    example: tuple[str, ...]
    take: Callable[[Session, Account, bytes, datetime], Imported]


FORMS = {
    ImportKind.COURSES: FileForm(
        lines.COURSE_COLUMNS,
        ("DL-101", "Цифрлық сауаттылық", "mooc", "2026-09-01", "2026-12-20"),
        imports.import_courses,
    ),
    ImportKind.SCHEMES: FileForm(
        lines.SCHEME_COLUMNS,
        (
            "DL-101",
            "final",
            "Қорытынды емтихан",
            "mooc_final",
            "40",
            "sync",
            "online",
            "2026-12-15T10:00+05:00",
            "2026-12-15T13:00+05:00",
            "90",
            "proctoring+biometrics+keystroke",
        ),
        imports.import_schemes,
    ),
    ImportKind.ROSTER: FileForm(
        lines.ROSTER_COLUMNS,
        ("DL-101", "aigerim@example.org", "Айгерім Сәрсенова", "D-26001", "kk"),
        imports.import_roster,
    ),
    ImportKind.STAFF: FileForm(
        lines.STAFF_COLUMNS,
        ("DL-101", "bauyrzhan@example.org", "Бауыржан Төлегенов", "proctor"),
        imports.import_staff,
    ),
    ImportKind.DISPENSATIONS: FileForm(
        dispensations.DISPENSATION_COLUMNS,
        ("DL-101", "final", "D-26001", "№ 14 анықтама, 12.12.2026"),
        dispensations.import_dispensations,
    ),
    ImportKind.CENTRES: FileForm(
        centres.CENTRE_COLUMNS,
        ("ATY-1", "Атырау тест орталығы", "Атырау", "1|2|3", "Қайрат Сейітов|Жанна Ким"),
        centres.import_centres,
    ),
    ImportKind.PROTOCOLS: FileForm(
        centres.PROTOCOL_COLUMNS,
        (
            "ATY-1",
            "2026-17",
            "DL-101",
            "final",
            "2026-12-15T10:00+05:00",
            "Қайрат Сейітов",
            "2026-12-15",
            "D-26001",
            "yes",
            "2",
            "id_card",
            "yes",
        ),
        centres.import_protocols,
    ),
}


def content_of(file: UploadFile) -> bytes:
    """Bytes of an uploaded file, one more than allowed at most."""
    return file.file.read(MAX_BYTES + 1)


def empty_sheet(form: FileForm) -> bytes:
    """A file with the header only, as spreadsheets in Kazakhstan open it: UTF-8 with a byte
    order mark, semicolons."""
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerow(form.columns)
    return text.getvalue().encode("utf-8-sig")
