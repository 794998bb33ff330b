from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from proctor.people import sign_in
from tests.support.cast import NOON, assemble

pytestmark = pytest.mark.db


def test_a_link_signs_in_once(tx: Session) -> None:
    alice = assemble(tx).alice
    token = sign_in.make_link(tx, alice.id, NOON)
    session = sign_in.use_link(tx, token, NOON)
    found = sign_in.visitor(tx, session, NOON)
    assert found is not None and found[0].id == alice.id
    with pytest.raises(sign_in.LinkUsed):
        sign_in.use_link(tx, token, NOON)


def test_a_link_expires(tx: Session) -> None:
    token = sign_in.make_link(tx, assemble(tx).alice.id, NOON)
    with pytest.raises(sign_in.LinkUsed):
        sign_in.use_link(tx, token, NOON + sign_in.LINK_LASTS + timedelta(seconds=1))


def test_an_invented_link_is_refused(tx: Session) -> None:
    with pytest.raises(sign_in.LinkUsed):
        sign_in.use_link(tx, "x" * 43, NOON)


def test_a_session_ends_with_sign_out_and_with_time(tx: Session) -> None:
    token = sign_in.begin(tx, assemble(tx).alice.id, NOON)
    assert sign_in.visitor(tx, token, NOON + sign_in.SESSION_LASTS) is not None
    assert sign_in.visitor(tx, token, NOON + sign_in.SESSION_LASTS + timedelta(seconds=1)) is None
    sign_in.end(tx, token, NOON)
    assert sign_in.visitor(tx, token, NOON) is None


def test_passwords(tx: Session) -> None:
    olga = assemble(tx).olga
    olga.password_hash = sign_in.hash_password("correct horse")
    claimed = sign_in.claim(tx, " Olga@Example.org ")
    assert sign_in.proven(claimed, "correct horse") == olga.id
    for email, password in (
        ("olga@example.org", "wrong"),
        ("alice@example.org", "correct horse"),
        ("nobody@example.org", "correct horse"),
    ):
        with pytest.raises(sign_in.WrongPassword):
            sign_in.proven(sign_in.claim(tx, email), password)


def test_an_inactive_account_does_not_sign_in(tx: Session) -> None:
    olga = assemble(tx).olga
    olga.password_hash = sign_in.hash_password("correct horse")
    token = sign_in.begin(tx, olga.id, NOON)
    olga.is_active = False
    assert sign_in.visitor(tx, token, NOON) is None
    with pytest.raises(sign_in.WrongPassword):
        sign_in.proven(sign_in.claim(tx, "olga@example.org"), "correct horse")
