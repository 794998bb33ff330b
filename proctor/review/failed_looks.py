"""How often each check of a sitting could not be made, and how often it was tried."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from proctor import events
from proctor.analysis.face import OWN_PAD
from proctor.events import Event


def of_faces(name: str) -> str:
    """What the canonical body of a fact *name* about the camera holds."""
    return f'"check":"face","name":"{name}"'


# in the order they are shown; what the canonical body of a fact holds when the check was made
_MADE = {
    "face": of_faces("camera"),
    "identity": of_faces("identity"),
    "far": '"far":true',
    "gaze": of_faces("gaze"),
    "things": of_faces("things"),
    "presentation": of_faces("presentation"),
    OWN_PAD: of_faces(OWN_PAD),
}


@dataclass(frozen=True, slots=True)
class FailedLooks:
    """One check. ``of``: how often it was tried; ``reasons``: names, most frequent first."""

    check: str
    failed: int
    of: int
    reasons: tuple[str, ...]


def failed_looks(tx: Session, sitting_id: str) -> tuple[FailedLooks, ...]:
    """Checks of the camera that failed at least once."""
    failed = [each.payload for each in events.read(tx, sitting_id, "not_assessed")]
    reasons = {
        check: Counter(each["reason"] for each in failed if each["check"] == check)
        for check in _MADE
    }
    if not any(reasons.values()):
        return ()
    made = _made(tx, sitting_id)
    return tuple(
        FailedLooks(
            check,
            found.total(),
            found.total() + made[check],
            tuple(reason for reason, _ in found.most_common()),
        )
        for check, found in reasons.items()
        if found
    )


def _made(tx: Session, sitting_id: str) -> dict[str, int]:
    # an exam of three hours has forty thousand facts: the database reads them through once
    counts = [
        func.sum(case((Event.body.contains(held, autoescape=True), 1), else_=0))
        for held in _MADE.values()
    ]
    query = select(*counts).where(Event.stream == sitting_id, Event.kind == "observation")
    found = tx.execute(query).one()
    return {check: int(count or 0) for check, count in zip(_MADE, found, strict=True)}
