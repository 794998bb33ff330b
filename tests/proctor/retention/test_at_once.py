"""On PostgreSQL people write at once: one of two that exclude each other is refused, and what is
sealed while a key is destroyed can be opened afterwards.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from proctor import events
from proctor.people import consents
from proctor.people.tables import Account, Purpose
from proctor.plumbing.db import Database
from proctor.retention import erasure, holds
from proctor.retention.erasure import ErasureAsked
from proctor.retention.holds import HoldOver
from proctor.retention.tables import Erasure, LegalHold
from proctor.review.tables import Decision, Verdict
from proctor.vault import SubjectKey, Vault
from tests.support.cast import NOON, Cast
from tests.support.postgres import Postgres
from tests.support.sittings import sitting_of

pytestmark = pytest.mark.db
VAULT = Vault(bytes(32))
REASON = "The recording shows it plainly."
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    db = Database(postgres.fresh())
    yield db
    db.close()


@pytest.fixture
def asked(database: Database, cast: Cast) -> str:
    with database.transaction() as tx:
        consents.record(tx, VAULT, cast.alice.id, dict.fromkeys(Purpose, False), "en", NOON)
        return erasure.ask(tx, cast.alice, NOON).id


def test_a_request_read_before_it_was_confirmed_is_not_confirmed_again(
    database: Database, cast: Cast, asked: str
) -> None:
    with database.transaction() as second:
        read = second.get_one(Erasure, asked)
        with database.transaction() as first:
            erasure.confirm(first, VAULT, cast.olga, asked, LATER)
        with pytest.raises(ErasureAsked):
            erasure.confirm(second, VAULT, cast.rita, read.id, LATER)


def test_a_request_that_was_taken_back_meanwhile_is_not_confirmed(
    database: Database, cast: Cast, asked: str
) -> None:
    with database.transaction() as second:
        read = second.get_one(Erasure, asked)
        with database.transaction() as first:
            erasure.withdraw(first, cast.alice, LATER)
        with pytest.raises(ErasureAsked):
            erasure.confirm(second, VAULT, cast.rita, read.id, LATER)


@pytest.mark.parametrize("act", [holds.confirm, holds.lift])
def test_a_hold_that_was_lifted_meanwhile_is_over(
    database: Database, cast: Cast, act: Callable[[Session, Account, str, datetime], None]
) -> None:
    with database.transaction() as tx:
        until = NOON + timedelta(days=9)
        hold_id = holds.ask(tx, cast.olga, cast.alice, REASON, until, NOON).id
    with database.transaction() as second:
        read = second.get_one(LegalHold, hold_id)
        with database.transaction() as first:
            holds.lift(first, cast.olga, hold_id, LATER)
        with pytest.raises(HoldOver):
            act(second, cast.rita, read.id, LATER)


def _is_waited_for(tx: Session, cast: Cast, asked: str) -> bool:
    """Whether confirming in *tx* waits for what others are writing."""
    tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
    try:
        with tx.begin_nested():
            erasure.confirm(tx, VAULT, cast.olga, asked, LATER)
    except OperationalError:
        return True
    return False


def test_what_is_sealed_while_a_key_is_destroyed_stays_readable(
    database: Database, cast: Cast, asked: str
) -> None:
    with database.transaction() as writer:
        VAULT.seal(writer, cast.alice.id, consents.SEAL, b"{}")
        with database.transaction() as tx:
            assert _is_waited_for(tx, cast, asked)
    with database.transaction() as stale:
        read = stale.get_one(SubjectKey, cast.alice.id)
        with database.transaction() as tx:
            assert not _is_waited_for(tx, cast, asked)
        consents.record(stale, VAULT, read.account_id, {Purpose.TYPING: True}, "en", LATER)
    with database.reading() as tx:
        given = consents.current(tx, VAULT, cast.alice.id)
    assert given == dict.fromkeys(Purpose, False) | {Purpose.TYPING: True}


def test_what_is_written_about_a_sitting_is_waited_for(
    database: Database, cast: Cast, asked: str
) -> None:
    with database.transaction() as tx:
        made = sitting_of(tx, cast, cast.alice, NOON)
        given = Verdict(sitting_id=made.id, reviewer_id=cast.rita.id, at=NOON)
        given.decision, given.reason = Decision.VERIFIED, REASON
        tx.add(given)
    with database.transaction() as writer:
        events.append(writer, made.id, "appeal_made", {}, LATER)
        with database.transaction() as tx:
            assert _is_waited_for(tx, cast, asked)
    with database.transaction() as tx:
        assert not _is_waited_for(tx, cast, asked)
