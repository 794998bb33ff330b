import json
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import make_url, select
from typer.testing import CliRunner

from biometrics.types import Template
from proctor.__main__ import app
from proctor.clock import Clock
from proctor.commands import templates
from proctor.identity import calibrations, protection
from proctor.identity.protection import TemplateKey
from proctor.inference import face_comparison
from proctor.people import accounts
from proctor.people.tables import Role
from proctor.plumbing.db import Database
from proctor.settings import Settings, institution_key
from proctor.vault import Vault
from tests.support.cast import NOON
from tests.support.references import reference_of

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
    with database.transaction() as tx:
        home = accounts.ensure_institution(tx, Settings().institution)
        accounts.add(tx, home.id, "o@example.org", "O", Role.EXAM_OFFICE, locale="en")
        accounts.add(tx, home.id, "s@example.org", "S", Role.STUDENT, locale="en")
        elsewhere = accounts.ensure_institution(tx, "Elsewhere")
        accounts.add(tx, elsewhere.id, "x@example.org", "X", Role.EXAM_OFFICE, locale="en")
    end = ["calibrate", "faces", "--end", "--json"]
    assert CliRunner().invoke(app, [*end, "--by", "x@example.org"]).exit_code != 0
    assert "need --by" in CliRunner().invoke(app, end).stderr
    assert CliRunner().invoke(app, [*end, "--by", "s@example.org"]).exit_code != 0
    done = CliRunner().invoke(app, [*end, "--by", "o@example.org"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"people": 0, "in_force": None})


def test_centred_scores_are_put_in_force_by_somebody_of_the_office(database: Database) -> None:
    settings, card = Settings(), face_comparison("opencv")
    vault, random = Vault(institution_key(settings)), np.random.default_rng(0)
    with database.transaction() as tx:
        home = accounts.ensure_institution(tx, settings.institution)
        office = accounts.add(tx, home.id, "o@example.org", "O", Role.EXAM_OFFICE, locale="en")
        for n in range(60):
            mail = f"{n}@example.org"
            person = accounts.add(tx, home.id, mail, mail, Role.STUDENT, locale="en")
            face = random.normal(size=128)
            kept = [Template(card.model_id, face + 0.2 * random.normal(size=128)) for _ in "123"]
            sealed = protection.seal(tx, vault, person.id, kept)
            reference_of(tx, person, Clock().now(), days=1, sealed=sealed, rotation=1)
    use = ["calibrate", "faces", "--use", "--by", "o@example.org", "--json"]
    done = CliRunner().invoke(app, use)
    assert done.exit_code == 0, done.output
    assert "stays the card's 0.428: FMR 0.0001 takes 10,000 pairs" in done.stderr
    told = json.loads(done.stdout)
    assert (told["in_force"], told["centred"]["verification"]) == (1, None)
    with database.reading() as tx:
        own = calibrations.in_force(tx, card, home.id)
    assert own is not None
    assert (own.by, own.people, own.threshold) == (office.id, 60, 0.428)


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
