import hashlib
import json
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from proctor.__main__ import app
from proctor.plumbing.db import Database
from proctor.reports.tables import IssuedReport
from tests.support.exam_course import exam_course

pytestmark = pytest.mark.db


@pytest.fixture
def data(database: Database) -> Database:
    """A service's database with the course of three learners; one of them sat the essay."""
    with database.transaction() as tx:
        made = exam_course(tx)
        made.sit(made.learners[0], "essay")
        made.course.code = "DL/../101"
    return database


def report(tmp_path: Path, *arguments: str) -> Result:
    out = ["--out", str(tmp_path / "out")]
    return CliRunner().invoke(app, ["report", *arguments, *out])


def written(result: Result) -> dict[str, Path]:
    assert result.exit_code == 0, result.output
    return {path.suffix: path for path in map(Path, result.stdout.split())}


def test_every_format_prints_the_hash_of_the_json_beside_it(data: Database, tmp_path: Path) -> None:
    files = written(report(tmp_path, "DL/../101", "--format", "pdf,xlsx,csv,json"))
    assert set(files) == {".pdf", ".xlsx", ".csv", ".json"}
    assert {path.parent for path in files.values()} == {tmp_path / "out"}
    sha256 = hashlib.sha256(files[".json"].read_bytes()).hexdigest()
    assert sha256 in files[".csv"].read_text("utf-8")
    assert files[".pdf"].read_bytes().startswith(b"%PDF")
    document = json.loads(files[".json"].read_text("utf-8"))
    assert (document["version"], len(document["learners"])) == (None, 3)


def test_report_of_one_learner_holds_nobody_else(data: Database, tmp_path: Path) -> None:
    arguments = ("DL/../101", "--learner", "S-0001", "--format", "json,csv", "--language", "ru")
    files = written(report(tmp_path, *arguments))
    text = files[".json"].read_text("utf-8")
    (learner,) = json.loads(text)["learners"]
    assert learner["number"] == "S-0001"
    assert learner["count"]["low"] == {"num": 1, "den": 5, "percent": "20.00", "met": False}
    assert "Бауыржан" not in text + files[".csv"].read_text("utf-8")
    assert files[".json"].name == "DL_.._101-S-0001-identity-report-draft.json"


def test_issued_report_is_the_next_version(data: Database, tmp_path: Path) -> None:
    arguments = ("DL/../101", "--format", "json", "--issue", "olga@example.org")
    for version in (1, 2):
        path = written(report(tmp_path, *arguments))[".json"]
        assert path.name == f"DL_.._101-identity-report-v{version}.json"
    with data.transaction() as tx:
        rows = list(tx.scalars(select(IssuedReport).order_by(IssuedReport.version)))
    assert [row.version for row in rows] == [1, 2]
    assert rows[1].body.encode() == path.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "There is no such course"),
        (["DL/../101", "--learner", "S-9"], "no learner with this number"),
        (["DL/../101", "--issue", "alice@example.org"], "no account"),
        (["DL/../101", "--issue", "olga@example.org", "--learner", "S-0001"], "whole course"),
        (["DL/../101", "--format", "docx"], "formats are"),
        (["DL/../101", "--language", "de"], "not kk, ru or en"),
    ],
)
def test_what_cannot_be_reported_ends_with_2_and_no_file(
    data: Database, tmp_path: Path, arguments: list[str], said: str
) -> None:
    result = report(tmp_path, *arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert not (tmp_path / "out").exists()
