"""Nobody is enrolled yet: there is nothing to turn, to compare or to calibrate by."""

import json

import pytest
from typer.testing import CliRunner

from proctor.__main__ import app
from proctor.plumbing.db import Database

pytestmark = pytest.mark.db


def test_without_references_nothing_is_renewed_and_nobody_compared(database: Database) -> None:
    run = CliRunner().invoke
    assert run(app, ["templates", "renew"]).stderr == "0 references renewed\n"
    found = json.loads(run(app, ["templates", "impostors", "--json"]).stdout)
    assert (found["people"], found["n_non_mated"], found["highest"]) == (0, 0, None)


def test_calibration_needs_two_people(database: Database) -> None:
    refused = CliRunner().invoke(app, ["calibrate", "faces"])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "two people at least" in refused.stderr
