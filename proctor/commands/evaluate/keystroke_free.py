"""``proctor evaluate keystroke-free``: the verifier of free typing by number of keys."""

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from biometrics.error_rates import eer, fmr, fnmr
from keystroke.free_text import LAST_ENROLLED, Cell, Trials, across, split, trial_rows, within
from keystroke.gate import unfit
from keystroke.presses import Floats, Presses
from keystroke.verifiers.free_text import FreeTextVerifier
from keystroke.verifiers.profile import Profile
from proctor.commands.evaluate.rates import FMRS, Curve, fnmr_at_fmr, in_a_folder, write_det
from proctor.commands.evaluate.tables import TableError
from proctor.commands.evaluate.typing_files import read_people
from proctor.inference import keystroke_verifier

SEED: Final = 20260101
# others that a probe is compared with; everyone in a small file
OTHERS: Final = 60
REPEATS: Final = 200
# drawn again, fewer people are often the same two
LEAST_RESAMPLED: Final = 5


class Sitting(StrEnum):
    """Whether the probes are of the enrolled sitting or of later ones."""

    WITHIN = "within"
    ACROSS = "across"


def keystroke_free(
    data: Annotated[
        Path, typer.Option(help="Presses, CSV or Parquet.", exists=True, dir_okay=False)
    ],
    enrol_keys: Annotated[str, typer.Option(help="Numbers of keys.")] = "100,200,500,1000,2000",
    probe_keys: Annotated[str, typer.Option(help="Numbers of keys.")] = "50,100,200,500",
    protocol: Annotated[Sitting, typer.Option(help="One sitting, or later ones.")] = Sitting.WITHIN,
    alone: Annotated[bool, typer.Option(help="Without the network.")] = False,
    det: Annotated[
        Path | None, typer.Option(help="Write a DET plot, SVG.", callback=in_a_folder)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the verifier of free typing; one threshold for all people in each cell."""
    wanted = [
        (enrolled, probed)
        for enrolled in _numbers(enrol_keys, "--enrol-keys")
        for probed in _numbers(probe_keys, "--probe-keys")
    ]
    if protocol is Sitting.WITHIN and max(enrolled for enrolled, _ in wanted) > LAST_ENROLLED:
        told = f"within one sitting at most {LAST_ENROLLED} keys are enrolled"
        raise typer.BadParameter(told, param_hint="--enrol-keys")
    try:
        people = list(read_people(data).values())
    except TableError as error:
        raise typer.BadParameter(str(error), param_hint="--data") from error
    if len(people) < 2:
        raise typer.BadParameter("two people are needed, one is there", param_hint="--data")
    verifier = keystroke_verifier(with_network=not alone)
    comparison = _Comparison(verifier, people, protocol)
    cells: list[dict[str, Any]] = []
    curves: list[Curve] = []
    for enrolled, probed in wanted:
        found = comparison.cell(enrolled, probed)
        measured = _measured(found)
        measured["n_too_few_keys"] = len(people) - measured["n_people"]
        cells.append({"enrol_keys": enrolled, "probe_keys": probed, **measured})
        if found is not None:
            curves.append(Curve(f"{enrolled}/{probed}", found[0].mated, found[0].non_mated))
    if det is not None:
        write_det(det, curves)
    if as_json:
        report = {"model": verifier.model_id, "protocol": protocol.value, "cells": cells}
        typer.echo(json.dumps(report, indent=1))
        return
    Console().print(_table(cells, f"{verifier.model_id}, protocol {protocol.value}; rates in %"))


class _Comparison:
    """Profiles of the people of a file, made once for all cells that need them."""

    def __init__(
        self, verifier: FreeTextVerifier, people: Sequence[Sequence[Presses]], protocol: Sitting
    ) -> None:
        self._verifier = verifier
        self._people = dict(enumerate(people))
        self._within = protocol is Sitting.WITHIN
        self._profiles: dict[tuple[int, int], Profile] = {}
        self._probes: dict[tuple[int, int], list[tuple[Profile, bool]]] = {}

    def cell(self, enrol_keys: int, probe_keys: int) -> tuple[Trials, float] | None:
        """Trials, and the share of probes that the gate lets pass; None with under two people."""
        protocol = within if self._within else across
        profiles: dict[int, Profile] = {}
        probes: list[tuple[int, Profile]] = []
        fit: list[bool] = []
        for person, enrolled, probed in split(self._people, protocol, enrol_keys, probe_keys):
            profiles[person] = self._profile(person, enrol_keys, enrolled)
            for profile, is_fit in self._probed(person, probe_keys, probed):
                probes.append((person, profile))
                fit.append(is_fit)
        if len(profiles) < 2:
            return None
        rows, reference, probe = trial_rows(Cell(profiles, probes), self._llr, OTHERS, SEED)
        compared = ~np.isnan(rows[:, 0])
        trials = Trials(rows[compared, 0], reference[compared], probe[compared])
        return trials, float(np.mean(fit))

    def _llr(self, reference: Profile, probe: Profile) -> Floats:
        opinion = self._verifier.opinion(reference, probe)
        if opinion is None:
            return np.array([np.nan])
        weighing = self._verifier.weighing
        read = weighing.same_sitting_llr if self._within else weighing.llr
        return np.array([read(opinion)])

    def _profile(self, person: int, n_keys: int, enrolled: Sequence[Presses]) -> Profile:
        if (person, n_keys) not in self._profiles:
            sums = [self._verifier.sums(presses) for presses in enrolled]
            self._profiles[person, n_keys] = self._verifier.profile(sums)
        return self._profiles[person, n_keys]

    def _probed(
        self, person: int, n_keys: int, probed: Sequence[Presses]
    ) -> list[tuple[Profile, bool]]:
        if (person, n_keys) not in self._probes:
            sums = [self._verifier.sums(presses) for presses in probed]
            self._probes[person, n_keys] = [
                (self._verifier.profile([each]), unfit(each) is None) for each in sums
            ]
        return self._probes[person, n_keys]


def _measured(found: tuple[Trials, float] | None) -> dict[str, Any]:
    """Rates of a cell; nothing but its zero comparisons where nobody typed enough."""
    if found is None or not found[0].mated.size or not found[0].non_mated.size:
        counts = dict.fromkeys(("n_people", "n_mated", "n_non_mated"), 0)
        return {**counts, "eer": None, "fnmr_at_fmr": dict.fromkeys(FMRS), "ci": None}
    trials, fit = found
    mated, non_mated = trials.mated, trials.non_mated
    return {
        "eer": eer(mated, non_mated),
        "ci": _interval(trials),
        "fnmr_at_fmr": fnmr_at_fmr(mated, non_mated),
        "error_at_llr_0": (fnmr(mated, 0.0) + fmr(non_mated, 0.0)) / 2,
        "n_people": len(np.unique(trials.probe)),
        "n_mated": len(mated),
        "n_non_mated": len(non_mated),
        "passes_gate": fit,
    }


def _interval(trials: Trials) -> list[float] | None:
    """95 % interval of the equal error rate, people resampled; None of a handful of people."""
    if len(np.unique(trials.probe)) < LEAST_RESAMPLED:
        return None
    rng = np.random.default_rng(SEED)
    drawn = [trials.resampled(rng) for _ in range(REPEATS)]
    rates = [eer(t.mated, t.non_mated) for t in drawn if t.mated.size and t.non_mated.size]
    low, high = np.quantile(rates, [0.025, 0.975])
    return [float(low), float(high)]


def _numbers(text: str, option: str) -> list[int]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise typer.BadParameter("whole numbers above zero, with commas", param_hint=option)
    return [int(part) for part in parts]


def _table(cells: Sequence[dict[str, Any]], title: str) -> Table:
    columns = ("enrolled", "probe", "mated", "non-mated", "EER", "95 %", "at LLR 0")
    table = Table(*columns, "FNMR at FMR 1 %", "at 0.1 %", title=title)
    for cell in cells:
        counts = (str(cell[name]) for name in ("enrol_keys", "probe_keys", "n_mated"))
        rates = [""] * 5
        if cell["eer"] is not None:
            ci = cell["ci"]
            at = [cell["fnmr_at_fmr"][name] for name in ("1e-2", "1e-3")]
            rates = [
                f"{cell['eer']:.2%}",
                "" if ci is None else f"{ci[0]:.2%} to {ci[1]:.2%}",
                f"{cell['error_at_llr_0']:.2%}",
                *("" if rate is None else f"{rate:.1%}" for rate in at),
            ]
        table.add_row(*counts, str(cell["n_non_mated"]), *rates)
    return table
