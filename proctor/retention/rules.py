"""What is due when, and why not yet: pure functions of facts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Kept(StrEnum):
    """What has a term. ``recordings``: the files of a sitting, its clips and the sums of its
    typing; ``references``: what a person enrolled."""

    RECORDINGS = "recordings"
    REFERENCES = "references"


class Why(StrEnum):
    """Why something is not erased yet; what its term has nothing to do with is a hold."""

    TERM = "term"
    APPEALABLE = "appealable"
    UNDER_WAY = "under_way"
    IN_REVIEW = "in_review"
    SECOND_PERSON = "second_person"
    APPEALED = "appealed"
    IDENTITY_PENDING = "identity_pending"
    LEGAL_HOLD = "legal_hold"


#: what ends when people do something, not by itself
HOLDS = frozenset(Why) - {Why.TERM, Why.APPEALABLE}


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides about one sitting's evidence, or one reference.

    ``counts_from``: when its term began; ``open_until``: until when a student may still answer or
    appeal; ``holds``: what people have to do before.
    """

    counts_from: datetime
    term: timedelta
    open_until: datetime
    holds: frozenset[Why] = frozenset()


def due_at(facts: Facts) -> datetime:
    """When it is erased, unless something holds it."""
    return max(facts.counts_from + facts.term, facts.open_until)


def why_not_yet(facts: Facts, now: datetime) -> frozenset[Why]:
    """What keeps it at *now*; nothing when it is due."""
    by_time = {
        Why.TERM: facts.counts_from + facts.term,
        Why.APPEALABLE: facts.open_until,
    }
    return facts.holds | {why for why, until in by_time.items() if now < until}


def term_of(promised: int, since: Iterable[int]) -> timedelta:
    """The term of what began when *promised* days were set, and then those of *since*.

    What people were promised is never kept longer; a shorter term holds for all there is.
    """
    return timedelta(days=min([promised, *since]))
