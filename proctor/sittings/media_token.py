"""What lets a program send the pictures of one sitting: as good as its student's sign-in."""

import base64
import binascii
from datetime import datetime

from cryptography.exceptions import InvalidTag
from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.people import sign_in
from proctor.people.tables import SignInSession
from proctor.sittings import desk
from proctor.sittings.tables import Sitting
from proctor.vault import Vault

_PURPOSE = "media token"


def make(vault: Vault, sitting: Sitting) -> str:
    """A token for *sitting*, until its sign-in ends or another one takes the sitting over."""
    sealed = vault.wrap(sitting.id, _PURPOSE, sitting.sign_in_id.encode())
    return base64.urlsafe_b64encode(sealed).decode()


def opens(tx: Session, vault: Vault, sitting_id: str, token: str, now: datetime) -> bool:
    """Whether *token* is one of this sitting that holds still."""
    sitting = tx.get(Sitting, sitting_id)
    if sitting is None:
        return False
    try:
        sealed = base64.urlsafe_b64decode(token.encode())
        sign_in_id = vault.unwrap(sitting_id, _PURPOSE, sealed).decode()
    except (ValueError, binascii.Error, InvalidTag):
        return False
    if sitting.sign_in_id != sign_in_id:
        return False
    asked = select(SignInSession).where(SignInSession.id == sign_in_id)
    row = tx.scalars(asked).one_or_none()
    holder = sign_in.owner(tx, row, now, lambda each: desk.is_at_exam(tx, each, now))
    return holder is not None
