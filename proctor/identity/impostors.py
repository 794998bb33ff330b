"""How alike the enrolled people of one institution are to one another."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from biometrics.comparison import FaceComparison, paired_scores
from biometrics.error_rates import Scores
from biometrics.types import Template, mean_template
from proctor.identity import protection
from proctor.identity.tables import Modality, Reference, ReferenceState
from proctor.people.tables import Account
from proctor.vault import KeyDestroyed, Vault


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


def enrolled(
    tx: Session, vault: Vault, comparison: FaceComparison, institution_id: str, at: datetime
) -> list[list[list[Template]]]:
    """Samples of each person with a confirmed face reference, a list for every rotation."""
    query = (
        select(Reference)
        .join(Account, Account.id == Reference.account_id)
        .where(Account.institution_id == institution_id, Reference.modality == Modality.FACE)
        .where(Reference.state == ReferenceState.CONFIRMED, Reference.expires_at > at)
        .where(Reference.model_id == str(comparison.model_id))
    )
    groups: dict[int, list[list[Template]]] = defaultdict(list)
    for row in tx.scalars(query):
        try:
            groups[row.rotation].append(protection.templates_of(tx, vault, row))
        except KeyDestroyed:
            continue
    return list(groups.values())


def _scores(comparison: FaceComparison, vectors: list[Scores]) -> Scores:
    pairs = np.array(list(combinations(range(len(vectors)), 2)), dtype=np.int64).reshape(-1, 2)
    stacked = np.array(vectors)
    return paired_scores(comparison.measure, stacked[pairs[:, 0]], stacked[pairs[:, 1]])
