"""Which events of a learner can be verified again, and by which other technology (item 38(1)).

The technologies of the act are equal: what one of them could not verify another may, in a time
the exam office sets. A verified event is left alone, and so is one that is published.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import Conflict, NotFound, Refused
from proctor.exams.accommodations import Effect, accommodation_of
from proctor.exams.schemes import events_in_force
from proctor.exams.tables import AssessmentEvent, Course, Technology
from proctor.people.tables import Account
from proctor.shares.calculator import Outcome
from proctor.shares.outcomes import EventOutcome, course_outcomes
from proctor.shares.packs import pack
from proctor.shares.planned import plan_of
from proctor.sittings.desk import UNDER_WAY, is_proctored
from proctor.sittings.repairs import (
    is_published,
    open_now,
    sit_again,
    window_of,
    windows_of,
)
from proctor.sittings.tables import RepairWindow, Sitting

_NOT_VERIFIED = frozenset({Outcome.PENDING, Outcome.UNVERIFIED, Outcome.VOIDED, Outcome.ABSENT})


class NotAnother(Refused):
    """This technology is planned already, or the event cannot be verified by it."""

    key = "error.repair_technology"


class BeforeItIsOver(Refused):
    """A window begins when the event is over, and ends later than it begins."""

    key = "error.repair_time"


class Published(Conflict):
    """A report issued after the event names its outcome."""

    key = "error.repair_published"


class NothingToRepair(NotFound):
    """There is nothing you may verify again now."""


@dataclass(frozen=True, slots=True)
class Chance:
    """An event of a learner that is not verified, and a window in which it can be."""

    event: AssessmentEvent
    outcome: EventOutcome
    window: RepairWindow
    is_open: bool

    @property
    def is_here(self) -> bool:
        """Whether it is sat in front of camera and screen, and not at a centre."""
        return self.window.technology is not Technology.TEST_CENTRE


def second_technologies(course: Course, event: AssessmentEvent) -> tuple[Technology, ...]:
    """What *event* was not planned with and can be verified by all the same, in their order.

    What is not sat here can be verified at a test centre only.
    """
    rules = pack(course.policy_pack)
    plan = plan_of(event, rules)
    if not plan:
        return ()
    others = {Technology(name) for name in rules.technologies} - plan
    if not is_proctored(event):
        others &= {Technology.TEST_CENTRE}
    return tuple(sorted(others))


def open_window(
    tx: Session,
    course: Course,
    event: AssessmentEvent,
    technology: Technology,
    opens_at: datetime,
    closes_at: datetime,
    by: Account,
    at: datetime,
) -> RepairWindow:
    """Let who is not verified in *event* be verified by *technology* in this time.

    Raises NotAnother, BeforeItIsOver or Published.
    """
    if technology not in second_technologies(course, event):
        raise NotAnother
    if not event.closes_at <= opens_at < closes_at or closes_at <= at:
        raise BeforeItIsOver
    if is_published(tx, course.id, event):
        raise Published
    row = RepairWindow(
        course_id=course.id,
        event_code=event.code,
        technology=technology,
        opens_at=opens_at,
        closes_at=closes_at,
        by=by.id,
        at=at,
    )
    tx.add(row)
    tx.flush()
    fact = {
        "window": row.id,
        "event": event.code,
        "technology": technology.value,
        "opens_at": opens_at.isoformat(),
        "closes_at": closes_at.isoformat(),
        "by": by.id,
    }
    events.append(tx, f"course:{course.id}", "repair_window_opened", fact, at)
    return row


def end_window(tx: Session, course: Course, window_id: str, by: Account, at: datetime) -> None:
    """Let nothing begin in a window any more. Raises NothingToRepair."""
    row = next((each for each in windows_of(tx, course.id) if each.id == window_id), None)
    if row is None:
        raise NothingToRepair(course=course.id)
    row.ended_at = at
    fact = {"window": row.id, "by": by.id}
    events.append(tx, f"course:{course.id}", "repair_window_ended", fact, at)


def chances_of(tx: Session, course: Course, learner: Account, now: datetime) -> list[Chance]:
    """Events of *learner* with a window that is open or still to come; none once published."""
    windows = [each for each in windows_of(tx, course.id) if now < each.closes_at]
    if not windows:
        return []
    in_force = {event.code: event for event in events_in_force(tx, course.id)}
    by_code = {each.code: each for each in course_outcomes(tx, course, [learner], now)[learner.id]}
    granted, is_open = accommodation_of(tx, learner.id, course.id), open_now(windows, now)
    found = []
    for window in windows:
        outcome, event = by_code.get(window.event_code), in_force.get(window.event_code)
        if outcome is None or event is None or not _may_be_verified(outcome, now):
            continue
        held_in = window_of(tx, outcome.sitting.id) if outcome.sitting else None
        if held_in is not None and held_in.id == window.id:
            continue
        is_spared = Effect.NO_KEYSTROKE in granted.effects
        if is_spared and window.technology is Technology.KEYSTROKE:
            continue
        if is_published(tx, course.id, event):
            continue
        found.append(Chance(event, outcome, window, window in is_open))
    return found


def begin(
    tx: Session,
    course: Course,
    event: AssessmentEvent,
    learner: Account,
    sign_in_id: str,
    now: datetime,
) -> Sitting:
    """The learner's sitting in the window of *event* that is open now.

    Raises NothingToRepair, or AlreadyFinished when it was held.
    """
    for chance in chances_of(tx, course, learner, now):
        if chance.event.id == event.id and chance.is_open and chance.is_here:
            return sit_again(tx, chance.window, event, learner.id, sign_in_id, now)
    raise NothingToRepair(course=course.id)


def _may_be_verified(outcome: EventOutcome, now: datetime) -> bool:
    """Whether the event is over and not verified. A sitting under way is gone on with."""
    is_under_way = outcome.sitting is not None and outcome.sitting.state in UNDER_WAY
    is_over = now >= outcome.event.closes_at and not is_under_way
    return is_over and outcome.decision.outcome in _NOT_VERIFIED
