"""What is past its term, what of it is held, and whether it is too much to be erased at once."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proctor.identity.tables import Reference, ReferenceState
from proctor.people.tables import Account
from proctor.retention.facts import (
    Standing,
    references_past_term,
    sittings_past_term,
    with_evidence,
)
from proctor.retention.rules import Why
from proctor.sittings.tables import Sitting

#: so few are never too many at once
FEW = 20


@dataclass(frozen=True, slots=True)
class Due:
    """What is past its term. ``kept``: sittings with evidence, due or not; ``used``: references
    that were not given up, due or not."""

    sittings: tuple[Standing, ...]
    references: tuple[Standing, ...]
    kept: int
    used: int

    def now_due(self, now: datetime) -> tuple[list[Standing], list[Standing]]:
        """Sittings and references that nothing holds."""
        return (
            [each for each in self.sittings if not each.why_not_yet(now)],
            [each for each in self.references if not each.why_not_yet(now)],
        )

    def too_many(self, now: datetime, most_percent: float) -> tuple[list[Standing], list[Standing]]:
        """Of these the sittings and references that wait for a person, since they are more than
        *most_percent* of all at once."""
        sittings, references = self.now_due(now)
        # one that is no longer used has no term that could be wrong, and goes at once
        used = [each for each in references if each.facts.term]
        return (
            sittings if _is_too_much(len(sittings), self.kept, most_percent) else [],
            used if _is_too_much(len(used), self.used, most_percent) else [],
        )

    def held(self, now: datetime) -> Counter[Why]:
        """How many sittings and references are past their term for which reason."""
        every = self.sittings + self.references
        return Counter(why for each in every for why in each.why_not_yet(now))


def find_due(tx: Session, institution_id: str, now: datetime) -> Due:
    """What of an institution is past its term."""
    people = select(Account.id).where(Account.institution_id == institution_id)
    kept = with_evidence().where(Sitting.account_id.in_(people))
    used = select(func.count()).select_from(Reference).where(Reference.account_id.in_(people))
    return Due(
        tuple(sittings_past_term(tx, institution_id, now)),
        tuple(references_past_term(tx, institution_id, now)),
        tx.scalars(select(func.count()).select_from(kept.subquery())).one(),
        tx.scalars(used.where(Reference.state != ReferenceState.REVOKED)).one(),
    )


def _is_too_much(due: int, kept: int, most_percent: float) -> bool:
    """Whether *due* of *kept* are more than may be erased at once."""
    return due > FEW and 100 * due > most_percent * kept
