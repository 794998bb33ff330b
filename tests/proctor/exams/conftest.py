from datetime import UTC, datetime
from typing import Protocol

import pytest
from sqlalchemy.orm import Session

from proctor.people.tables import Account, Institution, Role


class MakePerson(Protocol):
    def __call__(self, user: str, role: Role, institution: str = "home") -> Account: ...


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 10, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def make_person(tx: Session) -> MakePerson:
    def make(user: str, role: Role, institution: str = "home") -> Account:
        if tx.get(Institution, institution) is None:
            tx.add(Institution(id=institution, name=institution))
            tx.flush()
        account = Account(
            institution_id=institution, email=f"{user}@example.org", name=user.title(), role=role
        )
        tx.add(account)
        tx.flush()
        return account

    return make


@pytest.fixture
def office(make_person: MakePerson) -> Account:
    """Olga, of the exam office."""
    return make_person("olga", Role.EXAM_OFFICE)
