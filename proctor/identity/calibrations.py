"""An institution's own calibration of faces: put in force by a person, numbered, on every score."""

from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from biometrics.cohort import SMALLEST_COHORT, CentredComparison
from biometrics.comparison import FaceComparison
from proctor import events
from proctor.identity.impostors import Own, others
from proctor.people.tables import Account
from proctor.vault import Vault

_IN_FORCE, _ENDED = "faces_calibrated", "faces_calibration_ended"


def put_in_force(
    tx: Session,
    comparison: FaceComparison,
    institution_id: str,
    measured: dict[str, Any],
    at: datetime,
) -> int:
    """Its number. Sittings that open from now on are compared by it; *measured* is kept."""
    stream = _stream(institution_id)
    number = len(events.read(tx, stream, _IN_FORCE)) + 1
    payload = {**measured, "number": number, "model": str(comparison.model_id)}
    events.append(tx, stream, _IN_FORCE, payload, at)
    return number


def end(tx: Session, institution_id: str, at: datetime) -> None:
    """Sittings that open from now on are compared as the model's card says."""
    events.append(tx, _stream(institution_id), _ENDED, {}, at)


def in_force(tx: Session, comparison: FaceComparison, institution_id: str) -> Own | None:
    """The calibration for this model; None when there is none."""
    found = events.read(tx, _stream(institution_id), _IN_FORCE, _ENDED)
    if not found or found[-1].kind == _ENDED:
        return None
    told = found[-1].payload
    if told["model"] != str(comparison.model_id):
        return None
    return Own(told["number"], comparison)


def comparison_for(
    tx: Session,
    vault: Vault,
    comparison: FaceComparison,
    person: Account,
    rotation: int,
    at: datetime,
) -> FaceComparison | CentredComparison:
    """How the faces of *person* are compared in a sitting; *rotation* is their reference's.

    Too few others under that rotation: as the model's card says, which the scores then name.
    """
    own = in_force(tx, comparison, person.institution_id)
    if own is None:
        return comparison
    templates = others(tx, vault, comparison, person, rotation, at)
    # with the person's own reference
    if len(templates) + 1 < SMALLEST_COHORT:
        return comparison
    vectors = np.array([each.vector for each in templates], np.float64)
    return CentredComparison(own.comparison, own.scores, vectors)


def _stream(institution_id: str) -> str:
    return f"institution:{institution_id}"
