"""What the exam office sends: kinds of files and what they can hold."""

import csv
import io
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi import UploadFile

from proctor.centres import imports as centres
from proctor.exams import control, dispensations, imports, peers, recredits
from proctor.exams.intake import FileKind
from proctor.exams.sheets import MAX_BYTES


class ImportKind(StrEnum):
    """What a file holds."""

    COURSES = "courses"
    SCHEMES = "schemes"
    ROSTER = "roster"
    STAFF = "staff"
    CONTROL = "control"
    DISPENSATIONS = "dispensations"
    RECREDITS = "recredits"
    PEERS = "peers"
    CENTRES = "centres"
    PROTOCOLS = "protocols"


@dataclass(frozen=True, slots=True)
class FileForm:
    """How a kind of file is taken in. ``example``: one line that would be accepted."""

    kind: FileKind[Any]
    example: tuple[str, ...]


FORMS = {
    ImportKind.COURSES: FileForm(
        imports.COURSES,
        ("DL-101", "Цифрлық сауаттылық", "mooc", "2026-09-01", "2026-12-20"),
    ),
    ImportKind.SCHEMES: FileForm(
        imports.SCHEMES,
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
    ),
    ImportKind.ROSTER: FileForm(
        imports.ROSTER,
        ("DL-101", "aigerim@example.org", "Айгерім Сәрсенова", "D-26001", "kk"),
    ),
    ImportKind.STAFF: FileForm(
        imports.STAFF,
        ("DL-101", "bauyrzhan@example.org", "Бауыржан Төлегенов", "proctor"),
    ),
    ImportKind.CONTROL: FileForm(
        control.CONTROL,
        ("DL-101", "final", "D-26001", "submitted"),
    ),
    ImportKind.DISPENSATIONS: FileForm(
        dispensations.DISPENSATIONS,
        ("DL-101", "final", "D-26001", "№ 14 анықтама, 12.12.2026"),
    ),
    ImportKind.RECREDITS: FileForm(
        recredits.RECREDITS,
        ("DL-101", "D-26001", "open.example.kz", "№ 512, 01.06.2026", "60/100 = 60.00 %"),
    ),
    ImportKind.PEERS: FileForm(
        peers.PEERS,
        ("DL-101", "final", "D-26001", "D-26002", ""),
    ),
    ImportKind.CENTRES: FileForm(
        centres.CENTRES,
        ("ATY-1", "Атырау тест орталығы", "Атырау", "1|2|3", "Қайрат Сейітов|Жанна Ким"),
    ),
    ImportKind.PROTOCOLS: FileForm(
        centres.PROTOCOLS,
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
    ),
}


def content_of(file: UploadFile) -> bytes:
    """Bytes of an uploaded file, one more than allowed at most."""
    return file.file.read(MAX_BYTES + 1)


def empty_sheet(form: FileForm) -> bytes:
    """A file with the header only, as spreadsheets in Kazakhstan open it: UTF-8 with a byte
    order mark, semicolons."""
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerow(form.kind.columns)
    return text.getvalue().encode("utf-8-sig")
