import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy.orm import Session

from proctor.vault import KeyDestroyed, SubjectKey, Vault
from tests.support.cast import NOON, assemble

pytestmark = pytest.mark.db

KEY = bytes(range(32))


def test_what_was_sealed_opens_again(tx: Session) -> None:
    alice, vault = assemble(tx).alice.id, Vault(KEY)
    sealed = vault.seal(tx, alice, "reference", b"secret")
    assert b"secret" not in sealed
    assert Vault(KEY).open(tx, alice, "reference", sealed) == b"secret"


def test_another_person_purpose_or_byte_does_not_open(tx: Session) -> None:
    cast, vault = assemble(tx), Vault(KEY)
    sealed = vault.seal(tx, cast.alice.id, "reference", b"secret")
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for person, purpose, data in (
        (cast.bob.id, "reference", sealed),
        (cast.alice.id, "consent", sealed),
        (cast.alice.id, "reference", flipped),
    ):
        with pytest.raises(InvalidTag):
            vault.open(tx, person, purpose, data)


def test_a_destroyed_key_opens_nothing_and_is_not_made_again(tx: Session) -> None:
    alice, vault = assemble(tx).alice.id, Vault(KEY)
    sealed = vault.seal(tx, alice, "reference", b"secret")
    row = tx.get_one(SubjectKey, alice)
    row.wrapped, row.destroyed_at = b"", NOON
    with pytest.raises(KeyDestroyed):
        vault.open(tx, alice, "reference", sealed)
    with pytest.raises(KeyDestroyed):
        vault.seal(tx, alice, "reference", b"more")
