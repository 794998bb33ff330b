"""``proctor evaluate pad``: which shown screens and prints are noticed, and which people are."""

from collections import defaultdict
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from biometrics.face.sameness import repeats
from proctor.analysis.sightings import is_suspect
from proctor.commands.evaluate import pool
from proctor.commands.evaluate.figures import (
    STILLS,
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
from proctor.inference import FrameAssessment, Looks, material
from proctor.inference.pool import InferencePool
from proctor.observations import NotAssessed

_LIVE = {"live": True, "bona_fide": True, "real": True, "attack": False, "spoof": False}
# of a film's looks; one look in thirty is wrong by itself
_SUSPECT_SHARE, _SUSPECT_LOOKS = 0.15, 2


@dataclass(frozen=True, slots=True)
class Row:
    """``path``: as it is written in the list. ``species``: of the attack."""

    path: str
    live: bool
    species: str


@dataclass(frozen=True, slots=True)
class Signs:
    """What was found in one still or film. ``looks``: those with a face; none, no answer."""

    looks: int
    suspect: int
    screen: float
    edges: int
    loop: bool

    @property
    def is_attack(self) -> bool:
        needed = max(_SUSPECT_SHARE * self.looks, _SUSPECT_LOOKS if self.looks > 1 else 1)
        return self.loop or self.suspect >= needed


def pad(
    shown: Annotated[Path, typer.Option("--list", help="CSV with path,label,species.")],
    frames: Annotated[int, typer.Option(min=5, help="Looks at each film, evenly spread.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Look for presentation attacks in stills and films; label is live or attack.

    A file without a face is in no rate but ``not_assessed``. Nobody is refused by this in an exam.
    """
    try:
        rows = read_list(shown)
    except TableError as error:
        raise fail(str(error)) from error
    with pool.opened("opencv") as workers:
        answers = list(pool.counted(rows, lambda row: _look(workers, shown, row, frames)))
    show(
        figures([(row, signs(answer)) for row, answer in zip(rows, answers, strict=True)]),
        as_json=as_json,
    )


def read_list(path: Path) -> list[Row]:
    """Raises TableError."""
    return read(
        path,
        "path,label,species (label: live or attack)",
        lambda row: Row(
            filled(row, "path"),
            _LIVE[row["label"].strip().lower()],
            row["species"].strip() or "unnamed",
        ),
    )


def signs(answer: Any) -> Signs | None:
    """None when the file could not be read or shows no face."""
    if isinstance(answer, NotAssessed):
        return None
    seen = [answer] if isinstance(answer, FrameAssessment) else [each.seen for each in answer]
    found = [each.presentation for each in seen if each.presentation is not None]
    if not found:
        return None
    return Signs(
        looks=len(found),
        suspect=sum(map(is_suspect, found)),
        screen=max(each.screen for each in found),
        edges=max(each.edges for each in found),
        loop=repeats([each.fingerprint for each in seen]),
    )


def figures(found: list[tuple[Row, Signs | None]]) -> dict[str, Any]:
    """APCER of each species, BPCER, and the mean of BPCER and the highest APCER."""
    known = [(row, each) for row, each in found if each is not None]
    passed: dict[str, list[bool]] = defaultdict(list)
    for row, each in known:
        if not row.live:
            passed[row.species].append(not each.is_attack)
    accused = [each.is_attack for row, each in known if row.live]
    apcer = {species: Rate(sum(each), len(each)) for species, each in sorted(passed.items())}
    missed = [miss for each in passed.values() for miss in each]
    rates = {
        "bpcer": Rate(sum(accused), len(accused)),
        "apcer_all": Rate(sum(missed), len(missed)),
        "not_assessed": Rate(len(found) - len(known), len(found)),
    }
    worst = max(apcer.values(), key=lambda rate: rate.value or 0.0, default=Rate(0, 0))
    highest, bpcer = worst.value, rates["bpcer"].value
    return {
        "apcer": {species: {"apcer": r.value, **r.as_dict()} for species, r in apcer.items()},
        **{name: rate.value for name, rate in rates.items()},
        "acer": None if highest is None or bpcer is None else (highest + bpcer) / 2,
        "files": {row.path: _told(each) for row, each in found},
        "intervals": {
            **{name: rate.as_dict() for name, rate in rates.items()},
            "acer": of_two(worst, rates["bpcer"], middle),
        },
    }


def _told(each: Signs | None) -> dict[str, Any] | None:
    if each is None:
        return None
    return {
        "attack": each.is_attack,
        "suspect_looks": each.suspect,
        "looks": each.looks,
        "screen": round(each.screen, 3),
        "edges": each.edges,
        "loop": each.loop,
    }


def _look(workers: InferencePool, table: Path, row: Row, frames: int) -> Future[Any]:
    path = path_in(table, row.path)
    looks = Looks(presentation=True)
    if path.suffix.lower() in STILLS:
        return workers.submit(material.assess_still, content(path), looks)
    return workers.submit(material.assess_film, path, frames, looks)
