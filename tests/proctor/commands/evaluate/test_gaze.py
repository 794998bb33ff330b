from pathlib import Path

import pytest
from typer.testing import CliRunner

from biometrics.types import Gaze
from proctor.__main__ import app
from proctor.commands.evaluate.gaze import Look, Stretch, figures, read_list

pytestmark = pytest.mark.unit

FILM = Path("film.mp4")
STRETCHES = [
    Stretch(FILM, 0, 5, "ahead"),
    Stretch(FILM, 5, 10, "left"),
    Stretch(FILM, 10, 15, "ahead"),
]


def look(at_s: float, iris: float | None) -> Look:
    return at_s, Gaze(0.0, 0.0, iris)


def test_directions_are_beside_the_persons_own() -> None:
    looks = [look(1, 0.60), look(2, 0.61), look(3, 0.62), look(6, 0.50), look(8, 0.58)]
    found = figures(STRETCHES, {FILM: [*looks, look(12, 0.63), look(13, None), (14, None)]})
    assert found["told"]["left"]["told"] == 0.5
    assert found["told"]["ahead"]["told"] == 1.0
    assert found["told"]["right"]["n"] == 0
    assert found["taken_for"]["left"] == {"ahead": 1, "left": 1, "right": 0}
    assert found["not_assessed"] == pytest.approx(0.4)


def test_looks_on_the_way_to_a_direction_do_not_count() -> None:
    found = figures(STRETCHES, {FILM: [look(2, 0.6), look(5.4, 0.6), look(9.6, 0.6)]})
    assert found["told"]["left"]["n"] == 0


def test_a_film_without_a_stretch_ahead_says_nothing() -> None:
    found = figures(STRETCHES[1:2], {FILM: [look(6, 0.4), look(7, 0.4)]})
    assert found["told"]["left"]["n"] == 0


def test_a_list_names_known_directions_only(tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text("path,from_s,to_s,direction\na.mp4,0,5,Centre\na.mp4,5,9,left\n")
    assert [each.direction for each in read_list(table)] == ["ahead", "left"]
    table.write_text("path,from_s,to_s,direction\na.mp4,0,5,upwards\n")
    done = CliRunner().invoke(app, ["evaluate", "gaze", "--list", str(table)])
    assert done.exit_code == 1
    assert "ahead, left, right" in done.stderr
