from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.people import consents
from proctor.people.tables import Consent, Purpose
from proctor.vault import Vault
from tests.support.cast import NOON, assemble

pytestmark = pytest.mark.db


def test_the_newest_answer_counts_and_every_answer_stays(tx: Session) -> None:
    alice, vault = assemble(tx).alice.id, Vault(bytes(32))
    consents.record(tx, vault, alice, {Purpose.FACE: True, Purpose.TYPING: True}, "kk", NOON)
    later = NOON + timedelta(minutes=1)
    consents.record(tx, vault, alice, {Purpose.FACE: False}, "kk", later)
    assert consents.current(tx, vault, alice) == {Purpose.FACE: False, Purpose.TYPING: True}
    assert len(tx.scalars(select(Consent)).all()) == 3


def test_an_answer_is_sealed(tx: Session) -> None:
    alice, vault = assemble(tx).alice.id, Vault(bytes(32))
    consents.record(tx, vault, alice, {Purpose.FACE: True}, "kk", NOON)
    assert b"given" not in tx.scalars(select(Consent)).one().sealed


def test_what_was_never_asked_is_not_agreed_to(tx: Session) -> None:
    alice, vault = assemble(tx).alice.id, Vault(bytes(32))
    consents.record(tx, vault, alice, {Purpose.FACE: True}, "kk", NOON)
    consents.require(tx, vault, alice, Purpose.FACE)
    with pytest.raises(consents.ConsentMissing):
        consents.require(tx, vault, alice, Purpose.FACE, Purpose.RECORDING)
