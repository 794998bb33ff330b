"""``proctor evaluate gaze``: is it told from films where somebody looked, and when?"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final

import typer

from biometrics.types import Gaze
from proctor.analysis.scene import direction
from proctor.commands.evaluate import pool
from proctor.commands.evaluate.figures import AsJson, Rate, fail, path_in, show
from proctor.commands.evaluate.tables import TableError, filled, read
from proctor.inference import Looks, material
from proctor.observations import NotAssessed

DIRECTIONS: Final = ("ahead", "left", "right")
_DIRECTIONS: Final = {each: each for each in DIRECTIONS} | {"centre": "ahead", "center": "ahead"}
# eyes take so long to arrive where somebody was told to look, and start early
_ON_THE_WAY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Stretch:
    """``direction``: ``left`` and ``right`` of the picture, which a mirrored camera turns round."""

    path: Path
    from_s: float
    to_s: float
    direction: str

    def holds(self, at_s: float) -> bool:
        return self.from_s + _ON_THE_WAY_S <= at_s <= self.to_s - _ON_THE_WAY_S


#: second of the film, and what was seen; None without a face or with closed eyes
Look = tuple[float, Gaze | None]


def gaze(
    stretches: Annotated[Path, typer.Option("--list", help="CSV with path,from_s,to_s,direction.")],
    frames: Annotated[int, typer.Option(min=10, help="Looks at each film, evenly spread.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Tell looks ahead, left and right apart in films whose direction is known by the second.

    As in an exam, directions are beside the person's own: here the median of the film's first
    stretch ahead, which is then in no rate.
    """
    try:
        listed = read_list(stretches)
    except TableError as error:
        raise fail(str(error)) from error
    films = list(dict.fromkeys(each.path for each in listed))
    with pool.opened("opencv") as workers:
        answers = list(
            pool.in_order(
                films,
                lambda path: workers.submit(material.assess_film, path, frames, Looks(gaze=True)),
            )
        )
    looks = {
        path: [] if isinstance(seen, NotAssessed) else [(f.at_s, f.seen.gaze) for f in seen]
        for path, seen in zip(films, answers, strict=True)
    }
    show(figures(listed, looks), as_json=as_json)


def read_list(path: Path) -> list[Stretch]:
    """Raises TableError."""

    def stretch(row: Mapping[str, str]) -> Stretch:
        return Stretch(
            path_in(path, filled(row, "path")),
            float(row["from_s"]),
            float(row["to_s"]),
            _DIRECTIONS[row["direction"].strip().lower()],
        )

    return read(path, "path,from_s,to_s,direction (ahead, left, right)", stretch)


def figures(listed: list[Stretch], looks: dict[Path, list[Look]]) -> dict[str, Any]:
    """The share of looks told rightly, by direction, and what each was taken for."""
    told: dict[str, list[str]] = defaultdict(list)
    unseen = n = 0
    for path, seen in looks.items():
        ahead, *others = sorted(
            (each for each in listed if each.path == path),
            key=lambda each: (each.direction != "ahead", each.from_s),
        )
        own = [g for s, g in seen if ahead.holds(s) and g is not None and g.iris is not None]
        if ahead.direction != "ahead" or not own:
            continue
        iris = median(g.iris for g in own if g.iris is not None)
        yaw_deg = median(g.yaw_deg for g in own)
        for each in others:
            for _, found in (look for look in seen if each.holds(look[0])):
                n += 1
                if found is None or found.iris is None:
                    unseen += 1
                else:
                    told[each.direction].append(direction(found, iris, yaw_deg))
    rates = {d: Rate(sum(t == d for t in told[d]), len(told[d])) for d in DIRECTIONS}
    return {
        "told": {d: {"told": rate.value, **rate.as_dict()} for d, rate in rates.items()},
        "not_assessed": Rate(unseen, n).value,
        "taken_for": {d: {t: told[d].count(t) for t in DIRECTIONS} for d in DIRECTIONS},
        "intervals": {"not_assessed": Rate(unseen, n).as_dict()},
    }
