"""Sign-in: one-time links, passwords, server-side sessions. Only hashes of tokens are kept."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import Conflict, Refused
from proctor.people.tables import Account, SignInLink, SignInSession
from proctor.plumbing.db import new_id

LINK_LASTS = timedelta(hours=24)
SESSION_LASTS = timedelta(hours=12)
_passwords = PasswordHash((Argon2Hasher(),))
# verified when the e-mail is unknown, so that both answers take the same time
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43


class LinkUsed(Conflict):
    """The sign-in link was used or has expired."""

    key = "error.link_used"


class WrongPassword(Refused):
    """The e-mail or the password is wrong."""

    key = "error.wrong_password"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a password is checked against. ``account_id``: None when no account has one."""

    account_id: str | None
    stored: str


def hash_token(token: str) -> str:
    """What is kept of a token that is given out once; its randomness needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_link(tx: Session, account_id: str, now: datetime) -> str:
    """Token of a new one-time link."""
    token = secrets.token_urlsafe(32)
    tx.add(
        SignInLink(token_hash=hash_token(token), account_id=account_id, expires_at=now + LINK_LASTS)
    )
    tx.flush()
    return token


def use_link(tx: Session, token: str, now: datetime) -> str:
    """Token of a new sign-in session. Raises LinkUsed."""
    link = SignInLink
    # one statement, so that of two who use it at once one finds it used
    used = update(link).where(
        link.token_hash == hash_token(token), link.used_at.is_(None), link.expires_at >= now
    )
    account_id = tx.scalar(used.values(used_at=now).returning(link.account_id))
    if account_id is None:
        raise LinkUsed
    return begin(tx, account_id, now)


def claim(tx: Session, email: str) -> Claim:
    """Whose password an e-mail asks for."""
    account = tx.scalars(select(Account).where(Account.email == email.strip().lower())).first()
    if account is None or not account.is_active or account.password_hash is None:
        return Claim(None, _NOBODY)
    return Claim(account.id, account.password_hash)


def proven(claimed: Claim, password: str) -> str:
    """Id of the account whose password this is. Raises WrongPassword.

    Slow on purpose: never while a transaction keeps others from writing.
    """
    matches = _passwords.verify(password, claimed.stored)
    if not matches or claimed.account_id is None:
        raise WrongPassword
    return claimed.account_id


def hash_password(password: str) -> str:
    return _passwords.hash(password)


def begin(tx: Session, account_id: str, now: datetime) -> str:
    """Open a sign-in session; returns the token for the cookie."""
    token = secrets.token_urlsafe(32)
    row = SignInSession(
        token_hash=hash_token(token),
        id=new_id(),
        account_id=account_id,
        created_at=now,
        expires_at=now + SESSION_LASTS,
    )
    tx.add(row)
    events.append(tx, f"account:{account_id}", "signed_in", {"session": row.id}, now)
    return token


def end(tx: Session, token: str, now: datetime) -> None:
    row = tx.get(SignInSession, hash_token(token))
    if row is not None and row.ended_at is None:
        row.ended_at = now


def visitor(
    tx: Session, token: str, now: datetime, *, is_kept: Callable[[str], bool] = lambda _: False
) -> tuple[Account, str] | None:
    """The account and sign-in id of a session token that is still open.

    ``is_kept``: whether a sign-in, by its id, stays open though its time is over.
    """
    row = tx.get(SignInSession, hash_token(token))
    account = owner(tx, row, now, is_kept)
    return (account, row.id) if row is not None and account is not None else None


def owner(
    tx: Session, row: SignInSession | None, now: datetime, is_kept: Callable[[str], bool]
) -> Account | None:
    """Whose sign-in *row* is, while it is open and they may use the service."""
    if row is None or row.ended_at is not None or (row.expires_at < now and not is_kept(row.id)):
        return None
    account = tx.get(Account, row.account_id)
    return account if account is not None and account.is_active else None
