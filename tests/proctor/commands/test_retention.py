"""``proctor retention`` says what is due, and erases it when told to."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from proctor.__main__ import app
from proctor.clock import Clock
from proctor.observations import Track
from proctor.people.tables import Account
from proctor.plumbing.db import Database
from proctor.sittings.tables import Sitting, SittingState
from tests.support.cast import assemble
from tests.support.references import reference_of
from tests.support.sittings import record_track, sitting_of

pytestmark = pytest.mark.db
# the exams of the cast are over by then, and so are their terms
LONG_AFTER = datetime(2028, 1, 1, tzinfo=UTC)


@pytest.fixture
def held(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A sitting that never began, which is due, and one whose identity nobody decided."""
    monkeypatch.setattr(Clock, "now", lambda _: LONG_AFTER)
    with database.transaction() as tx:
        cast = assemble(tx)
        at = LONG_AFTER - timedelta(days=365)
        due = sitting_of(tx, cast, cast.alice, at, SittingState.CHECKING)
        kept = sitting_of(tx, cast, cast.bob, at)
        for sitting in (due, kept):
            record_track(tx, sitting, tmp_path / "recordings", Track.CAMERA, seconds=1, plain=True)
    return due.id, kept.id


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["retention", *arguments])


def test_what_is_due_and_what_is_held_are_told(held: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "recordings" / "stray.webm").write_bytes(b"whose?")
    for command in (["due"], ["sweep", "--dry-run"]):
        told = json.loads(run(*command, "--json").stdout)
        found = {row["id"]: row["held"] for row in told["sittings"]}
        assert found == dict(zip(held, [[], ["identity_pending"]], strict=True))
        assert (told["kept"], told["too_many"]) == (2, False)
        assert told["files"] == {"missing": [], "unnamed": ["stray.webm"], "returned": []}
    assert "held" in run("due").stdout


def test_a_sweep_erases_what_is_due_and_no_more(held: tuple[str, str], tmp_path: Path) -> None:
    done = run("sweep", "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["sittings"], told["held"]) == ([held[0]], {"identity_pending": 1})
    assert [path.name for path in (tmp_path / "recordings").iterdir()] == [held[1]]


def test_a_sweep_that_would_erase_too_much_says_so(
    held: tuple[str, str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as tx:
        person = tx.get_one(Account, tx.get_one(Sitting, held[0]).account_id)
        reference_of(tx, person, LONG_AFTER - timedelta(days=365))
    monkeypatch.setattr("proctor.retention.due.FEW", 0)
    monkeypatch.setenv("PROCTOR_EXPIRY_PERCENT", "10")
    refused = run("sweep")
    assert refused.exit_code == 1
    assert "1 of 2 sittings are due at once, more than 10 %" in refused.stderr
    assert "1 of 1 references are due at once" in refused.stderr
    assert json.loads(run("due", "--json").stdout)["too_many"]
    assert run("sweep", "--above-limit").exit_code == 0
