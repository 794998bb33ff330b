"""Sealing of what belongs to one person: AES-256-GCM under that person's own key.

The person's key is wrapped by the institution's key; destroying it erases all that it sealed.
"""

import secrets
from collections.abc import Callable
from datetime import datetime

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ForeignKey, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from proctor.errors import ProctorError
from proctor.plumbing.db import Base, UtcDateTime

_NONCE = 12


class KeyDestroyed(ProctorError):
    """The person's data was erased."""


class SubjectKey(Base):
    """A person's key, wrapped. ``wrapped`` is empty once the person was erased; ``renewed_at``:
    when the key before it was destroyed with all that was not sealed anew."""

    __tablename__ = "subject_keys"

    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), primary_key=True)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    destroyed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    renewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Vault:
    """Seals and opens what belongs to one person."""

    def __init__(self, institution_key: bytes) -> None:
        self._institution = AESGCM(institution_key)

    def seal(self, tx: Session, account_id: str, purpose: str, plain: bytes) -> bytes:
        """``plain`` as nonce + ciphertext, bound to the person and the purpose.

        Until the transaction ends, the key is not renewed.
        """
        _hold(tx, account_id, read=True)
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._key(tx, account_id).encrypt(nonce, plain, _aad(account_id, purpose))

    def open(self, tx: Session, account_id: str, purpose: str, sealed: bytes) -> bytes:
        """The plain bytes. Raises KeyDestroyed, or InvalidTag when anything was altered."""
        key = self._key(tx, account_id)
        return key.decrypt(sealed[:_NONCE], sealed[_NONCE:], _aad(account_id, purpose))

    def hold(self, tx: Session, account_id: str) -> None:
        """Wait for everybody who seals something of the person, and keep others waiting.

        Who seals holds the key first and the chain it writes to then.
        """
        _hold(tx, account_id, read=False)

    def renew(self, tx: Session, account_id: str, at: datetime) -> Callable[[str, bytes], bytes]:
        """Destroy the person's key and make another.

        Until the transaction ends, what is returned seals anew, by its purpose, what the old key
        sealed; everything else is erased. Raises KeyDestroyed.
        """
        self.hold(tx, account_id)
        old = self._key(tx, account_id)
        row = tx.get_one(SubjectKey, account_id)
        nonce = secrets.token_bytes(_NONCE)
        key, aad = AESGCM.generate_key(256), _aad(account_id, "key")
        row.wrapped = nonce + self._institution.encrypt(nonce, key, aad)
        row.renewed_at = at
        tx.flush()

        def anew(purpose: str, sealed: bytes) -> bytes:
            plain = old.decrypt(sealed[:_NONCE], sealed[_NONCE:], _aad(account_id, purpose))
            return self.seal(tx, account_id, purpose, plain)

        return anew

    def wrap(self, institution_id: str, purpose: str, key: bytes) -> bytes:
        """A key of the whole institution as nonce + ciphertext, bound to it and the purpose."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._institution.encrypt(nonce, key, _aad(institution_id, purpose))

    def unwrap(self, institution_id: str, purpose: str, wrapped: bytes) -> bytes:
        """The key again. Raises InvalidTag when anything was altered."""
        aad = _aad(institution_id, purpose)
        return self._institution.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], aad)

    def _key(self, tx: Session, account_id: str) -> AESGCM:
        row = tx.get(SubjectKey, account_id)
        aad = _aad(account_id, "key")
        if row is None:
            nonce, key = secrets.token_bytes(_NONCE), AESGCM.generate_key(256)
            wrapped = nonce + self._institution.encrypt(nonce, key, aad)
            tx.add(SubjectKey(account_id=account_id, wrapped=wrapped))
            tx.flush()
            return AESGCM(key)
        if row.destroyed_at is not None:
            raise KeyDestroyed(account=account_id)
        return AESGCM(self._institution.decrypt(row.wrapped[:_NONCE], row.wrapped[_NONCE:], aad))


def _hold(tx: Session, account_id: str, *, read: bool) -> None:
    """Hold the key as it is now. SQLite has one writer at a time as it is."""
    query = select(SubjectKey).where(SubjectKey.account_id == account_id)
    held = query.with_for_update(read=read).execution_options(populate_existing=True)
    tx.scalars(held).one_or_none()


def _aad(account_id: str, purpose: str) -> bytes:
    return f"{account_id}|{purpose}".encode()
