import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from proctor import events
from tests.support.cast import NOON

pytestmark = pytest.mark.db


def test_a_stream_reads_back_in_order(tx: Session) -> None:
    events.append_all(tx, "s", [("a", {"n": 1}), ("b", {"n": 2})], NOON)
    events.append(tx, "s", "c", {"n": 3}, NOON)
    assert [(e.seq, e.kind, e.payload) for e in events.read(tx, "s")] == [
        (1, "a", {"n": 1}),
        (2, "b", {"n": 2}),
        (3, "c", {"n": 3}),
    ]


def test_streams_do_not_mix(tx: Session) -> None:
    events.append(tx, "one", "a", {}, NOON)
    events.append(tx, "two", "a", {}, NOON)
    assert [e.seq for e in events.read(tx, "two")] == [1]


def test_an_untouched_chain_verifies(tx: Session) -> None:
    for n in range(5):
        events.append(tx, "s", "a", {"n": n}, NOON)
    assert events.verify(tx, "s") is None


def test_a_changed_body_breaks_the_chain_where_it_was_changed(tx: Session) -> None:
    for n in range(5):
        events.append(tx, "s", "a", {"n": n}, NOON)
    tx.execute(update(events.Event).where(events.Event.seq == 3).values(body='{"n":9}'))
    tx.expire_all()
    assert events.verify(tx, "s") == events.ChainBroken("s", 3)


def test_a_removed_event_breaks_the_chain(tx: Session) -> None:
    for n in range(4):
        events.append(tx, "s", "a", {"n": n}, NOON)
    tx.delete(events.read(tx, "s")[1])
    tx.flush()
    assert events.verify(tx, "s") == events.ChainBroken("s", 3)
