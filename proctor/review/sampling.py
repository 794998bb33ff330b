"""Sittings without incidents that people look through, to learn what the detectors miss.

Which ones follows from their ids alone: nobody picks, and nothing about the person matters.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import Conflict
from proctor.incidents.kinds import Kind
from proctor.incidents.tables import IncidentRow
from proctor.people.tables import Account
from proctor.review.looks import looks_of
from proctor.review.precision import held_at
from proctor.review.tables import SampleLook
from proctor.review.verdicts import NotLooked, OwnSitting, reason_of
from proctor.sittings.tables import Sitting, SittingState


class NotInTheSample(Conflict):
    """This sitting has incidents, is not over, or was looked through already."""

    key = "error.not_in_the_sample"


@dataclass(frozen=True, slots=True)
class Misses:
    """What was found in ``looked`` sittings without incidents. ``missed``: by kind."""

    looked: int
    missed: dict[str, int]


def share_of(name: str, subject_id: str) -> float:
    """A number from 0 to 1 that belongs to *subject_id*; even over many of them."""
    digest = hashlib.sha256(f"{name}:{subject_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def is_drawn(sitting_id: str, percent: float) -> bool:
    """Whether a sitting is among the *percent* that are looked through."""
    return share_of("sample", sitting_id) < percent / 100


def note(
    tx: Session,
    reviewer: Account,
    sitting: Sitting,
    missed: Kind | None,
    words: str,
    at: datetime,
) -> None:
    """Write what a person found in a sitting without incidents, once.

    Raises NotInTheSample, NotLooked or ReasonMissing.
    """
    if reviewer.id == sitting.account_id:
        raise OwnSitting(sitting=sitting.id)
    of_it = select(func.count()).where(IncidentRow.sitting_id == sitting.id)
    is_over = sitting.state is SittingState.FINISHED
    if not is_over or tx.scalars(of_it).one() or tx.get(SampleLook, sitting.id) is not None:
        raise NotInTheSample(sitting=sitting.id)
    if not looks_of(tx, reviewer.id, sitting.id).recordings:
        raise NotLooked(sitting=sitting.id)
    row = SampleLook(
        sitting_id=sitting.id,
        reviewer_id=reviewer.id,
        missed=missed.value if missed else None,
        note=reason_of(words),
        at=at,
    )
    tx.add(row)
    payload = {"reviewer": reviewer.id, "missed": row.missed}
    events.append(tx, sitting.id, "sample_looked", payload, at)


def look_of(tx: Session, sitting_id: str) -> SampleLook | None:
    """What was found in a sitting that was looked through."""
    return tx.get(SampleLook, sitting_id)


def misses_of(tx: Session, institution_id: str) -> Misses:
    """All looks at one institution."""
    query = select(SampleLook).where(SampleLook.sitting_id.in_(held_at(institution_id)))
    rows = list(tx.scalars(query))
    return Misses(len(rows), dict(Counter(row.missed for row in rows if row.missed)))
