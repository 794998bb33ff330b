import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from proctor.__main__ import app
from proctor.inference.material import film_images
from tests.support.telephone import with_telephone

pytestmark = pytest.mark.unit

FILM = Path("proctor/commands/material/camera_honest.mp4")


def write_film(path: Path, shown: frozenset[int]) -> None:
    """Twelve frames of the film, those of *shown* with a telephone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = 480, 640, "yuv420p"
        for number, (_, image) in enumerate(film_images(FILM, 12)):
            seen = with_telephone(image, 20, 420, 160) if number in shown else image
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(seen), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_events_of_films_and_hits_of_looks_are_told_apart(tmp_path: Path) -> None:
    write_film(tmp_path / "held.mp4", frozenset(range(4, 9)))
    write_film(tmp_path / "once.mp4", frozenset({6}))
    write_film(tmp_path / "none.mp4", frozenset())
    (tmp_path / "other").mkdir()
    for name in ("wall.png", "other/wall.png"):
        Image.new("RGB", (320, 240), (90, 90, 90)).save(tmp_path / name)
    (tmp_path / "torn.mp4").write_bytes(b"no film")
    table = tmp_path / "list.csv"
    films = ["held.mp4,1", "once.mp4,no", "none.mp4,0", "torn.mp4,0"]
    stills = ["wall.png,0", "other/wall.png,0", "gone.png,0"]
    table.write_text("\n".join(["path,phone", *films, *stills]))
    done = CliRunner().invoke(
        app, ["evaluate", "objects", "--list", str(table), "--frames", "12", "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["event_recall"], found["event_false_alarms"]) == (1.0, 0.0)
    assert found["look_recall"] == pytest.approx(5 / 12)
    assert found["look_false_alarms"] == pytest.approx(1 / 26)
    assert found["not_assessed"] == pytest.approx(2 / 7)
    assert [found["files"][f"{name}.mp4"]["event"] for name in ("held", "once", "none")] == [
        True,
        False,
        False,
    ]
    assert found["files"]["torn.mp4"] is None
    assert found["files"]["wall.png"]["event"] is None
    assert found["files"]["other/wall.png"]["looks"] == 1


def test_a_list_that_says_neither_yes_nor_no_ends_the_command(tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text("path,phone\na.mp4,perhaps\n")
    done = CliRunner().invoke(app, ["evaluate", "objects", "--list", str(table)])
    assert done.exit_code == 1
    assert "path,phone" in done.stderr
