"""``proctor share``: the identity-verification share of one learner from a file."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from proctor.shares.calculator import Share
from proctor.shares.course_file import CourseFileRefused, Readings, as_json, readings_of
from proctor.shares.packs import Basis, UnknownPack, pack_names

_MET = {True: "met", False: "not met", None: "not applicable"}
_NEEDED = {
    Basis.BOTH: "by count and by weight",
    Basis.COUNT: "by count",
    Basis.WEIGHT: "by weight",
}


def share(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, allow_dash=False)],
    as_data: Annotated[bool, typer.Option("--json", help="Print plain JSON.")] = False,
) -> None:
    """Compute the share of a course file, by design and for its learner."""
    notes = Console(stderr=True)
    try:
        readings = readings_of(file.read_bytes())
    except CourseFileRefused as refused:
        for problem in refused.problems:
            notes.print(f"{file}: {problem}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None
    except UnknownPack as unknown:
        known = ", ".join(sorted(pack_names()))
        notes.print(f"{file}: {unknown} known: {known}", markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    for name in readings.unknown:
        notes.print(f"{file}: {name!r} identifies nobody under the act", markup=False)
    if as_data:
        typer.echo(json.dumps(as_json(readings), indent=2))
    else:
        Console().print(_table(readings))


def _table(readings: Readings) -> Table:
    rules = readings.pack
    caption = (
        f"{rules.name}, edition {rules.edition}: at least {rules.threshold} "
        f"{_NEEDED[rules.basis]}. Learner, pending left out: {_MET[readings.met]}."
    )
    table = Table("reading", "by count", "by weight", caption=caption)
    rows = {
        "design": (readings.design_count, readings.design_weight),
        "learner, at least": (readings.count.low, readings.weight.low),
        "learner, at most": (readings.count.high, readings.weight.high),
    }
    for name, (count, weight) in rows.items():
        table.add_row(name, _text(count, readings), _text(weight, readings))
    return table


def _text(share: Share, readings: Readings) -> str:
    if share.percent_floored is None:
        return _MET[None]
    num, den = share.integers
    return f"{num}/{den} = {share.percent_floored} %, {_MET[share.met(readings.pack)]}"
