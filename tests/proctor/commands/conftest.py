from collections.abc import Iterator
from pathlib import Path
from shutil import copy

import pytest

from proctor.plumbing.db import Database


@pytest.fixture
def database(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The database of a service whose data are in ``tmp_path``, where commands look for them."""
    monkeypatch.setenv("PROCTOR_DATA_DIR", str(tmp_path))
    db = Database(f"sqlite:///{copy(migrated, tmp_path / 'tanu.db')}")
    yield db
    db.close()
