import pytest
from sqlalchemy import select

from proctor.people.tables import Institution
from proctor.plumbing.db import Database

pytestmark = pytest.mark.db


def names(database: Database) -> list[str]:
    with database.reading() as tx:
        return list(tx.scalars(select(Institution.name)))


def test_a_reader_keeps_no_writer_waiting(database: Database) -> None:
    with database.reading() as reader:
        assert reader.scalars(select(Institution)).all() == []
        with database.transaction() as writer:
            writer.add(Institution(name="Tanu University"))
        assert reader.scalars(select(Institution)).all() == []
    assert names(database) == ["Tanu University"]


def test_what_a_reader_changes_is_lost(database: Database) -> None:
    with database.reading() as reader:
        reader.add(Institution(name="Nowhere"))
        reader.flush()
    assert names(database) == []


def test_what_was_read_can_be_shown_afterwards(database: Database) -> None:
    with database.transaction() as writer:
        writer.add(Institution(name="Tanu University"))
    with database.reading() as reader:
        found = reader.scalars(select(Institution)).one()
    assert found.name == "Tanu University"
