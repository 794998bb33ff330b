"""Several attempts at one event enter, the one outcome that matters leaves."""

from collections.abc import Sequence
from dataclasses import dataclass

from proctor.shares.calculator import Outcome

_LEAVE = (Outcome.EXCUSED, Outcome.CANCELLED)
# worst first: what stands beside a verified attempt in an average
_NOT_VERIFIED = (Outcome.VOIDED, Outcome.UNVERIFIED, Outcome.ABSENT, Outcome.NOT_PLANNED)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. ``counted``: its score enters the final assessment; None = not said."""

    outcome: Outcome
    counted: bool | None = None


def outcome_of(attempts: Sequence[Attempt], *, planned: bool) -> Outcome:
    """The outcome of an event with these *attempts*, in the order they were held.

    Without any the event is not verified. Without an identity plan nothing verifies it, but it
    leaves the assessment like any other when it is cancelled or the learner is excused.
    """
    if not attempts:
        return Outcome.ABSENT if planned else Outcome.NOT_PLANNED
    outcome = _joined([attempt.outcome for attempt in counted(attempts)])
    return outcome if planned or outcome in _LEAVE else Outcome.NOT_PLANNED


def counted(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Attempts whose scores enter the assessment: those that say so, else the last."""
    said = [attempt for attempt in attempts if attempt.counted]
    return said or list(attempts[-1:])


def _joined(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome of an average: verified only when every attempt in it is."""
    held = [outcome for outcome in outcomes if outcome not in _LEAVE]
    if not held:
        return outcomes[0]
    for outcome in (*_NOT_VERIFIED, Outcome.PENDING):
        if outcome in held:
            return outcome
    return Outcome.VERIFIED
