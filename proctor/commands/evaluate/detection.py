"""``proctor evaluate detection``: how often the detector finds the face of a portrait."""

from concurrent.futures import Future
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from proctor.commands.evaluate import pool
from proctor.commands.evaluate.figures import (
    STILLS,
    AsJson,
    Bounds,
    Rate,
    content,
    fail,
    of_two,
    show,
)
from proctor.inference import material
from proctor.inference.material import Change
from proctor.inference.pool import InferencePool
from proctor.observations import NotAssessed

_STEPS: dict[Change, tuple[float, ...]] = {
    "gamma": (0.4, 0.7, 1.5, 2.5, 4.0),
    "exposure": (0.1, 0.25, 0.5, 2.0, 4.0),
    "noise": (5.0, 10.0, 20.0, 40.0),
    "size": (120.0, 80.0, 48.0, 36.0, 28.0, 20.0),
    "occlusion": (0.1, 0.2, 0.3, 0.4, 0.5),
}

# heights of a face behind the student's, in pixels of a webcam's frame
_BEHIND: Final = (120.0, 80.0, 60.0, 48.0, 36.0, 28.0)
# of few stills each is put behind several others
_PAIRS: Final = 200

Case = tuple[Path, Change | None, float]


def detection(
    images: Annotated[Path, typer.Option(help="Stills with one face, in folders by group.")],
    sweep: Annotated[
        bool, typer.Option(help="Also with altered light, size and cover, and two together.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The share of stills in which a face is found, by group, and by step of each change.

    A still in which nothing is found before the change has no face to shrink or to cover: it
    is left out of these. The interval is that of ``detected``. ``two_faces``: how often a face is
    found behind another one, by its height in a webcam's frame.
    """
    stills = sorted(p for p in images.rglob("*") if p.suffix.lower() in STILLS and p.is_file())
    if not stills:
        raise fail(f"no stills in {images}")
    changes = [(change, step) for change, steps in _STEPS.items() for step in steps]
    asked: list[tuple[Change | None, float]] = [(None, 0.0), *(changes if sweep else [])]
    cases = [(path, change, step) for (change, step), path in product(asked, stills)]
    with pool.opened("opencv") as workers:

        def submit(case: Case) -> Future[Any]:
            path, change, step = case
            return workers.submit(material.find_altered, content(path), change, step)

        found = list(pool.in_order(cases, submit))
        behind = {step: _behind(workers, stills, step) for step in _BEHIND} if sweep else {}
    told = figures(images, list(zip(cases, found, strict=True)))
    pairs = {f"{step:g}": _rates(each) for step, each in behind.items()}
    show({**told, "two_faces": pairs}, as_json=as_json)


def figures(root: Path, results: list[tuple[Case, Any]]) -> dict[str, Any]:
    """Rates without a change by group, then by change, step and group.

    ``detected``: by the look of every second, which doubts lead to a closer one; ``detected_far``:
    by the one for people behind.
    """
    plain = _seen(results, None, 0.0)
    if not plain:
        return {"n": 0, "detected": None, "groups": {}, "sweep": {}}
    told = _told(root, plain)
    rates = sorted(
        (
            Rate(round(group["detected"] * group["n"]), group["n"])
            for group in told["groups"].values()
        ),
        key=lambda rate: rate.value or 0.0,
    )
    worst, best = rates[0], rates[-1]
    # one group is not apart from itself
    is_apart = len(rates) > 1
    return {
        **told,
        "intervals": told["intervals"] | ({"gap": of_two(worst, best, _gap)} if is_apart else {}),
        "gap": (best.value or 0.0) - (worst.value or 0.0) if is_apart else None,
        "sweep": {
            change: {f"{step:g}": _told(root, _seen(results, change, step)) for step in steps}
            for change, steps in _STEPS.items()
            if any(case[1] == change for case, _ in results)
        },
    }


def _behind(workers: InferencePool, stills: list[Path], height: float) -> list[tuple[bool, bool]]:
    """What the two looks find of a face behind another still's, stills without one left out."""
    apart = range(1, min(len(stills), 1 + -(-_PAIRS // len(stills))))
    pairs = ((one, stills[(k + by) % len(stills)]) for by in apart for k, one in enumerate(stills))

    def submit(pair: tuple[Path, Path]) -> Future[Any]:
        front, second = (content(path) for path in pair)
        return workers.submit(material.find_behind, front, second, height)

    found = pool.in_order(pairs, submit)
    return [each for each in found if not isinstance(each, NotAssessed)]


def _seen(
    results: list[tuple[Case, Any]], change: Change | None, step: float
) -> list[tuple[Path, tuple[bool, bool]]]:
    """Stills that could be altered and read, each with what the two looks found."""
    return [
        (path, found)
        for (path, each, at), found in results
        if (each, at) == (change, step) and not isinstance(found, NotAssessed)
    ]


def _told(root: Path, seen: list[tuple[Path, tuple[bool, bool]]]) -> dict[str, Any]:
    groups: dict[str, list[tuple[bool, bool]]] = {}
    for path, found in seen:
        folder = path.relative_to(root).parent.as_posix()
        groups.setdefault("" if folder == "." else folder, []).append(found)
    return {
        **_rates([found for _, found in seen]),
        "groups": {name: _rates(found) for name, found in sorted(groups.items())},
    }


def _rates(found: list[tuple[bool, bool]]) -> dict[str, Any]:
    near, far = (Rate(sum(each[k] for each in found), len(found)) for k in (0, 1))
    return {
        "detected": near.value,
        "detected_far": far.value,
        **near.as_dict(),
        "intervals": {"detected_far": far.as_dict()},
    }


def _gap(worst: Bounds, best: Bounds) -> Bounds:
    return max(0.0, best[0] - worst[1]), best[1] - worst[0]
