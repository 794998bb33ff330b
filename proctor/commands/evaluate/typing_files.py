"""Files of free typing: one row for each press, CSV (plain or gzipped) or Parquet, milliseconds.

Columns: subject, session, code (``KeyboardEvent.code``), and either press_ms and release_ms or
dd_ms (since the session's press before) and hold_ms. An absent release or hold is empty. Rows with
dd_ms are in order of press, those with press_ms are put in it. Sessions of a person are in order of
the one number in their names, or of their ISO dates, else as they stand in the file. Other columns
are not read.
What the keyboard repeated while a key was held is no press, here as on the page.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keystroke.presses import Presses, unrepeated
from keystroke.zones import ZONE_OF_CODE, Zone
from proctor.commands.evaluate.tables import TableError, opened

# some data sets name modifiers without their side
_ZONES: Final = {
    **ZONE_OF_CODE,
    **dict.fromkeys(("Shift", "Control", "Alt", "Meta"), Zone.MODIFIER),
}
# such recordings have a millisecond clock
_CLOCK_STEP_MS: Final = 1.0
_TIMES: Final = (("dd_ms", "hold_ms"), ("press_ms", "release_ms"))
_NAMES: Final = ("subject", "session", "code")
# a decimal number; split by it a name with one number has three parts
_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?)")
_ISO_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
# function keys and the like are on no finger; a file of nothing else names keys in another way
_LEAST_KNOWN: Final = 0.5


class TypingFileError(TableError):
    """The file is not presses of keys; the message says why."""


def read_people(path: Path) -> dict[str, Sequence[Presses]]:
    """Sessions in order by subject. Raises TableError."""
    columns = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    times = next((pair for pair in _TIMES if set(pair) <= columns.keys()), None)
    if times is None or not set(_NAMES) <= columns.keys():
        raise TypingFileError(
            "the columns are subject, session, code, and dd_ms and hold_ms or press_ms and "
            "release_ms"
        )
    if not columns["code"]:
        raise TypingFileError("there is a header and no press")
    first, second = (_milliseconds(columns[name], name) for name in times)
    zones = _zones(columns["code"])
    keys = np.unique([str(code) for code in columns["code"]], return_inverse=True)[1]
    people: dict[str, dict[Any, Presses]] = {}
    for start, stop in _runs(columns["subject"], columns["session"]):
        rows = np.arange(start, stop)
        if times == ("press_ms", "release_ms"):
            # some recorders write a key when it is released
            rows = rows[np.argsort(first[rows], kind="stable")]
        dt_ms, hold_ms = first[rows], second[rows]
        if times == ("press_ms", "release_ms"):
            dt_ms, hold_ms = np.diff(dt_ms, prepend=dt_ms[0]), hold_ms - dt_ms
        pressed, dt_ms, hold_ms = unrepeated(keys[rows], dt_ms, hold_ms)
        presses = Presses.of_keyboard(dt_ms, zones[rows][pressed], hold_ms, _CLOCK_STEP_MS)
        sessions = people.setdefault(str(columns["subject"][start]), {})
        if sessions.setdefault(columns["session"][start], presses) is not presses:
            raise TypingFileError(
                f"the rows of a session stand together; row {start + 1} goes on with an earlier one"
            )
    return {
        subject: [sessions[name] for name in _in_order(list(sessions))]
        for subject, sessions in people.items()
    }


def _csv(path: Path) -> Mapping[str, Sequence[Any]]:
    with opened(path) as file:
        rows = csv.reader(file)
        header = next(rows, [])
        wanted = [i for i, name in enumerate(header) if name in _NAMES or _is_time(name)]
        columns: list[list[str]] = [[] for _ in wanted]
        for row in rows:
            if len(row) > len(header):
                raise TypingFileError(f"line {rows.line_num} has more values than the header")
            # blank lines are no presses; values left out at the end are empty
            if row:
                row += [""] * (len(header) - len(row))
                for values, i in zip(columns, wanted, strict=True):
                    values.append(row[i])
    return dict(zip((header[i] for i in wanted), columns, strict=True))


def _parquet(path: Path) -> Mapping[str, Sequence[Any]]:
    if find_spec("pyarrow") is None:
        raise TypingFileError("Parquet needs the package pyarrow; CSV does not")
    try:
        table = import_module("pyarrow.parquet").read_table(path)
    # pyarrow's errors are of these two kinds
    except (ValueError, OSError) as error:
        raise TypingFileError(f"{path.name} is not a Parquet file that can be read") from error
    wanted = [name for name in table.column_names if name in _NAMES or _is_time(name)]
    for name in wanted:
        if wanted.count(name) > 1 or table.schema.field(name).type.num_fields:
            raise TypingFileError(f"{name} is not one column of single values")
    return {name: table.column(name).to_pylist() for name in wanted}


def _is_time(name: str) -> bool:
    return any(name in pair for pair in _TIMES)


def _runs(*columns: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """First row and row after the last of each stretch in which *columns* do not change."""
    start, keys = 0, list(zip(*columns, strict=True))
    for i in range(1, len(keys) + 1):
        if i == len(keys) or keys[i] != keys[start]:
            yield start, i
            start = i


def _milliseconds(values: Sequence[Any], name: str) -> NDArray[np.float64]:
    """Times as numbers, shape (n,); NaN where there is none."""
    try:
        return np.array([np.nan if v in ("", None) else v for v in values], np.float64)
    except (ValueError, TypeError) as error:
        wrong = next(i for i, value in enumerate(values) if not _is_number(value))
        raise TypingFileError(f"{name} of row {wrong + 1} is not a number") from error


def _is_number(value: Any) -> bool:
    """Whether it is one, or nothing."""
    try:
        float(value or 0)
    except (ValueError, TypeError):
        return False
    return True


def _zones(codes: Sequence[Any]) -> NDArray[np.int64]:
    known = {code: _ZONES.get(str(code), Zone.OTHER) for code in set(codes)}
    zones = np.array([known[code] for code in codes], np.int64)
    if np.mean(zones != Zone.OTHER) < _LEAST_KNOWN:
        raise TypingFileError("code names keys as KeyboardEvent.code does: KeyA, Space, Backspace")
    return zones


def _in_order(names: Sequence[Any]) -> Sequence[Any]:
    """Names of sessions as they follow one another; the file's order where names do not tell."""
    parts = [_NUMBER.split(str(name)) for name in names]
    if all(len(each) == 3 and each[::2] == parts[0][::2] for each in parts):
        return sorted(names, key=lambda name: float(_NUMBER.split(str(name))[1]))
    return sorted(names, key=str) if all(_ISO_DATE.match(str(name)) for name in names) else names
