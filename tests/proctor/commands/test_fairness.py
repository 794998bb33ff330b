"""The office grants accommodations and switches detectors on, at the command line."""

import pytest
from typer.testing import CliRunner

from proctor import events
from proctor.__main__ import app
from proctor.exams.accommodations import Effect, accommodation_of
from proctor.plumbing.db import Database
from proctor.review.precision import switched_off
from tests.support.cast import NOON, Cast, assemble

pytestmark = pytest.mark.db


@pytest.fixture
def cast(database: Database, monkeypatch: pytest.MonkeyPatch) -> Cast:
    monkeypatch.setenv("PROCTOR_INSTITUTION", "Test University")
    with database.transaction() as tx:
        return assemble(tx)


def said(*words: str, status: int = 0) -> str:
    found = CliRunner().invoke(app, list(words))
    assert found.exit_code == status, found.output
    return found.output


def test_the_office_grants(database: Database, cast: Cast) -> None:
    effects = ["--effect", "gaze_off", "--effect", "breaks", "--extra-time", "25"]
    said("accommodation", "alice@example.org", "--by", "olga@example.org", *effects)

    with database.reading() as tx:
        found = accommodation_of(tx, cast.alice.id, cast.course.id)
    assert (found.effects, found.extra_time_percent) == ({Effect.GAZE_OFF, Effect.BREAKS}, 25)


@pytest.mark.parametrize("by", ["tom", "alice", "nobody"])
def test_nobody_else_does(cast: Cast, by: str) -> None:
    said("accommodation", "alice@example.org", "--by", f"{by}@example.org", status=2)


def test_a_detector_is_listed_and_switched_on(database: Database, cast: Cast) -> None:
    off = {"kind": "paste", "confirmed": 2, "decided": 30}
    with database.transaction() as tx:
        events.append(tx, f"detectors:{cast.institution.id}", "detector_switched_off", off, NOON)
    assert "paste\t0/0\toff\n" in said("detectors", "list")

    said("detectors", "on", "paste", "--by", "olga@example.org")

    assert "paste\t0/0\ton\n" in said("detectors", "list")
    with database.reading() as tx:
        assert switched_off(tx, cast.institution.id) == frozenset()
    said("detectors", "on", "paste", "--by", "olga@example.org", status=2)
