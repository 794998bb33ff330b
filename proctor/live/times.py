"""Times of an exam on the recordings' clock, which begins before the exam does."""

from datetime import datetime

from proctor.clock import Clock
from proctor.media.gaps import Cause
from proctor.sittings.tables import Sitting


def epoch_of(sitting: Sitting, clock: Clock) -> float:
    """Monotonic seconds at zero of the recordings' clock, the same in every process.

    Before the exam zero is when the sitting was made; then the start of the exam holds it.
    """
    now = clock.now()
    if sitting.started_at is None:
        gone_s = (now - sitting.created_at).total_seconds()
    else:
        gone_s = recorded_s(sitting, now)
    return clock.monotonic() - gone_s


def recorded_s(sitting: Sitting, at: datetime) -> float:
    """A time of the wall clock during the exam, on the recordings' clock."""
    assert sitting.started_at is not None, "a running sitting has begun"
    return (at - sitting.started_at).total_seconds() + sitting.exam_offset_s


def span_of(sitting: Sitting, cause: Cause, end_s: float) -> tuple[float, float]:
    """When *cause*, told in seconds of the exam, held on the recordings' clock until *end_s*."""
    offset = sitting.exam_offset_s
    return cause.start + offset, min(cause.end + offset, end_s)


def exam_length_s(sitting: Sitting, exam_now_s: float, now: datetime) -> float:
    """Seconds an exam that ends took: never more than was allowed, pauses aside."""
    assert sitting.started_at is not None, "an exam that ends has begun"
    assert sitting.deadline_at is not None, "an exam that runs has an end"
    allowed = (sitting.deadline_at - sitting.started_at).total_seconds()
    if sitting.paused_at is not None:
        allowed += (now - sitting.paused_at).total_seconds()
    return max(0.0, min(exam_now_s, allowed))
