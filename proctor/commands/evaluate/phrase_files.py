"""Files of one phrase typed by many, in the columns of the CMU benchmark, seconds."""

import csv
import gzip
from pathlib import Path
from typing import TextIO

import numpy as np

from keystroke.fixed_text import ENROLMENT_REPETITIONS, IMPOSTOR_GROUPS, Repetitions

_NAMES = ("subject", "sessionIndex", "rep")


class PhraseFileError(Exception):
    """The file is not repetitions of a phrase; the message says why."""


def read_repetitions(path: Path) -> Repetitions:
    """The repetitions of a CSV file, plain or gzipped, in the file's order.

    Everyone's are cut to the fewest anyone typed. Raises PhraseFileError.
    """
    with _opened(path) as file:
        rows = csv.reader(file)
        header = next(rows, [])
        if tuple(header[:3]) != _NAMES:
            raise PhraseFileError(f"the first columns are {', '.join(_NAMES)}")
        people: dict[str, list[list[float]]] = {}
        try:
            for row in rows:
                people.setdefault(row[0], []).append([float(cell) for cell in row[3:]])
        except (ValueError, IndexError) as error:
            raise PhraseFileError(f"line {rows.line_num} is not a row of timings") from error
    if len(people) <= IMPOSTOR_GROUPS:
        raise PhraseFileError(f"more than {IMPOSTOR_GROUPS} subjects are needed")
    fewest = min(len(repetitions) for repetitions in people.values())
    if fewest <= ENROLMENT_REPETITIONS:
        raise PhraseFileError(f"each subject needs more than {ENROLMENT_REPETITIONS} repetitions")
    try:
        timings = np.array([repetitions[:fewest] for repetitions in people.values()])
    except ValueError as error:
        raise PhraseFileError("rows are of different lengths") from error
    parts = [_columns(header[3:], prefix) for prefix in ("H.", "DD.", "UD.")]
    if not all(parts) or timings.shape[2] != len(header) - 3:
        raise PhraseFileError("there are columns H.…, DD.… and UD.…, and a number in each")
    milliseconds = timings * 1000
    return Repetitions(milliseconds, *(milliseconds[..., part] for part in parts))


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _columns(names: list[str], prefix: str) -> list[int]:
    return [i for i, name in enumerate(names) if name.startswith(prefix)]
