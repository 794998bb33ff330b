import json

import pytest
from typer.testing import CliRunner

from proctor.__main__ import app

pytestmark = pytest.mark.unit


def test_what_is_kept_of_a_learner_fits_its_budget() -> None:
    done = CliRunner().invoke(app, ["bench", "keystroke", "--json"])
    assert done.exit_code == 0
    measured = json.loads(done.stdout)
    assert 10_000 < measured["bytes_per_learner"] <= 64 * 1024
    assert {
        "model",
        "us_per_key",
        "us_per_key_live",
        "ms_per_verification",
        "ms_per_profile",
    } < measured.keys()
