import json
import shutil
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from biometrics.types import Template
from proctor.__main__ import app
from proctor.commands.evaluate import pool
from proctor.commands.evaluate.videos import figures
from proctor.inference import face_comparison

pytestmark = pytest.mark.unit

COMPARISON = face_comparison("opencv")
FILM = Path("proctor/commands/material/camera_honest.mp4")
IMPOSTOR = Path("proctor/commands/material/still_impostor.jpg")


def looks(axis: int, n: int) -> tuple[Template | None, ...]:
    """Looks at one person; the frames of one are alike, those of two are at right angles."""
    vector = np.zeros(128, np.float32)
    vector[axis] = 1.0
    return (Template(COMPARISON.model_id, vector),) * n


def test_the_first_three_samples_are_the_reference_and_the_others_probes() -> None:
    found = figures([("one", (*looks(0, 8), None)), ("two", looks(1, 5))], COMPARISON)
    assert found["intervals"]["fnmr"]["n"] == 5 + 2
    assert found["intervals"]["fmr"]["n"] == 2 + 5
    assert (found["fmr"], found["fnmr"]) == (0.0, 0.0)
    assert found["not_assessed"] == pytest.approx(1 / 14)
    assert found["identities"] == 2


def test_a_swap_is_caught_at_the_second_probe_and_never_at_the_first() -> None:
    found = figures([("one", looks(0, 9)), ("two", looks(1, 9))], COMPARISON)
    swaps = found["swaps"]
    assert [swaps[f"within_{k}"] for k in (1, 2, 3)] == [0.0, 1.0, 1.0]
    assert (swaps["false_alarms"], swaps["genuine_frames"]) == (0, 12)
    assert swaps["genuine_probes"] == 12 * 21
    assert found["intervals"]["swaps.false_alarms"]["n"] == 12


def test_one_alarm_in_all_orders_counts_as_one_among_the_frames() -> None:
    # the second half of the film is somebody else, listed as the same person
    found = figures([("one", (*looks(0, 6), *looks(1, 6)))], COMPARISON)
    alarms = found["swaps"]["false_alarms"]
    assert found["intervals"]["swaps.false_alarms"]["n"] == 9
    assert 9 < alarms < 9 * 21
    rate = -(-alarms // 21) / 9
    bounds = found["intervals"]["swaps.false_alarms"]
    assert bounds["low"] < rate < bounds["high"]


def test_an_identity_that_was_never_acquired_has_no_reference() -> None:
    found = figures([("one", looks(0, 5)), ("two", (None, None))], COMPARISON)
    assert (found["identities"], found["fmr"]) == (1, None)
    assert found["not_assessed"] == pytest.approx(2 / 7)


def test_the_command_measures_films_and_stills(tmp_path: Path) -> None:
    shutil.copy(FILM, tmp_path / "film.mp4")
    shutil.copy(IMPOSTOR, tmp_path / "still.jpg")
    films = tmp_path / "films.csv"
    films.write_text("path,identity\nfilm.mp4,one\nstill.jpg,two\ngone.jpg,three\n")
    done = CliRunner().invoke(
        app, ["evaluate", "videos", "--list", str(films), "--frames", "12", "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["fmr"], found["fnmr"], found["not_assessed"]) == (0.0, 0.0, 1 / 14)
    assert found["intervals"]["fmr"]["n"] == found["intervals"]["fnmr"]["n"] == 9


def test_a_list_without_its_columns_ends_the_command(tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_text("film\nx.mp4\n")
    done = CliRunner().invoke(app, ["evaluate", "videos", "--list", str(tmp_path / "films.csv")])
    assert done.exit_code == 1
    assert "path,identity" in done.stderr


def test_every_tenth_of_a_long_list_is_told_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def made(number: int) -> Future[int]:
        answer: Future[int] = Future()
        answer.set_result(number)
        return answer

    assert list(pool.counted(range(25), made)) == list(range(25))
    told = capsys.readouterr()
    assert told.err.split("\n")[:2] == ["3 of 25", "5 of 25"]
    assert (told.err.count("\n"), told.out) == (10, "")
    assert list(pool.counted(range(9), made)) == list(range(9))
    assert capsys.readouterr().err == ""
