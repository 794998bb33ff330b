"""Accounts and links of the command line; what is refused is said in a sentence."""

import pytest
from typer.testing import CliRunner

from proctor.__main__ import app
from proctor.plumbing.db import Database
from proctor.settings import Settings

pytestmark = pytest.mark.db


def test_who_was_added_gets_a_link(database: Database) -> None:
    run = CliRunner().invoke
    assert run(app, ["account", "add", "Ann@example.org", "Ann", "reviewer"]).exit_code == 0
    made = run(app, ["account", "sign-in-link", "ann@example.org"])
    assert made.stdout.startswith(f"{Settings().url}/sign-in/")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sign-in-link", "bob@example.org"], "There is no account with this e-mail."),
        (["add", "ann@example.org", "A", "proctor"], "There is already an account with this"),
    ],
)
def test_what_is_refused_is_said(database: Database, words: list[str], said: str) -> None:
    run = CliRunner().invoke
    assert run(app, ["account", "add", "ann@example.org", "Ann", "reviewer"]).exit_code == 0
    refused = run(app, ["account", *words])
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert said in refused.stderr
