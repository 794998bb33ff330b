"""``proctor evaluate faces``: pairs of stills, mated or not, against the operating point."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from biometrics.comparison import FaceComparison, paired_scores
from biometrics.error_rates import Scores, det, eer, threshold_at_fmr
from biometrics.types import Template
from proctor.commands.evaluate import pool
from proctor.commands.evaluate.figures import (
    AsJson,
    Rate,
    content,
    fail,
    middle,
    of_two,
    path_in,
    show,
)
from proctor.commands.evaluate.tables import TableError, filled, read
from proctor.inference import Backend, FrameAssessment, material
from proctor.inference.pool import InferencePool
from proctor.observations import NotAssessed

_FMR_TARGETS = {"1e-2": 1e-2, "1e-3": 1e-3, "1e-4": 1e-4}
_MATED = {
    **dict.fromkeys(("1", "true", "yes", "mated"), True),
    **dict.fromkeys(("0", "false", "no", "non_mated"), False),
}
_CHUNK = 100_000


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of stills, shape (n,): ``first`` and ``second`` count in ``paths``.

    ``group`` counts in ``groups``, -1 for a pair of none.
    """

    paths: tuple[str, ...]
    groups: tuple[str, ...]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    mated: NDArray[np.bool_]
    group: NDArray[np.int64]


def faces(
    pairs: Annotated[Path, typer.Option(help="CSV with a,b,mated,group; paths relative to it.")],
    crops: Annotated[bool, typer.Option(help="The stills are aligned 112x112 crops.")] = False,
    backend: Annotated[Backend, typer.Option(help="opencv or dlib.")] = "opencv",
    as_json: AsJson = False,
) -> None:
    """Compare pairs of stills: FMR, FNMR, EER, and the FMR within each group."""
    try:
        read = read_pairs(pairs)
    except TableError as error:
        raise fail(str(error)) from error
    with pool.opened(backend) as workers:
        templates = list(_templates(workers, pairs, read.paths, crops))
        comparison = workers.comparison
    show(figures(read, templates, comparison), as_json=as_json)


def read_pairs(path: Path) -> Pairs:
    """Raises TableError, also for a ``mated`` that is neither 1 nor 0."""
    rows: dict[str, int] = {}
    groups: dict[str, int] = {}

    def numbers(line: Mapping[str, str]) -> tuple[int, int, bool, int]:
        a, b, mated = filled(line, "a"), filled(line, "b"), line["mated"].strip().lower()
        name = line.get("group", "").strip()
        group = groups.setdefault(name, len(groups)) if name else -1
        return rows.setdefault(a, len(rows)), rows.setdefault(b, len(rows)), _MATED[mated], group

    table = np.array(read(path, "a,b,mated,group (mated: 1 or 0)", numbers), dtype=np.int64)
    first, second, mated_row, group_row = table.T
    return Pairs(tuple(rows), tuple(groups), first, second, mated_row.astype(bool), group_row)


def figures(
    pairs: Pairs, templates: list[Template | None], comparison: FaceComparison
) -> dict[str, Any]:
    """The figures of the issue's names; pairs without both templates are left out of the rates."""
    acquired = np.array([template is not None for template in templates])
    usable = acquired[pairs.first] & acquired[pairs.second]
    vectors = np.array([_vector(template) for template in templates])
    first, second = pairs.first[usable], pairs.second[usable]
    scores = np.concatenate(
        [
            paired_scores(comparison.measure, vectors[first[i:j]], vectors[second[i:j]])
            for i, j in _chunks(first.size)
        ]
        or [np.empty(0)]
    )
    mated, group = pairs.mated[usable], pairs.group[usable]
    threshold = comparison.operating_points["verification"].threshold
    accepted = scores >= threshold
    rates = {
        "failure_to_acquire": Rate(int((~acquired).sum()), acquired.size),
        "fmr": Rate(int((accepted & ~mated).sum()), int((~mated).sum())),
        "fnmr": Rate(int((~accepted & mated).sum()), int(mated.sum())),
    }
    within = {
        name: Rate(int((accepted & ~mated & there).sum()), int((~mated & there).sum()))
        for number, name in enumerate(pairs.groups)
        for there in [group == number]
    }
    both = bool(mated.any() and not mated.all())
    genuine, strangers = scores[mated], scores[~mated]
    at_fmr = {
        name: _fnmr_at(genuine, strangers, target) if both else None
        for name, target in _FMR_TARGETS.items()
    }
    return {
        "n_mated": rates["fnmr"].n,
        "n_non_mated": rates["fmr"].n,
        "failure_to_acquire": rates["failure_to_acquire"].value,
        "threshold": threshold,
        "fmr": rates["fmr"].value,
        "fnmr": rates["fnmr"].value,
        "eer": eer(genuine, strangers) if both else None,
        "fnmr_at_fmr": {name: rate.value if rate else None for name, rate in at_fmr.items()},
        "groups": {
            name: {"n": rate.n, "fmr": rate.value, **rate.as_dict()}
            for name, rate in sorted(within.items())
        },
        "intervals": {
            **{name: rate.as_dict() for name, rate in rates.items()},
            **({"eer": _eer_interval(genuine, strangers)} if both else {}),
            **{f"fnmr_at_fmr.{name}": rate.as_dict() for name, rate in at_fmr.items() if rate},
        },
    }


def _eer_interval(mated: Scores, non_mated: Scores) -> dict[str, float | int | None]:
    """Where both errors lie at the threshold at which they are nearest."""
    curve = det(mated, non_mated)
    at = int(np.argmin(np.abs(curve.fmr - curve.fnmr)))
    missed = Rate(round(float(curve.fnmr[at]) * mated.size), mated.size)
    passed = Rate(round(float(curve.fmr[at]) * non_mated.size), non_mated.size)
    return of_two(missed, passed, middle)


def _fnmr_at(mated: Scores, non_mated: Scores, target: float) -> Rate | None:
    """Absent when there are too few non-mated pairs to show the target at all."""
    if non_mated.size * target < 1.0:
        return None
    threshold = threshold_at_fmr(non_mated, target)
    return Rate(int((mated < threshold).sum()), mated.size)


def _vector(template: Template | None) -> NDArray[np.float64]:
    return np.zeros(128) if template is None else template.vector.astype(np.float64)


def _chunks(size: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, size, _CHUNK):
        yield begin, min(size, begin + _CHUNK)


def _templates(
    workers: InferencePool, table: Path, paths: tuple[str, ...], crops: bool
) -> Iterator[Template | None]:
    """The template of each still's largest face; None when it could not be acquired."""

    def submit(path: str) -> Future[Any]:
        data = content(path_in(table, path))
        if crops:
            return workers.submit(material.encode_crop, data)
        return workers.submit_image(data, embed=True)

    for seen in pool.in_order(paths, submit):
        if isinstance(seen, FrameAssessment):
            yield seen.faces[0].template if seen.faces else None
        else:
            yield None if isinstance(seen, NotAssessed) else seen
