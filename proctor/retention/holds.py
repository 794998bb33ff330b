"""Legal holds: two people keep what there is of a student from being erased, two let it go."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, aliased

from proctor import events
from proctor.errors import Conflict, NotFound, Refused
from proctor.people.tables import Account, Role
from proctor.plumbing.db import hold
from proctor.retention.tables import LegalHold
from proctor.review.verdicts import reason_of

#: a longer one is set anew, with a reason anew
LONGEST = timedelta(days=366)
#: what is erased cannot be brought back: so long a second person has to set it
ASKED_HOLDS = timedelta(days=3)
#: whom nobody confirmed does not keep it longer by asking again, until so long after
ASKED_IN_VAIN = timedelta(days=30)


class NoSuchStudent(NotFound):
    """There is no student with this number or address."""

    key = "error.hold_student"


class NoSuchHold(NotFound):
    """There is no such hold."""


class HoldTooLong(Refused):
    """A hold ends in the future, and within a year."""

    key = "error.hold_until"


class OtherPersonNeeded(Conflict):
    """A hold is set, and lifted, by two different people."""

    key = "error.hold_second_person"


class HoldOver(Conflict):
    """The hold was lifted, or set by two people already."""

    key = "error.hold_over"


def on_hold(tx: Session, account_ids: Collection[str], now: datetime) -> set[str]:
    """Whose data a hold keeps at *now*, one that was just asked for too."""
    row, earlier = LegalHold, aliased(LegalHold)
    in_vain = exists().where(
        earlier.account_id == row.account_id,
        earlier.asked_by == row.asked_by,
        earlier.set_at.is_(None),
        earlier.asked_at <= now - ASKED_HOLDS,
        earlier.asked_at > now - ASKED_IN_VAIN,
    )
    is_set = row.set_at.is_not(None) | ((row.asked_at > now - ASKED_HOLDS) & ~in_vain)
    in_force = is_set & row.lifted_at.is_(None) & (row.until > now)
    return set(tx.scalars(select(row.account_id).where(in_force))) & set(account_ids)


def holds_of(tx: Session, account_id: str, now: datetime) -> list[LegalHold]:
    """Holds in force about one person."""
    query = select(LegalHold).where(
        LegalHold.account_id == account_id,
        LegalHold.set_at.is_not(None),
        LegalHold.lifted_at.is_(None),
        LegalHold.until > now,
    )
    return list(tx.scalars(query.order_by(LegalHold.until)))


def open_holds(tx: Session, institution_id: str, now: datetime) -> list[tuple[LegalHold, Account]]:
    """Holds of an institution that are asked for or in force, with the student."""
    query = (
        select(LegalHold, Account)
        .join(Account, Account.id == LegalHold.account_id)
        .where(
            Account.institution_id == institution_id,
            LegalHold.lifted_at.is_(None),
            LegalHold.until > now,
        )
    )
    return [(row, student) for row, student in tx.execute(query.order_by(LegalHold.asked_at))]


def student_called(tx: Session, institution_id: str, name: str) -> Account:
    """The student with this learner number or e-mail address. Raises NoSuchStudent."""
    words = name.strip()
    query = select(Account).where(
        Account.institution_id == institution_id,
        Account.role == Role.STUDENT,
        or_(Account.learner_number == words, Account.email == words.lower()),
    )
    found = list(tx.scalars(query.limit(2))) if words else []
    if len(found) != 1:
        raise NoSuchStudent
    return found[0]


def ask(
    tx: Session, by: Account, student: Account, reason: str, until: datetime, at: datetime
) -> LegalHold:
    """Ask for a hold; another person sets it. Raises HoldTooLong, ReasonMissing."""
    if not at < until <= at + LONGEST:
        raise HoldTooLong
    row = LegalHold(
        account_id=student.id, reason=reason_of(reason), until=until, asked_by=by.id, asked_at=at
    )
    tx.add(row)
    tx.flush()
    _log(tx, "hold_asked", row, by, at)
    return row


def confirm(tx: Session, by: Account, hold_id: str, at: datetime) -> None:
    """Set a hold that somebody else asked for. Raises HoldOver, OtherPersonNeeded."""
    row = _open(tx, by, hold_id, at)
    if row.set_at is not None:
        raise HoldOver
    if by.id == row.asked_by:
        raise OtherPersonNeeded
    row.set_by, row.set_at = by.id, at
    _log(tx, "hold_set", row, by, at)


def lift(tx: Session, by: Account, hold_id: str, at: datetime) -> None:
    """Ask that a hold is lifted, or lift it when somebody else asked. One that nobody set yet is
    taken back by one person."""
    row = _open(tx, by, hold_id, at)
    if row.set_at is not None and row.lift_asked_by is None:
        row.lift_asked_by = by.id
        _log(tx, "hold_lift_asked", row, by, at)
        return
    if by.id == row.lift_asked_by:
        raise OtherPersonNeeded
    row.lifted_by, row.lifted_at = by.id, at
    _log(tx, "hold_lifted", row, by, at)


def _open(tx: Session, by: Account, hold_id: str, at: datetime) -> LegalHold:
    row = tx.get(LegalHold, hold_id)
    if row is None or tx.get_one(Account, row.account_id).institution_id != by.institution_id:
        raise NoSuchHold
    hold(tx, f"account:{row.account_id}")
    # what was read before may be over
    tx.refresh(row)
    if row.lifted_at is not None or row.until <= at:
        raise HoldOver
    return row


def _log(tx: Session, kind: str, row: LegalHold, by: Account, at: datetime) -> None:
    payload = {"hold": row.id, "by": by.id, "until": row.until.isoformat()}
    events.append(tx, f"account:{row.account_id}", kind, payload, at)
