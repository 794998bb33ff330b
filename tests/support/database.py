"""A migrated database and the cast of the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from proctor.plumbing.db import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated SQLite database of its own."""
    db = Database(f"sqlite:///{tmp_path / 'test.db'}")
    db.upgrade()
    yield db
    db.close()


@pytest.fixture
def tx(database: Database) -> Iterator[Session]:
    """One transaction, rolled back."""
    with Session(database.engine, expire_on_commit=False) as session:
        yield session
        session.rollback()
