"""Tables that are measured: CSV, plain or gzipped, refused with a reason and never a traceback."""

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, TypeVar

Item = TypeVar("Item")


class TableError(Exception):
    """The file is not the table that was asked for; the message says why."""


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """The text of a CSV file. Raises TableError when it cannot be read as such."""
    try:
        with _text(path) as file:
            yield file
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise TableError(f"{path.name} is not text that can be read") from error
    except csv.Error as error:
        raise TableError(f"{path.name} is not CSV: {error}") from error


def read(path: Path, columns: str, item: Callable[[Mapping[str, str]], Item]) -> list[Item]:
    """What *item* makes of each row; *columns* as a person is told of them.

    A cell that a short row leaves out is empty. Raises TableError for a file that cannot be read
    or has no row, and for a row of which *item* raises KeyError or ValueError.
    """
    found: list[Item] = []
    with opened(path) as file:
        rows = csv.DictReader(file, restval="")
        for row in rows:
            try:
                found.append(item(row))
            except (KeyError, ValueError) as error:
                told = f"line {rows.line_num} of {path.name}: the columns are {columns}"
                raise TableError(told) from error
    if not found:
        raise TableError(f"{path.name} has no row; the columns are {columns}")
    return found


def filled(row: Mapping[str, str], column: str) -> str:
    """Raises KeyError for an absent column, ValueError for an empty cell."""
    if not row[column].strip():
        raise ValueError(f"{column} is empty")
    return row[column]


def _text(path: Path) -> TextIO:
    # spreadsheets write a byte order mark before the first column
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
