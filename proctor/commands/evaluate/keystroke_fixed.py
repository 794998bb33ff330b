"""``proctor evaluate keystroke-fixed``: verifiers of one phrase, by Killourhy and Maxion."""

import json
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from biometrics.error_rates import eer
from keystroke.fixed_text import (
    ENROLMENT_REPETITIONS,
    PUBLISHED,
    PersonScores,
    Repetitions,
    detector_scores,
    mean_eer_interval,
    phrase_scores,
    standings,
)
from proctor.commands.evaluate.phrase_files import read_repetitions
from proctor.commands.evaluate.rates import Curve, fnmr_at_fmr, in_a_folder, write_det
from proctor.commands.evaluate.tables import TableError

# of attempts by other people
NEARER: Final = 0.95


class Enrolment(IntEnum):
    """Repetitions that may be enrolled, the newest of the first two hundred."""

    ALL = 200
    FIFTY = 50
    TWENTY = 20
    TEN = 10
    FIVE = 5


def keystroke_fixed(
    data: Annotated[
        Path, typer.Option(help="CSV in the CMU benchmark's columns.", exists=True, dir_okay=False)
    ],
    enrol: Annotated[
        int, typer.Option(help="200, 50, 20, 10 or 5: newest of the first 200.")
    ] = 200,
    det: Annotated[
        Path | None, typer.Option(help="Write a DET plot, SVG.", callback=in_a_folder)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure verifiers of one phrase typed by many."""
    if enrol not in set(Enrolment):
        raise typer.BadParameter("one of 200, 50, 20, 10, 5", param_hint="--enrol")
    try:
        found = read_repetitions(data)
    except TableError as error:
        raise typer.BadParameter(str(error), param_hint="--data") from error
    repetitions = found.repetitions
    scores = {
        **phrase_scores(repetitions, enrol, _told(repetitions, "verifiers of a phrase")),
        **detector_scores(repetitions, enrol),
    }
    beside = None
    if enrol == Enrolment.FIVE:
        beside = _beside(standings(repetitions, _told(repetitions, "beside other people's")))
    attempts = repetitions.n_people * repetitions.n_later
    measured = {name: _measured(found, attempts) for name, found in scores.items()}
    if det is not None:
        write_det(det, [Curve(name, *_pooled(people)) for name, people in scores.items()])
    if as_json:
        report = {
            "protocol": "Killourhy and Maxion 2009",
            "subjects": repetitions.n_people,
            "left_out": found.left_out,
            "enrol": enrol,
            "default": measured["default"],
            "verifiers": measured,
            "five_enrolled": beside,
            "published_51_subjects": {name: {"eer_mean": mean} for name, mean in PUBLISHED.items()},
        }
        typer.echo(json.dumps(report, indent=1))
        return
    Console().print(_table(measured, repetitions.n_people, enrol))
    if found.left_out:
        typer.echo(f"left out, too few repetitions: {found.left_out} subjects")
    if beside is None:
        return
    own, others = beside["mated_nearer"], beside["non_mated_nearer"]
    typer.echo(
        f"five enrolled: nearer than {NEARER:.0%} of other people's are {own:.1%} of the"
        f" {beside['n_mated']} own and {others:.1%} of the {beside['n_non_mated']} other attempts"
    )


def _told(repetitions: Repetitions, what: str) -> Iterable[int]:
    """Everybody by number; standard error says how many are done."""
    everyone = range(repetitions.n_people)
    return track(everyone, what, console=Console(stderr=True), transient=True)


def _beside(found: PersonScores) -> dict[str, Any]:
    """Share of attempts that are nearer to the person's own than most of other people's."""
    return {
        "nearer_than": NEARER,
        "mated_nearer": float(np.mean(found.mated >= NEARER)),
        "non_mated_nearer": float(np.mean(found.non_mated >= NEARER)),
        "n_mated": len(found.mated),
        "n_non_mated": len(found.non_mated),
    }


def _measured(people: list[PersonScores], attempts: int) -> dict[str, Any]:
    """``n_mated``: own attempts; each is compared once with each background there is."""
    rates = np.array([person.eer for person in people])
    mated, non_mated = _pooled(people)
    return {
        "eer_mean": float(rates.mean()),
        "eer_sd": float(rates.std(ddof=1)),
        "eer_mean_ci": list(mean_eer_interval(people)),
        "eer_pooled": eer(mated, non_mated),
        "fnmr_at_fmr": fnmr_at_fmr(mated, non_mated),
        "n_mated": attempts,
        "n_mated_comparisons": len(mated),
        "n_non_mated": len(non_mated),
    }


def _pooled(people: list[PersonScores]) -> tuple[Any, Any]:
    return (
        np.concatenate([person.mated for person in people]),
        np.concatenate([person.non_mated for person in people]),
    )


def _table(measured: dict[str, dict[str, Any]], people: int, enrol: int) -> Table:
    of = f"newest {enrol} of {ENROLMENT_REPETITIONS}"
    title = f"{people} subjects, {of} repetitions enrolled; rates in %"
    columns = ("verifier", "mean EER", "sd", "95 %", "pooled EER", "FNMR at FMR 1 %", "published")
    table = Table(*columns, title=title)
    for name, row in measured.items():
        low, high = row["eer_mean_ci"]
        paper = PUBLISHED.get(name)
        at = row["fnmr_at_fmr"]["1e-2"]
        table.add_row(
            name,
            f"{row['eer_mean']:.2%}",
            f"{row['eer_sd']:.2%}",
            f"{low:.2%} to {high:.2%}",
            f"{row['eer_pooled']:.2%}",
            "" if at is None else f"{at:.1%}",
            "" if paper is None or enrol != ENROLMENT_REPETITIONS else f"{paper:.2%}",
        )
    return table
