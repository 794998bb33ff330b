from pathlib import Path

import pytest

from proctor.plumbing.db import Database
from tests.support.cast import Cast, assemble


@pytest.fixture
def cast(database: Database) -> Cast:
    with database.transaction() as tx:
        return assemble(tx)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "recordings"
