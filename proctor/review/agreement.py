"""How far people agree who looked at the same incidents without knowing of each other.

Decisions and blind opinions of one institution enter; Cohen's kappa by kind and by person leaves.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from proctor.incidents.tables import IncidentRow
from proctor.people.tables import Account
from proctor.review.precision import held_at
from proctor.review.tables import BlindOpinion, Decision, FirstLook, Seen, Verdict


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of ``n`` incidents both said the same about ``same``. ``kappa``: agreement beyond chance, 1
    when complete, 0 as by chance; None when nothing can be said, as when both always said one."""

    n: int
    same: int
    kappa: float | None


@dataclass(frozen=True, slots=True)
class ReviewerRecord:
    """``controls``: incidents that two people dismissed, shown without that; ``confirmed_controls``
    of them this person took for confirmed."""

    name: str
    decided: int
    confirmed: int
    agreement: Agreement
    controls: int
    confirmed_controls: int


@dataclass(frozen=True, slots=True)
class FirstLooks:
    """What people saw before the label, beside what they decided after it. ``unsure``: of all
    ``n``; ``turned``: decisions that confirm where nothing was seen at first."""

    n: int
    unsure: int
    turned: int
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Pair:
    """What two people said of one incident; True for confirmed."""

    kind: str
    first_id: str
    first: bool
    second_id: str
    second: bool


def agreement_of(pairs: Iterable[tuple[bool, bool]]) -> Agreement:
    """Cohen's kappa of two people who each said yes or no.

    Source: Cohen, A coefficient of agreement for nominal scales, 1960.
    """
    counts = Counter(pairs)
    n = counts.total()
    same = counts[True, True] + counts[False, False]
    if n == 0:
        return Agreement(0, 0, None)
    first_yes = counts[True, True] + counts[True, False]
    second_yes = counts[True, True] + counts[False, True]
    # in whole numbers, times n squared: exact where chance alone would explain everything
    by_chance = first_yes * second_yes + (n - first_yes) * (n - second_yes)
    if by_chance == n * n:
        return Agreement(n, same, None)
    return Agreement(n, same, (n * same - by_chance) / (n * n - by_chance))


def pairs_of(tx: Session, institution_id: str) -> list[Pair]:
    """Each blind opinion beside the decision that was in force when it was given."""
    query = (
        select(BlindOpinion, Verdict, IncidentRow.kind)
        .join(Verdict, Verdict.incident_id == BlindOpinion.incident_id)
        .join(IncidentRow, IncidentRow.id == BlindOpinion.incident_id)
        .where(
            ~BlindOpinion.is_control,
            Verdict.at <= BlindOpinion.at,
            IncidentRow.sitting_id.in_(held_at(institution_id)),
        )
        .order_by(BlindOpinion.at, Verdict.at)
    )
    found = {}
    for opinion, verdict, kind in tx.execute(query):
        found[opinion.id] = Pair(
            kind,
            verdict.reviewer_id,
            verdict.decision is Decision.CONFIRMED,
            opinion.reviewer_id,
            opinion.decision is Decision.CONFIRMED,
        )
    return list(found.values())


def agreement_by_kind(pairs: Iterable[Pair]) -> dict[str, Agreement]:
    by_kind: defaultdict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for pair in pairs:
        by_kind[pair.kind].append((pair.first, pair.second))
    return {kind: agreement_of(found) for kind, found in sorted(by_kind.items())}


def first_looks_by_kind(tx: Session, institution_id: str) -> dict[str, FirstLooks]:
    """First looks of an institution, each beside the same person's first decision afterwards."""
    query = (
        select(FirstLook, IncidentRow.kind, Verdict.decision)
        .join(IncidentRow, IncidentRow.id == FirstLook.incident_id)
        .outerjoin(
            Verdict,
            (Verdict.incident_id == FirstLook.incident_id)
            & (Verdict.reviewer_id == FirstLook.reviewer_id)
            & (Verdict.at >= FirstLook.at),
        )
        .where(IncidentRow.sitting_id.in_(held_at(institution_id)))
        .order_by(Verdict.at.desc())
    )
    # the last one taken up is the earliest decision
    found = {
        (look.incident_id, look.reviewer_id): (kind, look.seen, decision)
        for look, kind, decision in tx.execute(query)
    }
    by_kind: defaultdict[str, list[tuple[Seen, Decision | None]]] = defaultdict(list)
    for kind, seen, decision in found.values():
        by_kind[kind].append((seen, decision))
    return {kind: _first_looks(each) for kind, each in sorted(by_kind.items())}


def _first_looks(found: list[tuple[Seen, Decision | None]]) -> FirstLooks:
    pairs = [
        (seen is Seen.SOMETHING, decision is Decision.CONFIRMED)
        for seen, decision in found
        if seen is not Seen.UNSURE and decision is not None
    ]
    unsure = sum(seen is Seen.UNSURE for seen, _ in found)
    return FirstLooks(len(found), unsure, pairs.count((False, True)), agreement_of(pairs))


def reviewers_of(tx: Session, institution_id: str, pairs: Iterable[Pair]) -> list[ReviewerRecord]:
    """Everybody who decided on an incident or gave an opinion, by name."""
    mine: defaultdict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for pair in pairs:
        mine[pair.first_id].append((pair.first, pair.second))
        mine[pair.second_id].append((pair.second, pair.first))
    held = held_at(institution_id)
    decided = _counts(
        tx,
        select(Verdict.reviewer_id, Verdict.decision, func.count())
        .where(Verdict.incident_id.is_not(None), Verdict.sitting_id.in_(held))
        .group_by(Verdict.reviewer_id, Verdict.decision),
    )
    controls = _counts(
        tx,
        select(BlindOpinion.reviewer_id, BlindOpinion.decision, func.count())
        .join(IncidentRow, IncidentRow.id == BlindOpinion.incident_id)
        .where(BlindOpinion.is_control, IncidentRow.sitting_id.in_(held))
        .group_by(BlindOpinion.reviewer_id, BlindOpinion.decision),
    )
    people = select(Account).where(Account.id.in_(decided.keys() | mine.keys() | controls.keys()))
    return [
        ReviewerRecord(
            person.name,
            decided[person.id].total(),
            decided[person.id][Decision.CONFIRMED],
            agreement_of(mine[person.id]),
            controls[person.id].total(),
            controls[person.id][Decision.CONFIRMED],
        )
        for person in tx.scalars(people.order_by(Account.name, Account.id))
    ]


def _counts(tx: Session, query: Select[str, Decision, int]) -> defaultdict[str, Counter[Decision]]:
    found: defaultdict[str, Counter[Decision]] = defaultdict(Counter)
    for reviewer_id, decision, count in tx.execute(query):
        found[reviewer_id][decision] = count
    return found
