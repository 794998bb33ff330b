import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from proctor.__main__ import app

pytestmark = pytest.mark.unit

FACES = Path("tests/data/faces")


def test_detection_is_counted_by_group_and_by_step(tmp_path: Path) -> None:
    for group, name in (("one", "family1-dad1"), ("two", "family2-man1")):
        (tmp_path / group).mkdir()
        shutil.copy(FACES / f"{name}.jpg", tmp_path / group)
    Image.new("RGB", (200, 200), (90, 90, 90)).save(tmp_path / "two" / "wall.png")
    (tmp_path / "folder.jpg").mkdir()
    done = CliRunner().invoke(
        app, ["evaluate", "detection", "--images", str(tmp_path), "--sweep", "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["n"], found["detected"]) == (3, pytest.approx(2 / 3))
    assert (found["groups"]["one"]["detected"], found["groups"]["two"]["detected"]) == (1.0, 0.5)
    assert found["gap"] == 0.5
    gap = found["intervals"]["gap"]
    assert (gap["n"], gap["low"]) == (1, 0.0)
    assert gap["high"] > 0.9
    far = found["intervals"]["detected_far"]
    assert far["low"] < found["detected_far"] < far["high"]
    assert found["groups"]["one"]["intervals"]["detected_far"]["n"] == 1
    sizes = found["sweep"]["size"]
    # the wall has no face to shrink
    assert sizes["120"]["n"] == 2
    assert (sizes["120"]["detected"], sizes["48"]["detected_far"]) == (1.0, 1.0)
    assert sizes["48"]["detected"] == 1.0
    assert sizes["20"]["detected_far"] < 1.0
    assert found["sweep"]["gamma"]["1.5"]["n"] == 3
    # each in front of the other; the wall is neither
    second = found["two_faces"]["60"]
    assert (second["n"], second["detected"], second["detected_far"]) == (2, 1.0, 1.0)


def test_a_folder_without_stills_ends_the_command(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["evaluate", "detection", "--images", str(tmp_path)])
    assert done.exit_code == 1
    assert "no stills" in done.stderr


def test_one_group_has_no_gap(tmp_path: Path) -> None:
    shutil.copy(FACES / "family1-dad1.jpg", tmp_path)
    done = CliRunner().invoke(app, ["evaluate", "detection", "--images", str(tmp_path), "--json"])
    found = json.loads(done.stdout)
    assert (found["detected"], found["gap"]) == (1.0, None)
    assert "gap" not in found["intervals"]
    shown = CliRunner().invoke(app, ["evaluate", "detection", "--images", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
