"""What revisions make of rows there were before them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from proctor.plumbing import db
from proctor.plumbing.db import Database
from proctor.retention.tables import Erasure
from proctor.sittings.tables import Expiry
from tests.support.cast import assemble
from tests.support.sittings import sitting_of

pytestmark = pytest.mark.db

NOON = datetime(2026, 5, 12, 12, 0, 0, 5, tzinfo=UTC)


def test_evidence_that_went_by_a_confirmed_request_is_told_apart(database: Database) -> None:
    earlier = NOON - timedelta(days=9)
    with database.transaction() as tx:
        cast = assemble(tx)
        asked, over = (sitting_of(tx, cast, who, earlier) for who in (cast.alice, cast.bob))
        for sitting, at in ((asked, NOON), (over, earlier)):
            tx.add(Expiry(sitting_id=sitting.id, on_request=False, due_at=earlier, at=at))
            of = sitting.account_id
            tx.add(Erasure(account_id=of, asked_at=earlier, confirmed_at=NOON, receipt={}))
    config = Config()
    config.set_main_option("script_location", str(Path(db.__file__).parent / "migrations"))
    config.attributes["engine"] = database.engine
    command.downgrade(config, "0027")
    database.upgrade()
    with database.reading() as tx:
        found = {row.sitting_id: row.on_request for row in tx.query(Expiry)}
    assert found == {asked.id: True, over.id: False}
