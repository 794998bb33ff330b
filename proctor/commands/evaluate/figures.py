"""Rates with what n allows one to say, and how a command shows them."""

import json
from collections.abc import Callable
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

Bounds = tuple[float, float]


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
        low, high = self.bounds(0.95) or (None, None)
        return {"n": self.n, "low": low, "high": high}

    def bounds(self, confidence: float) -> tuple[float, float] | None:
        if not self.n:
            return None
        found = interval(self.errors, self.n, confidence)
        return found.low, found.high


def of_two(
    one: Rate, other: Rate, merge: Callable[[Bounds, Bounds], Bounds]
) -> dict[str, float | int | None]:
    """``n`` of the smaller one, and what *merge* makes of the bounds of both.

    Each rate is within its bounds with 97.5 %, so that both are with 95 % at least.
    """
    first, second = one.bounds(0.975), other.bounds(0.975)
    low, high = merge(first, second) if first and second else (None, None)
    return {"n": min(one.n, other.n), "low": low, "high": high}


def middle(one: Bounds, other: Bounds) -> Bounds:
    """Those of the mean of two rates."""
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


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
        if key == "intervals" or (before and key in _BOUNDS):
            continue
        if not isinstance(value, dict):
            rows.append((name, *_told(value, intervals.get(name))))
        else:
            measured = {f"{name}.{each}": value for each in value} if _has_bounds(value) else {}
            inner = {
                f"{name}.{each}": bounds for each, bounds in value.get("intervals", {}).items()
            }
            rows += _rows(value, {**intervals, **measured, **inner}, f"{name}.")
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
