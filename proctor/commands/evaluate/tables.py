"""Tables that are measured: CSV, plain or gzipped, refused with a reason and never a traceback."""

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


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


def _text(path: Path) -> TextIO:
    # spreadsheets write a byte order mark before the first column
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
