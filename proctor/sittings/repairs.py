"""Events verified afterwards by another technology: windows, and the sittings held in them.

A window begins when the event is over, and lets nothing begin once a report that names the event
was issued.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.exams.tables import AssessmentEvent, Technology
from proctor.sittings.desk import AlreadyFinished, newest_sitting, next_attempt
from proctor.sittings.tables import Repair, RepairWindow, Sitting, SittingState


def windows_of(tx: Session, course_id: str) -> list[RepairWindow]:
    """Windows of a course that were not ended, in order of time."""
    query = select(RepairWindow).where(
        RepairWindow.course_id == course_id, RepairWindow.ended_at.is_(None)
    )
    return list(tx.scalars(query.order_by(RepairWindow.opens_at, RepairWindow.id)))


def window_of(tx: Session, sitting_id: str) -> RepairWindow | None:
    """The window a sitting is held in, None for one in the time of the event."""
    query = select(RepairWindow).join(Repair, Repair.window_id == RepairWindow.id)
    return tx.scalars(query.where(Repair.sitting_id == sitting_id)).one_or_none()


def technologies_of(tx: Session, course_id: str) -> dict[str, Technology]:
    """What verifies each sitting of a course that was held in a window, by its id."""
    query = (
        select(Repair.sitting_id, RepairWindow.technology)
        .join(RepairWindow, RepairWindow.id == Repair.window_id)
        .where(RepairWindow.course_id == course_id)
    )
    return {row.sitting_id: row.technology for row in tx.execute(query)}


def is_published(tx: Session, course_id: str, event: AssessmentEvent) -> bool:
    """Whether a report of the course was issued when *event* was over."""
    issued = events.read(tx, f"course:{course_id}", "report_issued")
    return any(each.at >= event.closes_at for each in issued)


def open_now(windows: Iterable[RepairWindow], now: datetime) -> list[RepairWindow]:
    return [each for each in windows if each.opens_at <= now < each.closes_at]


def sit_again(
    tx: Session,
    window: RepairWindow,
    event: AssessmentEvent,
    account_id: str,
    sign_in_id: str,
    now: datetime,
) -> Sitting:
    """A further sitting of *event* in *window*, or the one that was opened there.

    Raises AlreadyFinished: there is one sitting in a window.
    """
    newest = newest_sitting(tx, event.id, account_id)
    held_in = window_of(tx, newest.id) if newest else None
    if newest is not None and held_in is not None and held_in.id == window.id:
        if newest.state not in (SittingState.CREATED, SittingState.CHECKING):
            raise AlreadyFinished
        newest.sign_in_id = sign_in_id
        return newest
    sitting = next_attempt(tx, event.id, account_id, newest, sign_in_id, now)
    tx.add(Repair(sitting_id=sitting.id, window_id=window.id))
    tx.flush()
    fact = {"event": event.id, "repair": window.id, "technology": window.technology.value}
    events.append(tx, sitting.id, "sitting_opened", fact, now)
    return sitting
