"""Who works on a sitting now, so that two people never decide in one at the same time.

A claim is taken from the queue or by the first decision, and ends with the work or by itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from proctor.errors import Conflict
from proctor.people.tables import Account
from proctor.review.tables import ReviewClaim

#: after the last look or decision
LASTS = timedelta(minutes=30)


class Claimed(Conflict):
    """A colleague works on this sitting."""

    key = "error.claimed"


@dataclass(frozen=True, slots=True)
class Claim:
    """``by``: the name to show."""

    account_id: str
    by: str
    until: datetime


def claims_of(tx: Session, now: datetime, sitting_ids: Iterable[str]) -> dict[str, Claim]:
    """Claims in force by sitting."""
    query = (
        select(ReviewClaim, Account.name)
        .join(Account, Account.id == ReviewClaim.account_id)
        .where(ReviewClaim.until > now)
    )
    wanted = set(sitting_ids)
    return {
        row.sitting_id: Claim(row.account_id, name, row.until)
        for row, name in tx.execute(query)
        if row.sitting_id in wanted
    }


def hold(tx: Session, account: Account, sitting_id: str, now: datetime) -> None:
    """Claim a sitting, or keep one's claim for longer. Raises Claimed."""
    until = now + LASTS
    # one statement: of two people at the same moment only one finds it free
    taken = tx.scalars(
        update(ReviewClaim)
        .where(
            ReviewClaim.sitting_id == sitting_id,
            or_(ReviewClaim.account_id == account.id, ReviewClaim.until <= now),
        )
        .values(account_id=account.id, until=until)
        .returning(ReviewClaim.sitting_id)
    ).all()
    if taken:
        return
    row = ReviewClaim(sitting_id=sitting_id, account_id=account.id, until=until)
    try:
        with tx.begin_nested():
            tx.add(row)
    except IntegrityError:
        raise Claimed from None


def release(tx: Session, account: Account, sitting_id: str) -> None:
    """Let others work on it."""
    tx.execute(
        delete(ReviewClaim).where(
            ReviewClaim.sitting_id == sitting_id, ReviewClaim.account_id == account.id
        )
    )
