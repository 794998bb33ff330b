"""A migrated database and the cast of the tests."""

import os
from collections.abc import Iterator
from pathlib import Path
from shutil import copy

import pytest
from sqlalchemy.orm import Session

from proctor.plumbing.db import Database
from tests.support.postgres import Postgres


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of the newest schema, to be copied: the migrations run once."""
    path = tmp_path_factory.mktemp("migrated") / "tanu.db"
    db = Database(f"sqlite:///{path}")
    db.upgrade()
    db.close()
    return path


@pytest.fixture
def database(tmp_path: Path, migrated: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A migrated database of its own: SQLite, or PostgreSQL when TEST_DATABASE asks for it."""
    if os.environ.get("TEST_DATABASE") == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        db = Database(server.fresh())
    else:
        db = Database(f"sqlite:///{copy(migrated, tmp_path / 'test.db')}")
    yield db
    db.close()


@pytest.fixture
def tx(database: Database) -> Iterator[Session]:
    """One transaction, rolled back."""
    with Session(database.engine, expire_on_commit=False) as session:
        yield session
        session.rollback()
