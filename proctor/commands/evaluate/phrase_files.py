"""Files of one phrase typed by many, in the columns of the CMU benchmark, seconds."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keystroke.fixed_text import ENROLMENT_REPETITIONS, IMPOSTOR_GROUPS, Repetitions
from proctor.commands.evaluate.tables import TableError, opened

_NAMES = ("subject", "sessionIndex", "rep")
_PREFIXES = ("H.", "DD.", "UD.")


class PhraseFileError(TableError):
    """The file is not repetitions of a phrase; the message says why."""


@dataclass(frozen=True, eq=False)
class PhraseFile:
    """The repetitions of a file, and how many of its subjects typed too few to be measured."""

    repetitions: Repetitions
    left_out: int


def read_repetitions(path: Path) -> PhraseFile:
    """The repetitions of a CSV file, plain or gzipped, in the file's order.

    Subjects without a repetition after those that may be enrolled are left out; the others' are
    cut to the fewest any of them typed. Raises TableError.
    """
    people: dict[str, list[list[float]]] = {}
    with opened(path) as file:
        rows = csv.reader(file)
        header = next(rows, [])
        if tuple(header[:3]) != _NAMES:
            raise PhraseFileError(f"the first columns are {', '.join(_NAMES)}")
        timed = [i for i, name in enumerate(header) if name.startswith(_PREFIXES)]
        parts = [_columns([header[i] for i in timed], prefix) for prefix in _PREFIXES]
        if not all(parts):
            raise PhraseFileError("there are columns H.…, DD.… and UD.…")
        for row in rows:
            # a blank line is no repetition
            if row:
                people.setdefault(row[0], []).append(_timings(row, timed, rows.line_num))
    counts = [len(own) for own in people.values() if len(own) > ENROLMENT_REPETITIONS]
    if len(counts) <= IMPOSTOR_GROUPS:
        raise PhraseFileError(
            f"more than {IMPOSTOR_GROUPS} subjects are needed who typed more than "
            f"{ENROLMENT_REPETITIONS} repetitions; there are {len(counts)}"
        )
    enough = [own[: min(counts)] for own in people.values() if len(own) > ENROLMENT_REPETITIONS]
    milliseconds = 1000 * np.array(enough)
    repetitions = Repetitions(milliseconds, *(milliseconds[..., part] for part in parts))
    return PhraseFile(repetitions, len(people) - len(counts))


def _timings(row: list[str], timed: list[int], line: int) -> list[float]:
    """The numbers of a row, seconds."""
    try:
        timings = [float(row[i]) for i in timed]
    except (ValueError, IndexError) as error:
        raise PhraseFileError(f"line {line} is not a row of timings") from error
    if not np.isfinite(timings).all():
        raise PhraseFileError(f"line {line} lacks a timing")
    return timings


def _columns(names: list[str], prefix: str) -> list[int]:
    return [i for i, name in enumerate(names) if name.startswith(prefix)]
