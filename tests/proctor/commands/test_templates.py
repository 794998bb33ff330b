import json
from pathlib import Path

import pytest
from sqlalchemy import make_url, select
from typer.testing import CliRunner

from proctor.__main__ import app
from proctor.commands import templates
from proctor.identity import protection
from proctor.identity.protection import TemplateKey
from proctor.people import accounts
from proctor.people.tables import Role
from proctor.plumbing.db import Database
from proctor.settings import Settings, institution_key
from proctor.vault import Vault
from tests.support.cast import NOON

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


def test_a_calibration_ends_also_where_nobody_is_enrolled(database: Database) -> None:
    done = CliRunner().invoke(app, ["calibrate", "faces", "--end", "--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"people": 0, "in_force": None})


def test_a_renewal_leaves_nothing_of_the_old_secret_while_the_service_runs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings()
    vault = Vault(institution_key(settings))
    with database.transaction() as tx:
        home = accounts.ensure_institution(tx, settings.institution)
        person = accounts.add(tx, home.id, "a@example.org", "A", Role.STUDENT, locale="en")
        protection.current_number(tx, vault, person.id, NOON)
        old = tx.scalars(select(TemplateKey.wrapped)).one()
    files = list(Path(str(make_url(database.url).database)).parent.glob("*.db*"))
    assert any(old in path.read_bytes() for path in files)
    with database.reading() as tx:
        tx.scalars(select(TemplateKey)).all()
        monkeypatch.setattr(templates, "_TRIES", 1)
        kept = CliRunner().invoke(app, ["templates", "renew"])
    assert kept.exit_code == 1
    assert "still in the database's log" in kept.stderr
    done = CliRunner().invoke(app, ["templates", "renew"])
    assert (done.exit_code, done.stderr) == (0, "0 references renewed\n")
    assert not any(old in path.read_bytes() for path in files)
