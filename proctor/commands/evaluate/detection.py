"""``proctor evaluate detection``: how often the detector finds the face of a portrait."""

from concurrent.futures import Future
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import typer

from proctor.commands.evaluate import pool
from proctor.commands.evaluate.figures import AsJson, Rate, fail, show
from proctor.inference import material
from proctor.inference.material import Change

_STEPS: dict[Change, tuple[float, ...]] = {
    "gamma": (0.4, 0.7, 1.5, 2.5, 4.0),
    "exposure": (0.1, 0.25, 0.5, 2.0, 4.0),
    "noise": (5.0, 10.0, 20.0, 40.0),
    "size": (120.0, 80.0, 48.0, 36.0, 28.0, 20.0),
    "occlusion": (0.1, 0.2, 0.3, 0.4, 0.5),
}
_STILLS = {".jpg", ".jpeg", ".png"}

Case = tuple[Path, Change | None, float]


def detection(
    images: Annotated[Path, typer.Option(help="Stills with one face, in folders by group.")],
    sweep: Annotated[bool, typer.Option(help="Also with altered light, size and cover.")] = False,
    as_json: AsJson = False,
) -> None:
    """The share of stills in which a face is found, by group, and by step of each change.

    A still in which nothing is found before the change has no face size to alter: it counts
    in the rate without a change, and is left out of the sizes and the covers.
    """
    stills = sorted(p for p in images.rglob("*") if p.suffix.lower() in _STILLS)
    if not stills:
        raise fail(f"no stills in {images}")
    changes = [(change, step) for change, steps in _STEPS.items() for step in steps]
    asked: list[tuple[Change | None, float]] = [(None, 0.0), *(changes if sweep else [])]
    cases = [(path, change, step) for (change, step), path in product(asked, stills)]
    with pool.opened("opencv") as workers:

        def submit(case: Case) -> Future[Any]:
            path, change, step = case
            return workers.submit(material.find_altered, path.read_bytes(), change, step)

        found = list(pool.in_order(cases, submit))
    show(figures(images, list(zip(cases, found, strict=True))), as_json=as_json)


def figures(root: Path, results: list[tuple[Case, Any]]) -> dict[str, Any]:
    """Rates without a change by group, then by change, step and group."""
    plain = [(path, found) for (path, change, _), found in results if change is None]
    groups = _by_group(root, plain)
    rates = [rate.value for rate in groups.values() if rate.value is not None]
    sweep = {
        change: {f"{step:g}": _told(_chosen(root, results, change, step)) for step in steps}
        for change, steps in _STEPS.items()
        if any(case[1] == change for case, _ in results)
    }
    everyone = Rate(sum(found is True for _, found in plain), len(plain))
    return {
        "n": len(plain),
        "detected": everyone.value,
        "gap": max(rates) - min(rates),
        "groups": {name: {"detected": r.value, **r.as_dict()} for name, r in groups.items()},
        "sweep": sweep,
        "intervals": {"detected": everyone.as_dict()},
    }


def _chosen(
    root: Path, results: list[tuple[Case, Any]], change: Change, step: float
) -> dict[str, Rate]:
    chosen = [
        (path, found)
        for (path, each, at), found in results
        if (each, at) == (change, step) and isinstance(found, bool)
    ]
    return _by_group(root, chosen)


def _told(groups: dict[str, Rate]) -> dict[str, Any]:
    errors = sum(rate.errors for rate in groups.values())
    everyone = Rate(errors, sum(rate.n for rate in groups.values()))
    return {
        "detected": everyone.value,
        **everyone.as_dict(),
        "groups": {name: {"detected": r.value, **r.as_dict()} for name, r in groups.items()},
    }


def _by_group(root: Path, found: list[tuple[Path, Any]]) -> dict[str, Rate]:
    """Finds among the stills of each subfolder; "" for those in the folder itself."""
    counts: dict[str, list[bool]] = {}
    for path, hit in found:
        folder = path.relative_to(root).parent.as_posix()
        counts.setdefault("" if folder == "." else folder, []).append(hit is True)
    return {name: Rate(sum(hits), len(hits)) for name, hits in sorted(counts.items())}
