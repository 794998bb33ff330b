"""Institutions and accounts."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.errors import Conflict, NotFound
from proctor.people.tables import Account, Institution, Role


class EmailTaken(Conflict):
    """There is already an account with this e-mail."""

    key = "error.email_taken"


class NoSuchAccount(NotFound):
    """There is no account with this e-mail."""


def ensure_institution(tx: Session, name: str) -> Institution:
    """The institution of this name, made when it does not exist."""
    found = tx.scalars(select(Institution).where(Institution.name == name)).first()
    if found is None:
        found = Institution(name=name)
        tx.add(found)
        tx.flush()
    return found


def by_email(tx: Session, email: str) -> Account:
    """Raises NoSuchAccount."""
    found = tx.scalars(select(Account).where(Account.email == email.strip().lower())).first()
    if found is None:
        raise NoSuchAccount
    return found


def add(
    tx: Session,
    institution_id: str,
    email: str,
    name: str,
    role: Role,
    *,
    locale: str = "kk",
    learner_number: str | None = None,
) -> Account:
    """A new account. Raises EmailTaken."""
    email = email.strip().lower()
    if tx.scalars(select(Account.id).where(Account.email == email)).first():
        raise EmailTaken
    account = Account(
        institution_id=institution_id,
        email=email,
        name=name,
        role=role,
        locale=locale,
        learner_number=learner_number,
    )
    tx.add(account)
    tx.flush()
    return account
