"""How alike the enrolled people of one institution are to one another."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

import numpy as np
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from biometrics.cohort import LARGEST_COHORT
from biometrics.comparison import FaceComparison, paired_scores
from biometrics.error_rates import Scores
from biometrics.types import Template, mean_template
from proctor import events
from proctor.identity import protection
from proctor.identity.tables import Modality, Reference, ReferenceState
from proctor.people.tables import Account
from proctor.vault import KeyDestroyed, Vault

_MEASURED = "impostors_measured"


@dataclass(frozen=True, eq=False)
class Impostors:
    """``scores``: of every two people with a reference, shape (n,); no score names anybody."""

    people: int
    scores: Scores


def compare_everybody(
    tx: Session, vault: Vault, comparison: FaceComparison, institution_id: str, at: datetime
) -> Impostors:
    """Compare the confirmed face references of different people, under their common rotation.

    References from before there were rotations are compared with one another only.
    """
    groups = [
        [mean_template(samples).vector.astype(np.float64) for samples in people]
        for people in enrolled(tx, vault, comparison, institution_id, at)
    ]
    return Impostors(
        sum(len(vectors) for vectors in groups),
        np.concatenate([np.empty(0), *(_scores(comparison, each) for each in groups)]),
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """What the office sees: ``accepted`` of ``compared`` pairs would pass for one another."""

    at: datetime
    people: int
    compared: int
    accepted: int


def note(
    tx: Session, comparison: FaceComparison, institution_id: str, found: Impostors, at: datetime
) -> Measured:
    """Keep what was found at the verification threshold, for ``newest``."""
    threshold = comparison.operating_points["verification"].threshold
    accepted = int((found.scores >= threshold).sum())
    measured = Measured(at, found.people, found.scores.size, accepted)
    payload = {"people": measured.people, "compared": measured.compared, "accepted": accepted}
    model = {"model": str(comparison.model_id), "threshold": threshold}
    events.append(tx, _stream(institution_id), _MEASURED, payload | model, at)
    return measured


def newest(tx: Session, institution_id: str) -> Measured | None:
    """The last measurement; None when there was none."""
    found = events.read(tx, _stream(institution_id), _MEASURED)
    if not found:
        return None
    told = found[-1].payload
    return Measured(found[-1].at, told["people"], told["compared"], told["accepted"])


def enrolled(
    tx: Session, vault: Vault, comparison: FaceComparison, institution_id: str, at: datetime
) -> list[list[list[Template]]]:
    """Samples of each person with a confirmed face reference, a list for every rotation."""
    groups: dict[int, list[list[Template]]] = defaultdict(list)
    for row in tx.scalars(_confirmed(comparison, institution_id, at)):
        try:
            groups[row.rotation].append(protection.templates_of(tx, vault, row))
        except KeyDestroyed:
            continue
    return list(groups.values())


def others(
    tx: Session,
    vault: Vault,
    comparison: FaceComparison,
    person: Account,
    rotation: int,
    at: datetime,
) -> list[Template]:
    """The templates of up to ``LARGEST_COHORT`` other people, the same ones for everybody."""
    found: list[Template] = []
    query = _confirmed(comparison, person.institution_id, at)
    query = query.where(Reference.account_id != person.id, Reference.rotation == rotation)
    for row in tx.scalars(query.limit(LARGEST_COHORT)):
        try:
            found.append(mean_template(protection.templates_of(tx, vault, row)))
        except KeyDestroyed:
            continue
    return found


def _confirmed(comparison: FaceComparison, institution_id: str, at: datetime) -> Select[Reference]:
    """In the order of their identifiers, which is chance and the same each time."""
    return (
        select(Reference)
        .join(Account, Account.id == Reference.account_id)
        .where(Account.institution_id == institution_id, Reference.modality == Modality.FACE)
        .where(Reference.state == ReferenceState.CONFIRMED, Reference.expires_at > at)
        .where(Reference.model_id == str(comparison.model_id))
        .order_by(Reference.id)
    )


def _stream(institution_id: str) -> str:
    return f"institution:{institution_id}"


def _scores(comparison: FaceComparison, vectors: list[Scores]) -> Scores:
    pairs = np.array(list(combinations(range(len(vectors)), 2)), dtype=np.int64).reshape(-1, 2)
    stacked = np.array(vectors)
    return paired_scores(comparison.measure, stacked[pairs[:, 0]], stacked[pairs[:, 1]])
