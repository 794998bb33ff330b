import json
from pathlib import Path
from time import thread_time
from typing import Any

import pytest
from typer.testing import CliRunner

from proctor.__main__ import app
from proctor.commands import faces_bench

pytestmark = pytest.mark.unit

FILM = Path("proctor/commands/material/camera_honest.mp4")


def test_the_cascade_is_measured_beside_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    observe = faces_bench.face.observe

    def slow(*given: Any, **named: Any) -> Any:
        until = thread_time() + 0.2
        while thread_time() < until:
            pass
        return observe(*given, **named)

    monkeypatch.setattr(faces_bench, "_SECONDS", 6)
    # what the service makes of a look counts as well
    monkeypatch.setattr(faces_bench.face, "observe", slow)
    done = CliRunner().invoke(app, ["bench", "faces", "--video", str(FILM), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["frames"] == 6
    assert found["cascade_cpu_ms"] > 200
    assert found["ratio"] == pytest.approx(
        found["face_recognition_cpu_ms"] / found["cascade_cpu_ms"]
    )
    assert found["students_per_core"] == pytest.approx(1000 / found["cascade_cpu_ms"])
    assert 50 < found["rss_mb"] < 400


def test_a_file_that_is_no_film_ends_the_command(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"not a film")
    done = CliRunner().invoke(app, ["bench", "faces", "--video", str(tmp_path / "film.mp4")])
    assert done.exit_code == 1
    assert "undecodable" in done.stderr
