"""``proctor evaluate videos``: frames of every film against a reference of every identity."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from biometrics.calibration import SequentialTest
from biometrics.comparison import FaceComparison
from biometrics.types import Template, mean_template
from proctor.commands.evaluate import pool
from proctor.commands.evaluate.figures import STILLS, AsJson, Rate, content, fail, path_in, show
from proctor.commands.evaluate.tables import TableError, filled, read
from proctor.inference import Backend, FrameAssessment, Looks, material
from proctor.inference.pool import InferencePool
from proctor.observations import NotAssessed

# as many samples as an enrolment takes
_REFERENCE_SAMPLES = 3
# the mated probes of a film meet the sequential test in the film's order and in this many
# seeded others, since one film is too short to show a rare run of low scores
_ORDERS = 20
_DECIDED_WITHIN = (1, 2, 3)


@dataclass(frozen=True, eq=False)
class Person:
    """``reference``: mean of the first samples; ``probes``: every later template, by film."""

    reference: Template
    probes: tuple[tuple[Template, ...], ...]


def videos(
    films: Annotated[Path, typer.Option("--list", help="CSV with path,identity.")],
    frames: Annotated[int, typer.Option(min=4, help="Frames taken of each film.")] = 60,
    backend: Annotated[Backend, typer.Option(help="opencv or dlib.")] = "opencv",
    as_json: AsJson = False,
) -> None:
    """Compare the frames of films with everybody's reference, and play swaps of people.

    The reference of an identity is the mean of its first three samples, or its first still;
    all other frames are probes.
    """
    try:
        listed = read_list(films)
    except TableError as error:
        raise fail(str(error)) from error
    with pool.opened(backend) as workers:
        paths = [path for path, _ in listed]
        samples = list(pool.counted(paths, lambda path: _submit(workers, path, frames)))
        comparison = workers.comparison
    sampled = [
        (identity, _templates(seen)) for (_, identity), seen in zip(listed, samples, strict=True)
    ]
    show(figures(sampled, comparison), as_json=as_json)


def read_list(path: Path) -> list[tuple[Path, str]]:
    """Raises TableError."""
    return read(
        path,
        "path,identity",
        lambda row: (path_in(path, filled(row, "path")), filled(row, "identity")),
    )


def figures(
    sampled: list[tuple[str, tuple[Template | None, ...]]], comparison: FaceComparison
) -> dict[str, Any]:
    """Rates of single comparisons and of the sequential test, over all identities."""
    point = comparison.operating_points["verification"]
    people = _people(sampled)
    looks = [template for _, templates in sampled for template in templates]
    missed = Rate(sum(template is None for template in looks), len(looks))
    mated = [
        comparison.accepts(comparison.compare(person.reference, probe), "verification")
        for person in people.values()
        for film in person.probes
        for probe in film
    ]
    non_mated = [
        comparison.accepts(comparison.compare(person.reference, probe), "verification")
        for person, film in _swaps(people)
        for probe in film
    ]
    rates = {
        "fmr": Rate(sum(non_mated), len(non_mated)),
        "fnmr": Rate(len(mated) - sum(mated), len(mated)),
        "not_assessed": missed,
    }
    caught = [
        _caught_at(comparison, person, film)
        for person, film in _swaps(people)
        if len(film) >= max(_DECIDED_WITHIN)
    ]
    within = {
        f"within_{k}": Rate(sum(at <= k for at in caught), len(caught)) for k in _DECIDED_WITHIN
    }
    alarms, probes = _genuine(comparison, people)
    return {
        "fmr": rates["fmr"].value,
        "fnmr": rates["fnmr"].value,
        "threshold": point.threshold,
        "not_assessed": rates["not_assessed"].value,
        "swaps": {
            **{name: rate.value for name, rate in within.items()},
            "false_alarms": alarms,
            "genuine_probes": probes,
            "genuine_frames": len(mated),
        },
        "identities": len(people),
        "intervals": {
            **{name: rate.as_dict() for name, rate in rates.items()},
            **{f"swaps.{name}": rate.as_dict() for name, rate in within.items()},
            # the orders show the same frames again and again: no more than these were seen
            "swaps.false_alarms": Rate(-(-alarms // (1 + _ORDERS)), len(mated)).as_dict(),
        },
    }


def _people(sampled: list[tuple[str, tuple[Template | None, ...]]]) -> dict[str, Person]:
    """Identities with a reference; one whose every sample failed has none."""
    films: dict[str, list[tuple[Template, ...]]] = defaultdict(list)
    for identity, templates in sampled:
        usable = tuple(template for template in templates if template is not None)
        if usable:
            films[identity].append(usable)
    return {
        identity: Person(
            mean_template(first[:_REFERENCE_SAMPLES]),
            tuple(film for film in (first[_REFERENCE_SAMPLES:], *others) if film),
        )
        for identity, (first, *others) in films.items()
    }


def _swaps(people: Mapping[str, Person]) -> Iterator[tuple[Person, tuple[Template, ...]]]:
    """Every reference beside each film of everybody else."""
    for name, person in people.items():
        for other, stranger in people.items():
            if other != name:
                yield from ((person, film) for film in stranger.probes)


def _caught_at(comparison: FaceComparison, person: Person, film: tuple[Template, ...]) -> float:
    """The probe at which the test alarms, from 1; infinite when it never does."""
    test = SequentialTest()
    for number, probe in enumerate(film, start=1):
        test = test.after(comparison.compare(person.reference, probe).llr)
        if test.is_alarmed:
            return number
    return float("inf")


def _genuine(comparison: FaceComparison, people: Mapping[str, Person]) -> tuple[int, int]:
    """Alarms among mated probes, and how many probes that were, over all orders."""
    alarms = probes = 0
    random = np.random.default_rng(0)
    for person in people.values():
        for film in person.probes:
            llrs = [comparison.compare(person.reference, probe).llr for probe in film]
            test = SequentialTest()
            for order in range(1 + _ORDERS):
                for llr in random.permutation(llrs) if order else llrs:
                    test = test.after(float(llr))
                    probes += 1
                    if test.is_alarmed:
                        alarms, test = alarms + 1, replace(test, evidence=0.0)
    return alarms, probes


def _submit(workers: InferencePool, path: Path, frames: int) -> Future[Any]:
    if path.suffix.lower() in STILLS:
        return workers.submit_image(content(path), embed=True)
    return workers.submit(material.assess_film, path, frames, Looks(embed=True))


def _templates(seen: Any) -> tuple[Template | None, ...]:
    """The largest face of each frame; a file that could not be read is one failed look."""
    if isinstance(seen, NotAssessed):
        return (None,)
    shown = [seen] if isinstance(seen, FrameAssessment) else [frame.seen for frame in seen]
    return tuple(each.faces[0].template if each.faces else None for each in shown)
