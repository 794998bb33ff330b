"""Files of free typing: one row for each press, CSV or Parquet, milliseconds.

Columns: subject, session, code (``KeyboardEvent.code``), and either press_ms and release_ms or
dd_ms (since the session's press before) and hold_ms. An absent release or hold is empty. Rows are
in order of press; sessions of a person are in order of their number.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from keystroke.presses import Presses
from keystroke.zones import Zone, zone_of

# some data sets name modifiers without their side
_MODIFIERS: Final = frozenset({"Shift", "Control", "Alt", "Meta"})
# such recordings have a millisecond clock
_CLOCK_STEP_MS: Final = 1.0
_TIMES: Final = (("dd_ms", "hold_ms"), ("press_ms", "release_ms"))


class TypingFileError(Exception):
    """The file is not presses of keys; the message says why."""


def read_people(path: Path) -> dict[str, Sequence[Presses]]:
    """Sessions in order by subject. Raises TypingFileError."""
    columns = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    times = next((pair for pair in _TIMES if set(pair) <= columns.keys()), None)
    if times is None or not {"subject", "session", "code"} <= columns.keys():
        raise TypingFileError(
            "the columns are subject, session, code, and dd_ms and hold_ms or press_ms and "
            "release_ms"
        )
    try:
        first, second = (np.array([_number(x) for x in columns[n]], np.float64) for n in times)
    except ValueError as error:
        raise TypingFileError("a time is not a number") from error
    zones = np.array([_zone(str(code)) for code in columns["code"]], np.int64)
    people: dict[str, dict[Any, Presses]] = {}
    for start, stop in _runs(columns["subject"], columns["session"]):
        dt_ms, hold_ms = first[start:stop], second[start:stop]
        if times == ("press_ms", "release_ms"):
            dt_ms, hold_ms = np.diff(dt_ms, prepend=dt_ms[0]), hold_ms - dt_ms
        presses = Presses.of_keyboard(dt_ms, zones[start:stop], hold_ms, _CLOCK_STEP_MS)
        sessions = people.setdefault(str(columns["subject"][start]), {})
        if sessions.setdefault(columns["session"][start], presses) is not presses:
            raise TypingFileError("the rows of a session stand together")
    return {
        subject: [sessions[number] for number in sorted(sessions, key=_place)]
        for subject, sessions in people.items()
    }


def _csv(path: Path) -> Mapping[str, Sequence[Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, restval="")
        columns: dict[str, list[str]] = {name: [] for name in rows.fieldnames or ()}
        for row in rows:
            for name, values in columns.items():
                values.append(row[name])
    return columns


def _parquet(path: Path) -> Mapping[str, Sequence[Any]]:
    if find_spec("pyarrow") is None:
        raise TypingFileError("Parquet needs the package pyarrow; CSV does not")
    table = import_module("pyarrow.parquet").read_table(path)
    return {name: table.column(name).to_pylist() for name in table.column_names}


def _runs(*columns: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """First row and row after the last of each stretch in which *columns* do not change."""
    start, keys = 0, list(zip(*columns, strict=True))
    for i in range(1, len(keys) + 1):
        if i == len(keys) or keys[i] != keys[start]:
            yield start, i
            start = i


def _number(value: Any) -> float:
    return float("nan") if value in ("", None) else float(value)


def _zone(code: str) -> Zone:
    return Zone.MODIFIER if code in _MODIFIERS else zone_of(code)


def _place(session: Any) -> tuple[float, str]:
    """Sessions by number where they have one."""
    text = str(session)
    return (float(text) if text.replace(".", "", 1).isdigit() else float("inf"), text)
