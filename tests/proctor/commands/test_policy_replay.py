"""``proctor replay`` over a database: the same bytes twice, nothing written."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from proctor import events
from proctor.__main__ import app
from proctor.exams.policies import default_rules, rules_json
from proctor.exams.tables import ExamPolicy
from proctor.observations import Check, Observation
from proctor.plumbing.db import Database
from tests.support.cast import NOON, assemble
from tests.support.sittings import sitting_of

pytestmark = pytest.mark.db


@pytest.fixture
def sitting_id(database: Database) -> str:
    """A sitting with the face away for 6 s and for 20 s, and a policy that waits 10 s."""
    with database.transaction() as tx:
        cast = assemble(tx)
        sitting = sitting_of(tx, cast, cast.alice, NOON)
        sitting.exam_s = 60.0
        waits = rules_json(replace(default_rules(), face_absent_s=10.0))
        for version, raw in [(1, {}), (2, waits)]:
            row = ExamPolicy(
                institution_id=cast.institution.id, name="patient", version=version, rules=raw
            )
            tx.add(row)
        begun = {"identified_via": "face", "rules": asdict(default_rules())}
        events.append(tx, sitting.id, "sitting_started", begun, NOON)
        away = {*range(10, 17), *range(30, 51)}
        seen = [
            Observation(Check.FACE, "faces", float(s), {"count": int(s not in away), "box_px": 90})
            for s in range(60)
        ]
        events.append_all(tx, sitting.id, [("observation", asdict(each)) for each in seen], NOON)
    return sitting.id


def replayed(sitting_id: str, policy: str) -> str:
    found = CliRunner().invoke(app, ["replay", sitting_id, "--policy", policy])
    assert found.exit_code == 0, found.output
    return found.stdout


def rows(database: Database) -> list[object]:
    with database.reading() as tx:
        tables = "incidents", "verdicts", "events", "sittings"
        return [tx.execute(text(f"SELECT * FROM {table}")).all() for table in tables]


def test_twice_gives_the_same_bytes_and_writes_nothing(sitting_id: str, database: Database) -> None:
    before = rows(database)

    assert replayed(sitting_id, "patient") == replayed(sitting_id, "patient@2")
    assert rows(database) == before


def test_only_what_changes_is_listed(sitting_id: str, tmp_path: Path) -> None:
    under_own = json.loads(replayed(sitting_id, "patient@1"))
    assert under_own["difference"] == {"gone": [], "new": [], "changed": []}
    assert [each["start_s"] for each in under_own["incidents"]] == [10, 30]

    found = json.loads(replayed(sitting_id, "patient"))
    assert [each["start_s"] for each in found["difference"]["gone"]] == [10]
    assert [each["held"]["start_s"] for each in found["difference"]["changed"]] == [30]
    assert found["difference"]["new"] == []
    assert found["facts"] == 60

    file = tmp_path / "strict.json"
    file.write_text('{"face_absent_s": 10.0}', "utf-8")
    assert replayed(sitting_id, str(file)) == replayed(sitting_id, "patient")


@pytest.mark.parametrize(
    ("sitting", "policy"), [("unknown", "default"), (None, "unknown"), (None, "patient@9")]
)
def test_what_is_not_there_ends_with_status_2(
    sitting_id: str, sitting: str | None, policy: str
) -> None:
    asked = ["replay", sitting or sitting_id, "--policy", policy]

    assert CliRunner().invoke(app, asked).exit_code == 2


def test_a_file_that_holds_no_rules_is_refused(sitting_id: str, tmp_path: Path) -> None:
    for number, content in enumerate(["no json", "[1]", '{"nothing_s": 3}']):
        file = tmp_path / f"{number}.json"
        file.write_text(content, "utf-8")
        asked = ["replay", sitting_id, "--policy", str(file)]
        assert CliRunner().invoke(app, asked).exit_code == 2
