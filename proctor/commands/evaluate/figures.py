"""Rates with what n allows one to say, and how a command shows them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from biometrics.error_rates import interval

AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output, nothing else.")]

#: what is read as a picture; all else is a film
STILLS = frozenset({".jpg", ".jpeg", ".png"})
_BOUNDS = ("n", "low", "high")


@dataclass(frozen=True)
class Rate:
    """Errors among trials; without a trial there is no rate."""

    errors: int
    n: int

    @property
    def value(self) -> float | None:
        return self.errors / self.n if self.n else None

    def as_dict(self) -> dict[str, float | int | None]:
        """``n`` and the bounds of the 95 % interval, trials taken as independent."""
        bounds = interval(self.errors, self.n) if self.n else None
        return {
            "n": self.n,
            "low": bounds.low if bounds else None,
            "high": bounds.high if bounds else None,
        }


def show(figures: dict[str, Any], *, as_json: bool) -> None:
    """Print *figures*, or a table of them; what has ``n`` and bounds is one row of it."""
    if as_json:
        typer.echo(json.dumps(figures))
        return
    table = Table("figure", "value", "n", "95 % interval")
    for row in _rows(figures, figures.get("intervals", {})):
        # names of groups and files are anything, also what looks like markup
        table.add_row(*map(Text, row))
    Console().print(table)


def fail(reason: str) -> typer.Exit:
    """The exit of a command that cannot measure, its reason on standard error."""
    Console(stderr=True).print(reason, markup=False, soft_wrap=True)
    return typer.Exit(1)


def path_in(table: Path, cell: str) -> Path:
    """A path written in a table, relative to the table's own folder."""
    return table.parent / cell


def content(path: Path) -> bytes:
    """The bytes of a still; none where there is no such file, which is then not assessed."""
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        return b""


def _rows(
    figures: dict[str, Any], intervals: dict[str, Any], before: str = ""
) -> list[tuple[str, str, str, str]]:
    rows: list[tuple[str, str, str, str]] = []
    for key, value in figures.items():
        name = f"{before}{key}"
        if name == "intervals" or (before and key in _BOUNDS):
            continue
        if not isinstance(value, dict):
            rows.append((name, *_told(value, intervals.get(name))))
        else:
            measured = {f"{name}.{each}": value for each in value} if _has_bounds(value) else {}
            rows += _rows(value, {**intervals, **measured}, f"{name}.")
    return rows


def _has_bounds(value: dict[str, Any]) -> bool:
    return all(bound in value for bound in _BOUNDS)


def _told(value: object, bounds: dict[str, Any] | None) -> tuple[str, str, str]:
    if bounds is None or bounds["low"] is None:
        return _text(value), "", ""
    rate = f"{value:.4%}" if isinstance(value, float) else str(value)
    return rate, str(bounds["n"]), f"{bounds['low']:.4%} to {bounds['high']:.4%}"


def _text(value: object) -> str:
    if value is None:
        return "not measured"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
