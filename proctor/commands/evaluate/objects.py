"""``proctor evaluate objects``: where a telephone is seen, and where one is seen that is not."""

from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from proctor.analysis.sightings import Sightings, is_phone, phone_score
from proctor.commands.evaluate import pool
from proctor.commands.evaluate.figures import STILLS, AsJson, Rate, content, fail, path_in, show
from proctor.commands.evaluate.tables import TableError, filled, read
from proctor.inference import Looks, material
from proctor.inference.pool import InferencePool
from proctor.observations import NotAssessed

_TRUE = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the looks at one still or film came to; a still is one look and makes no sighting."""

    phone: bool
    is_film: bool
    sighting: bool
    hits: int
    looks: int
    highest: float


def objects(
    shown: Annotated[Path, typer.Option("--list", help="CSV with path,phone (1 or 0).")],
    frames: Annotated[int, typer.Option(min=5, help="Looks at each film, evenly spread.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Look for telephones in stills and films.

    In films as in an exam, two hits among five looks in a row are an event.
    """
    try:
        listed = read_list(shown)
    except TableError as error:
        raise fail(str(error)) from error
    paths = [path_in(shown, name) for name, _ in listed]
    with pool.opened("opencv") as workers:
        answers = list(pool.counted(paths, lambda path: _look(workers, path, frames)))
    seen = [
        (name, None if isinstance(answer, NotAssessed) else _seen(path, phone, answer))
        for (name, phone), path, answer in zip(listed, paths, answers, strict=True)
    ]
    show(figures(seen), as_json=as_json)


def read_list(path: Path) -> list[tuple[str, bool]]:
    """Paths as they are written, and whether a telephone is shown. Raises TableError."""
    return read(
        path,
        "path,phone (1 or 0)",
        lambda row: (filled(row, "path"), _TRUE[row["phone"].strip().lower()]),
    )


def figures(seen: list[tuple[str, Seen | None]]) -> dict[str, Any]:
    """Rates of events by film and of hits by look, with and without a telephone."""
    known = [each for _, each in seen if each is not None]
    films = [each for each in known if each.is_film]
    rates = {
        "event_recall": _share([each.sighting for each in films if each.phone]),
        "event_false_alarms": _share([each.sighting for each in films if not each.phone]),
        "look_recall": _hits([each for each in known if each.phone]),
        "look_false_alarms": _hits([each for each in known if not each.phone]),
        "not_assessed": Rate(len(seen) - len(known), len(seen)),
    }
    return {
        **{name: rate.value for name, rate in rates.items()},
        "files": {
            name: {
                "event": each.sighting if each.is_film else None,
                "hits": each.hits,
                "looks": each.looks,
                "highest": round(each.highest, 3),
            }
            if each
            else None
            for name, each in seen
        },
        "intervals": {name: rate.as_dict() for name, rate in rates.items()},
    }


def _look(workers: InferencePool, path: Path, frames: int) -> Future[Any]:
    if path.suffix.lower() in STILLS:
        return workers.submit(material.assess_still, content(path), Looks(things=True))
    return workers.submit(material.assess_film, path, frames, Looks(things=True))


def _seen(path: Path, phone: bool, answer: Any) -> Seen:
    is_film = path.suffix.lower() not in STILLS
    looks = [frame.seen.things for frame in answer] if is_film else [answer.things]
    sightings = Sightings()
    together = [sightings.take(found=is_phone(things)) for things in looks]
    scores = [phone_score(things) for things in looks]
    return Seen(
        phone=phone,
        is_film=is_film,
        sighting=is_film and any(together),
        hits=sum(map(is_phone, looks)),
        looks=len(looks),
        highest=max(scores),
    )


def _share(held: list[bool]) -> Rate:
    return Rate(sum(held), len(held))


def _hits(seen: list[Seen]) -> Rate:
    return Rate(sum(each.hits for each in seen), sum(each.looks for each in seen))
