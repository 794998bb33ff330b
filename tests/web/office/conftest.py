from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from proctor.inference import face_comparison
from proctor.people import sign_in
from proctor.people.tables import Account
from proctor.plumbing.db import Database
from proctor.settings import Settings
from proctor.vault import Vault
from tests.support.cast import NOON, Cast, assemble
from tests.support.clock import SetClock
from web import errors
from web.access import COOKIE, Services
from web.office import routes

Browse = Callable[[Account], TestClient]


@pytest.fixture
def cast(database: Database) -> Cast:
    with database.transaction() as tx:
        return assemble(tx)


@pytest.fixture
def browse(database: Database, tmp_path: Path) -> Iterator[Browse]:
    """Makes a browser in which somebody is signed in; the pages here open no models."""
    clock = SetClock(NOON)
    settings = Settings(data_dir=tmp_path, database_url=database.url)
    app = FastAPI()
    errors.install(app)
    app.include_router(routes.router)
    unused: Any = None
    # a test that compares typing brings its verifier
    live: Any = SimpleNamespace(line=SimpleNamespace(verifier=unused))
    card: Any = SimpleNamespace(comparison=face_comparison("opencv"))
    app.state.services = Services(
        settings,
        database,
        Vault(bytes(32)),
        clock,
        inference=card,
        live=live,
        tries=unused,
    )
    clients = []

    def make(person: Account) -> TestClient:
        with database.transaction() as tx:
            token = sign_in.begin(tx, person.id, NOON)
        client = TestClient(app, follow_redirects=False, cookies={COOKIE: token})
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
