"""How alike the enrolled people of one institution are to one another."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from biometrics.cohort import LARGEST_COHORT, SMALLEST_COHORT, pair_scores
from biometrics.comparison import FaceComparison, Vectors
from biometrics.ids import ModelId
from biometrics.types import Template, mean_template
from proctor import events
from proctor.identity import protection
from proctor.identity.tables import Modality, Reference, ReferenceState
from proctor.people.tables import Account
from proctor.vault import KeyDestroyed, SubjectKey, Vault

_MEASURED = "impostors_measured"


@dataclass(frozen=True)
class Own:
    """An institution's calibration in force: since ``at``, ``by`` whom, measured on ``people``.

    ``comparison``: as the model's card says, but for the verification threshold.
    """

    number: int
    comparison: FaceComparison
    at: datetime
    by: str | None = None
    people: int | None = None

    @property
    def threshold(self) -> float:
        return self.comparison.operating_points["verification"].threshold

    @property
    def scores(self) -> ModelId:
        """What its scores are named by."""
        return self.comparison.model_id.calibrated(self.number)


@dataclass(frozen=True, slots=True)
class Impostors:
    """Of ``compared`` pairs of people ``accepted`` reach each operating point; ``highest``: score
    of all, which names nobody. ``scores``: whose they are, with the number of a calibration.
    """

    scores: ModelId
    people: int
    compared: int
    accepted: Mapping[str, int]
    highest: float | None


def compare_everybody(
    comparison: FaceComparison, own: Own | None, groups: Iterable[Vectors]
) -> Impostors:
    """Compare everybody of a group with everybody else in it, as their sittings do: by *own* where
    the group is a cohort, else as the card says.

    ``groups``: a mean of each person's samples, shape (n, 128), for each rotation.
    """
    people = compared = 0
    accepted = dict.fromkeys(comparison.operating_points, 0)
    highest: float | None = None
    for means in groups:
        people += len(means)
        applied = own if len(means) >= SMALLEST_COHORT else None
        points = (applied.comparison if applied else comparison).operating_points
        for row in pair_scores(comparison.measure, means, centred=applied is not None):
            compared += row.size
            highest = max(float(row.max()), -np.inf if highest is None else highest)
            for name in accepted:
                accepted[name] += int((row >= points[name].threshold).sum())
    scores = own.scores if own else comparison.model_id
    return Impostors(scores, people, compared, accepted, highest)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the office sees: ``accepted`` of ``compared`` pairs would pass for one another."""

    at: datetime
    people: int
    compared: int
    accepted: int


def note(tx: Session, institution_id: str, found: Impostors, at: datetime) -> None:
    """Keep what was found at the verification threshold, for ``newest``."""
    told = {"people": found.people, "compared": found.compared, "scores": str(found.scores)}
    accepted = found.accepted["verification"]
    events.append(tx, _stream(institution_id), _MEASURED, {**told, "accepted": accepted}, at)


def newest(tx: Session, institution_id: str, scores: ModelId) -> Measured | None:
    """The last measurement of *scores*; None when there was none."""
    for event in reversed(events.read(tx, _stream(institution_id), _MEASURED)):
        told = event.payload
        # noted before there were others: those of the model
        if told.get("scores", told.get("model")) == str(scores):
            return Measured(event.at, told["people"], told["compared"], told["accepted"])
    return None


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


def largest_cohort(
    tx: Session, comparison: FaceComparison, institution_id: str, at: datetime
) -> int:
    """Of how many people the references are under one rotation, and can be opened."""
    query = (
        select(func.count(Reference.account_id.distinct()).label("n"))
        .join(Account, Account.id == Reference.account_id)
        .join(SubjectKey, SubjectKey.account_id == Reference.account_id)
        .where(Account.institution_id == institution_id, _is_confirmed(comparison, at))
        .where(SubjectKey.destroyed_at.is_(None))
        .group_by(Reference.rotation)
    )
    return max(tx.scalars(query), default=0)


def comparable(tx: Session, comparison: FaceComparison, at: datetime) -> Sequence[str]:
    """Institutions with more than one person to compare."""
    query = select(Account.institution_id).join(Reference, Reference.account_id == Account.id)
    several = func.count(Reference.account_id.distinct()) > 1
    query = query.where(_is_confirmed(comparison, at)).group_by(Account.institution_id)
    return tx.scalars(query.having(several)).all()


def _confirmed(comparison: FaceComparison, institution_id: str, at: datetime) -> Select[Reference]:
    """In the order of their identifiers, which is chance and the same each time."""
    return (
        select(Reference)
        .join(Account, Account.id == Reference.account_id)
        .where(Account.institution_id == institution_id, _is_confirmed(comparison, at))
        .order_by(Reference.id)
    )


def _is_confirmed(comparison: FaceComparison, at: datetime) -> ColumnElement[bool]:
    """Of a face reference that can be compared with."""
    return and_(
        Reference.modality == Modality.FACE,
        Reference.state == ReferenceState.CONFIRMED,
        Reference.expires_at > at,
        Reference.model_id == str(comparison.model_id),
    )


def _stream(institution_id: str) -> str:
    return f"institution:{institution_id}"
