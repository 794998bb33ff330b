"""An institution's own calibration of faces: put in force by a person, numbered, on every score."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from biometrics.calibration import OperatingPoint
from biometrics.cohort import SMALLEST_COHORT, CentredComparison
from biometrics.comparison import FaceComparison
from biometrics.ids import ModelId
from proctor import events
from proctor.identity.impostors import Own, others
from proctor.inference.opened import stricter_points
from proctor.people.tables import Account
from proctor.vault import Vault

_IN_FORCE, _ENDED = "faces_calibrated", "faces_calibration_ended"


def put_in_force(
    tx: Session,
    comparison: FaceComparison,
    institution_id: str,
    measured: dict[str, Any],
    at: datetime,
    *,
    by: str | None = None,
    threshold: float | None = None,
) -> int:
    """Its number. Sittings that open from now on are compared by it; *measured* is kept.

    ``by``: account of who says so. ``threshold``: for verification, None for the card's.
    """
    stream = _stream(institution_id)
    number = len(events.read(tx, stream, _IN_FORCE)) + 1
    payload = {**measured, "number": number, "model": str(comparison.model_id)}
    payload |= {"by": by, "threshold": threshold}
    events.append(tx, stream, _IN_FORCE, payload, at)
    return number


def end(tx: Session, institution_id: str, at: datetime, *, by: str | None = None) -> None:
    """Sittings that open from now on are compared as the model's card says."""
    events.append(tx, _stream(institution_id), _ENDED, {"by": by}, at)


def in_force(tx: Session, comparison: FaceComparison, institution_id: str) -> Own | None:
    """The calibration for this model; None when there is none."""
    found = events.read(tx, _stream(institution_id), _IN_FORCE, _ENDED)
    if not found or found[-1].kind == _ENDED:
        return None
    told = found[-1].payload
    if told["model"] != str(comparison.model_id):
        return None
    return Own(
        told["number"],
        _at_threshold(comparison, told.get("threshold")),
        found[-1].at,
        told.get("by"),
        told.get("people"),
    )


def thresholds(tx: Session, institution_id: str) -> dict[str, OperatingPoint]:
    """Of verification, by what the scores of a calibration are named by, where it has its own above
    the card's. ``fmr``: measured there among the people of then.
    """
    found, card = {}, stricter_points()
    for each in events.read(tx, _stream(institution_id), _IN_FORCE):
        told = each.payload
        if told["model"] not in card:
            continue
        point, _ = card[told["model"]]
        if (told.get("threshold") or 0.0) > point.threshold:
            measured = (told.get("centred") or {}).get("verification") or {}
            fmr = measured.get("fmr", point.fmr)
            scores = str(ModelId.parse(told["model"]).calibrated(told["number"]))
            found[scores] = replace(point, fmr=fmr, threshold=told["threshold"])
    return found


def _at_threshold(comparison: FaceComparison, threshold: float | None) -> FaceComparison:
    points = dict(comparison.operating_points)
    card = points["verification"]
    if threshold is None or threshold <= card.threshold:
        return comparison
    points["verification"] = replace(card, threshold=threshold)
    return replace(comparison, operating_points=points)


def comparison_for(
    tx: Session,
    vault: Vault,
    comparison: FaceComparison,
    person: Account,
    rotation: int,
    at: datetime,
) -> FaceComparison | CentredComparison:
    """How the faces of *person* are compared; *rotation* is their reference's.

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
