import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from biometrics.calibration import Calibration, OperatingPoint
from biometrics.comparison import FaceComparison
from biometrics.ids import ModelId
from biometrics.types import Template
from proctor.__main__ import app
from proctor.commands.evaluate.faces import figures, read_pairs
from proctor.commands.evaluate.tables import TableError

pytestmark = pytest.mark.unit

MODEL = ModelId("test", "1")
COMPARISON = FaceComparison(
    MODEL,
    "cosine",
    Calibration(37.19, -13.15),
    {"verification": OperatingPoint("verification", 1e-4, 0.5)},
)
FACES = Path("tests/data/faces").absolute()


def face(degrees: float) -> Template:
    vector = np.zeros(128, np.float32)
    vector[:2] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return Template(MODEL, vector)


def table(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "pairs.csv"
    path.write_text("\n".join(["a,b,mated,group", *rows]))
    return path


def test_rates_count_errors_of_each_kind_and_of_each_group(tmp_path: Path) -> None:
    pairs = read_pairs(
        table(tmp_path, "a,b,1,", "a,c,1,", "a,d,0,one", "a,e,0,one", "d,e,0,two", "a,f,1,")
    )
    # a-b 10 degrees apart and accepted, a-c 70 and rejected, a-d 20 and accepted, a-e 90
    angles = {"a": 0.0, "b": 10.0, "c": 70.0, "d": 20.0, "e": 90.0}
    found = figures(
        pairs, [face(angles[p]) if p in angles else None for p in pairs.paths], COMPARISON
    )
    assert (found["n_mated"], found["n_non_mated"]) == (2, 3)
    assert found["failure_to_acquire"] == pytest.approx(1 / 6)
    assert found["threshold"] == 0.5
    assert (found["fmr"], found["fnmr"]) == (pytest.approx(1 / 3), 0.5)
    assert found["groups"]["one"] | {"low": 0, "high": 0} == {
        "n": 2,
        "fmr": 0.5,
        "low": 0,
        "high": 0,
    }
    assert found["groups"]["two"]["fmr"] == 0.0
    assert found["groups"]["two"]["high"] == pytest.approx(0.95)
    assert found["intervals"]["fmr"]["n"] == 3


def test_a_target_that_the_pairs_cannot_show_is_not_measured(tmp_path: Path) -> None:
    rows = [f"a,x{i},0," for i in range(100)]
    pairs = read_pairs(table(tmp_path, "a,b,1,", *rows))
    found = figures(pairs, [face(0.0), face(5.0), *[face(90.0)] * 100], COMPARISON)
    assert found["fnmr_at_fmr"] == {"1e-2": 0.0, "1e-3": None, "1e-4": None}
    assert found["eer"] == 0.0
    # one mated pair bounds little, whatever the strangers are
    shown = found["intervals"]["fnmr_at_fmr.1e-2"]
    assert (shown["n"], shown["low"], shown["high"]) == (1, 0.0, pytest.approx(0.95))
    assert "fnmr_at_fmr.1e-3" not in found["intervals"]
    equal = found["intervals"]["eer"]
    assert (equal["n"], equal["low"]) == (1, 0.0)
    assert equal["high"] == pytest.approx((0.975 + 1 - 0.025 ** (1 / 100)) / 2)


def test_a_table_without_a_column_or_with_a_wrong_cell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="line 2"):
        read_pairs(table(tmp_path, "a,b,maybe,"))
    (tmp_path / "other.csv").write_text("a,b\nx,y\n")
    with pytest.raises(TableError, match="columns"):
        read_pairs(tmp_path / "other.csv")


@pytest.mark.parametrize("backend", ["opencv", "dlib", "dlib-compat"])
def test_the_command_tells_people_apart(tmp_path: Path, backend: str) -> None:
    rows = (
        f"{FACES}/family1-dad1.jpg,{FACES}/family1-dad2.jpg,1,men",
        f"{FACES}/family1-dad1.jpg,{FACES}/family2-man1.jpg,0,men",
        f"{FACES}/family1-dad1.jpg,gone.jpg,0,men",
    )
    command = ["evaluate", "faces", "--pairs", str(table(tmp_path, *rows)), "--json"]
    done = CliRunner().invoke(app, [*command, "--backend", backend])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["n_mated"], found["n_non_mated"]) == (1, 1)
    assert (found["fmr"], found["fnmr"], found["failure_to_acquire"]) == (0.0, 0.0, 0.25)


def test_crops_of_another_size_are_not_acquired(tmp_path: Path) -> None:
    with Image.open(FACES / "family1-dad1.jpg") as still:
        still.resize((112, 112)).save(tmp_path / "crop.png")
    pairs = table(tmp_path, "crop.png,crop.png,1,", f"crop.png,{FACES}/family1-dad1.jpg,1,")
    done = CliRunner().invoke(
        app, ["evaluate", "faces", "--crops", "--json", "--pairs", str(pairs)]
    )
    found = json.loads(done.stdout)
    assert (found["n_mated"], found["fnmr"], found["failure_to_acquire"]) == (1, 0.0, 0.5)
