from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from proctor.people import sign_in
from proctor.people.tables import Account
from proctor.sittings import media_token
from proctor.sittings.tables import Sitting, SittingState
from proctor.vault import Vault
from tests.support.cast import NOON, assemble
from tests.support.sittings import sitting_of

pytestmark = pytest.mark.db

VAULT = Vault(bytes(32))
TOO_LATE = NOON + sign_in.SESSION_LASTS + timedelta(seconds=1)


@pytest.fixture
def sitting(tx: Session) -> Sitting:
    """Alice's exam, which goes on."""
    cast = assemble(tx)
    signed_in = sign_in.visitor(tx, sign_in.begin(tx, cast.alice.id, NOON), NOON)
    assert signed_in is not None
    row = sitting_of(tx, cast, cast.alice, NOON, SittingState.RUNNING)
    row.sign_in_id = signed_in[1]
    return row


def test_a_token_lasts_as_long_as_its_sign_in(tx: Session, sitting: Sitting) -> None:
    token = media_token.make(VAULT, sitting)
    # a sign-in lasts until its exam is over
    assert media_token.opens(tx, VAULT, sitting.id, token, TOO_LATE)
    sitting.state, sitting.finished_at = SittingState.FINISHED, NOON
    assert media_token.opens(tx, VAULT, sitting.id, token, NOON)
    assert not media_token.opens(tx, VAULT, sitting.id, token, TOO_LATE)


def test_a_token_ends_with_its_account(tx: Session, sitting: Sitting) -> None:
    token = media_token.make(VAULT, sitting)
    tx.get_one(Account, sitting.account_id).is_active = False
    assert not media_token.opens(tx, VAULT, sitting.id, token, NOON)


def test_a_token_is_of_one_sitting_and_one_sign_in(tx: Session, sitting: Sitting) -> None:
    token = media_token.make(VAULT, sitting)
    assert not media_token.opens(tx, VAULT, "0" * 32, token, NOON)
    assert not media_token.opens(tx, VAULT, sitting.id, f"A{token[1:]}", NOON)
    sitting.sign_in_id = "0" * 32
    assert not media_token.opens(tx, VAULT, sitting.id, token, NOON)
