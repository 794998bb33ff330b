import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proctor.__main__ import app

pytestmark = pytest.mark.unit

COURSE = {
    "policy": "KZ-137-2016",
    "events": [
        {"id": "quiz", "weight": "70.001", "plan": []},
        {"id": "final", "weight": "29.999", "plan": ["proctoring"]},
    ],
    "attempts": [{"event": "final", "outcome": "verified"}],
}


def written(tmp_path: Path, document: object) -> str:
    path = tmp_path / "course.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_json_holds_the_four_readings(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["share", written(tmp_path, COURSE), "--json"])
    assert result.exit_code == 0
    count = {"num": 1, "den": 2, "percent": "50.00", "met": True}
    weight = {"num": 29_999, "den": 100_000, "percent": "29.99", "met": False}
    assert json.loads(result.stdout) == {
        "design": {"count": count, "weight": weight},
        "learner": {
            "count": {"low": count, "high": count},
            "weight": {"low": weight, "high": weight},
        },
    }


def test_table_names_the_edition_and_the_result(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["share", written(tmp_path, COURSE)])
    assert "29999/100000 = 29.99 %, not met" in result.stdout
    assert "KZ-137-2016, edition 2016-05-30" in result.stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"policy": "KZ-1"}, "known: KZ-137-2016"),
        ({"events": []}, "an attempt names an event that is not in the file"),
    ],
)
def test_refusal_is_one_line_and_exit_2(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    result = CliRunner().invoke(app, ["share", written(tmp_path, COURSE | change), "--json"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_plan_that_identifies_nobody_is_told(tmp_path: Path) -> None:
    events = [{"id": "final", "weight": "1", "plan": ["sign_in"]}]
    result = CliRunner().invoke(app, ["share", written(tmp_path, COURSE | {"events": events})])
    assert "'sign_in' identifies nobody" in result.stderr
