import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from proctor.__main__ import app
from proctor.commands.evaluate.pad import Row, Signs, figures
from proctor.inference.material import film_images

pytestmark = pytest.mark.unit

FILM = Path("proctor/commands/material/camera_honest.mp4")
PERSON = Path("proctor/commands/material/still_impostor.jpg")
CLEAN, SCREEN = Signs(30, 0, 0.0, 0, False), Signs(30, 12, 0.2, 2, False)


def on_a_laptop(path: Path) -> None:
    """A frame of the film on a drawn screen that stands in a room."""
    frame = next(image for _, image in film_images(FILM, 5))
    screen = np.zeros((360, 480, 3), np.uint8)
    screen[:, 105:375] = cv2.resize(frame, (270, 360))
    screen = cv2.copyMakeBorder(screen, 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=(22, 22, 22))
    room = np.full((480, 640, 3), (150, 170, 180), np.uint8)
    room[40:424, 60:564] = screen
    cv2.imwrite(str(path), room)


def row(name: str, *, live: bool, species: str = "unnamed") -> Row:
    return Row(name, live, species)


def test_each_species_has_its_own_rate_and_the_worst_one_counts() -> None:
    found = figures(
        [
            (row("a", live=True), CLEAN),
            (row("b", live=True), SCREEN),
            (row("c", live=False, species="screen"), SCREEN),
            (row("d", live=False, species="print"), CLEAN),
            (row("e", live=False, species="print"), None),
        ]
    )
    assert {species: each["apcer"] for species, each in found["apcer"].items()} == {
        "print": 1.0,
        "screen": 0.0,
    }
    assert (found["bpcer"], found["apcer_all"], found["acer"]) == (0.5, 0.5, 0.75)
    assert found["not_assessed"] == 0.2
    # of the species that is missed most, one attack
    bounds = found["intervals"]["acer"]
    assert bounds["n"] == 1
    assert bounds["low"] < found["acer"] < bounds["high"]
    assert found["intervals"]["bpcer"]["n"] == 2


@pytest.mark.parametrize(
    ("signs", "is_attack"),
    [
        (Signs(30, 4, 0.1, 0, False), False),
        (Signs(30, 5, 0.1, 0, False), True),
        (Signs(5, 1, 0.1, 0, False), False),
        (Signs(1, 1, 0.1, 0, False), True),
        (Signs(30, 0, 0.0, 0, True), True),
    ],
)
def test_a_film_needs_several_looks_and_a_still_one(signs: Signs, is_attack: bool) -> None:
    assert signs.is_attack is is_attack


def test_the_command_tells_a_laptop_from_a_person(tmp_path: Path) -> None:
    shutil.copy(FILM, tmp_path / "live.mp4")
    (tmp_path / "shown").mkdir()
    on_a_laptop(tmp_path / "shown" / "live.png")
    shutil.copy(PERSON, tmp_path / "live.png")
    table = tmp_path / "list.csv"
    rows = ["live.mp4,live,", "live.png,live,", "shown/live.png,attack,laptop", "gone.jpg,live,"]
    table.write_text("\n".join(["path,label,species", *rows]))
    done = CliRunner().invoke(
        app, ["evaluate", "pad", "--list", str(table), "--frames", "8", "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["bpcer"], found["apcer"]["laptop"]["apcer"], found["acer"]) == (0.0, 0.0, 0.0)
    assert found["files"]["live.mp4"]["looks"] == 8
    # files of one name in two folders are two files, and one that is not there is not assessed
    assert found["files"]["shown/live.png"]["attack"] is True
    assert found["files"]["live.png"]["attack"] is False
    assert (found["files"]["gone.jpg"], found["not_assessed"]) == (None, 0.25)


def test_an_unknown_label_ends_the_command(tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text("path,label,species\na.mp4,maybe,\n")
    done = CliRunner().invoke(app, ["evaluate", "pad", "--list", str(table)])
    assert done.exit_code == 1
    assert "path,label,species" in done.stderr
