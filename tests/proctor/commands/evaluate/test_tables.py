from pathlib import Path

import pytest
from typer.testing import CliRunner

from proctor.__main__ import app
from proctor.commands.evaluate.figures import Rate, show

pytestmark = pytest.mark.unit

LISTS = [
    ("faces", "--pairs", "a,b,mated,group", "x.jpg"),
    ("videos", "--list", "path,identity", "x.mp4"),
    ("pad", "--list", "path,label,species", "x.jpg"),
    ("objects", "--list", "path,phone", "x.jpg"),
    ("gaze", "--list", "path,from_s,to_s,direction", "x.mp4"),
]


@pytest.mark.parametrize(("command", "option", "columns", "short"), LISTS)
@pytest.mark.parametrize("wrong", ["empty", "header", "short", "latin", "column", "gone", "folder"])
def test_a_list_that_is_none_is_refused_with_a_reason(
    tmp_path: Path, command: str, option: str, columns: str, short: str, wrong: str
) -> None:
    table = tmp_path / "list.csv"
    texts = {
        "empty": b"",
        "header": columns.encode(),
        "short": f"{columns}\n{short}".encode(),
        "latin": f"{columns}\n".encode() + b"\xff\xfe,1,0",
        "column": b"other\nx",
    }
    if wrong == "folder":
        table.mkdir()
    elif wrong != "gone":
        table.write_bytes(texts[wrong])
    done = CliRunner().invoke(app, ["evaluate", command, option, str(table), "--json"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert isinstance(done.exception, SystemExit)
    assert "list.csv" in done.stderr


@pytest.mark.parametrize("name", ["[/g]", "[bold]x", "g]", "лицо"])
def test_a_group_may_be_named_like_markup(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    show({"groups": {name: {"fmr": 0.1, **Rate(1, 10).as_dict()}}}, as_json=False)
    assert f"groups.{name}.fmr" in capsys.readouterr().out


def test_a_rate_beside_another_is_shown_with_its_own_interval(
    capsys: pytest.CaptureFixture[str],
) -> None:
    near, far = Rate(0, 10), Rate(5, 10)
    group = {"detected": 0.0, **near.as_dict(), "detected_far": 0.5}
    show({"groups": {"a": {**group, "intervals": {"detected_far": far.as_dict()}}}}, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert any("a.detected " in line and "0.0000%" in line and "25.8866%" in line for line in lines)
    assert any("detected_far" in line and "23.6593%" in line for line in lines)
