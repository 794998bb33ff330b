"""What an exam grants a learner beyond the others, as effects without their cause.

The office grants; the newest grant of a learner counts, one for a course before one for all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from proctor.errors import Refused
from proctor.exams.tables import AccommodationRow, RosterEntry
from proctor.people.tables import Account

MOST_EXTRA_PERCENT = 200


class Effect(StrEnum):
    """What the exam leaves out for this learner. Extra time is a number beside them."""

    GAZE_OFF = "gaze_off"
    SECOND_PERSON = "second_person"
    BREAKS = "breaks"
    SECOND_DISPLAY = "second_display"
    SCREEN_READER = "screen_reader"
    NO_KEYSTROKE = "no_keystroke"


class AccommodationInvalid(Refused):
    """Extra time is between 0 and 200 percent of the exam."""

    key = "error.accommodation"


@dataclass(frozen=True, slots=True)
class Accommodation:
    """``extra_time_percent``: of the length of the exam."""

    effects: frozenset[Effect] = frozenset()
    extra_time_percent: int = 0

    def extra_of(self, duration_s: float) -> timedelta:
        """The time this learner has beyond the others in an exam of *duration_s* seconds."""
        return timedelta(seconds=duration_s * self.extra_time_percent / 100)


def grant(
    tx: Session,
    by: Account,
    learner: Account,
    course_id: str | None,
    effects: Iterable[Effect],
    extra_time_percent: int,
    at: datetime,
) -> None:
    """Replace what *learner* is granted in a course, or in all without one. No effects end it.

    Holds for sittings that begin from now on.
    """
    if not 0 <= extra_time_percent <= MOST_EXTRA_PERCENT:
        raise AccommodationInvalid
    row = AccommodationRow(
        account_id=learner.id,
        course_id=course_id,
        effects=sorted(effect.value for effect in effects),
        extra_time_percent=extra_time_percent,
        by=by.id,
        at=at,
    )
    tx.add(row)
    tx.flush()


def accommodation_of(tx: Session, account_id: str, course_id: str) -> Accommodation:
    """What a learner is granted in a course."""
    row = tx.scalars(
        select(AccommodationRow)
        .where(
            AccommodationRow.account_id == account_id,
            or_(AccommodationRow.course_id == course_id, AccommodationRow.course_id.is_(None)),
        )
        .order_by(AccommodationRow.course_id.is_(None), AccommodationRow.at.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return Accommodation()
    return Accommodation(frozenset(map(Effect, row.effects)), row.extra_time_percent)


def granted_in(tx: Session, course_id: str) -> list[tuple[Account, Accommodation]]:
    """Learners of a course who are granted something, by name."""
    learners = (
        select(Account)
        .join(RosterEntry, RosterEntry.account_id == Account.id)
        .where(
            RosterEntry.course_id == course_id,
            exists().where(AccommodationRow.account_id == Account.id),
        )
        .order_by(Account.name, Account.id)
    )
    found = [(each, accommodation_of(tx, each.id, course_id)) for each in tx.scalars(learners)]
    return [(each, granted) for each, granted in found if granted != Accommodation()]
