"""One-time codes that bind a test on another site to a sitting. Only their hashes are kept."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from proctor.errors import NotFound
from proctor.exams.schemes import course_of
from proctor.exams.tables import AssessmentEvent
from proctor.people.sign_in import hash_token
from proctor.people.tables import Account
from proctor.sittings.desk import UNDER_WAY
from proctor.sittings.tables import Sitting, VisitCode


class NoSuchCode(NotFound):
    """This code was used, or belongs to no exam that is under way."""

    key = "error.test_code"


@dataclass(frozen=True, slots=True)
class Bound:
    """Whose sitting a code belongs to. ``remaining_s``: with the time this learner is granted."""

    course: str
    event: str
    learner_number: str | None
    remaining_s: float


def make(tx: Session, sitting_id: str, now: datetime) -> str:
    """A code for one visit to the test; those made before that nobody used end."""
    unused = update(VisitCode).where(
        VisitCode.sitting_id == sitting_id, VisitCode.used_at.is_(None)
    )
    tx.execute(unused.values(used_at=now))
    code = secrets.token_urlsafe(24)
    tx.add(VisitCode(code_hash=hash_token(code), sitting_id=sitting_id, made_at=now))
    tx.flush()
    return code


def use(tx: Session, code: str, now: datetime) -> Bound:
    """What the site of the test may know, once. Raises NoSuchCode."""
    # one statement, so that of two who use it at once one finds it used
    used = update(VisitCode).where(
        VisitCode.code_hash == hash_token(code), VisitCode.used_at.is_(None)
    )
    sitting_id = tx.scalar(used.values(used_at=now).returning(VisitCode.sitting_id))
    sitting = None if sitting_id is None else tx.get_one(Sitting, sitting_id)
    if sitting is None or sitting.state not in UNDER_WAY or sitting.deadline_at is None:
        raise NoSuchCode
    event = tx.get_one(AssessmentEvent, sitting.event_id)
    left_s = (sitting.deadline_at - (sitting.paused_at or now)).total_seconds()
    return Bound(
        course=course_of(tx, event).code,
        event=event.code,
        learner_number=tx.get_one(Account, sitting.account_id).learner_number,
        remaining_s=max(0.0, round(left_s, 1)),
    )
