"""Every night: would any two of an institution's enrolled people pass for one another?"""

from datetime import datetime, timedelta

import numpy as np
from sqlalchemy.orm import Session

from biometrics.comparison import FaceComparison
from biometrics.types import mean_template
from proctor.clock import TIME_ZONE
from proctor.identity import calibrations
from proctor.identity.impostors import (
    Impostors,
    comparable,
    compare_everybody,
    enrolled,
    newest,
    note,
)
from proctor.plumbing.db import Database
from proctor.vault import Vault

EVERY_S = 3600.0
# when fewest exams run
_HOUR = 3


def round(db: Database, vault: Vault, comparison: FaceComparison, at: datetime) -> None:
    """Measure every institution whose scores in force were not measured since last night."""
    with db.reading() as tx:
        due = [each for each in comparable(tx, comparison, at) if _is_due(tx, comparison, each, at)]
    for institution_id in due:
        measure(db, vault, comparison, institution_id, at)


def measure(
    db: Database, vault: Vault, comparison: FaceComparison, institution_id: str, at: datetime
) -> Impostors:
    """Compare everybody with a confirmed face reference on the scores in force, and keep how many
    pass. Who writes is kept waiting by neither the reading nor the comparing.
    """
    with db.reading() as tx:
        own = calibrations.in_force(tx, comparison, institution_id)
        groups = [
            np.array([mean_template(samples).vector for samples in people], np.float64)
            for people in enrolled(tx, vault, comparison, institution_id, at)
        ]
    found = compare_everybody(comparison, own, groups)
    if found.compared:
        with db.transaction() as tx:
            note(tx, institution_id, found, at)
    return found


def _is_due(tx: Session, comparison: FaceComparison, institution_id: str, at: datetime) -> bool:
    own = calibrations.in_force(tx, comparison, institution_id)
    last = newest(tx, institution_id, own.scores if own else comparison.model_id)
    local = at.astimezone(TIME_ZONE)
    night = local.replace(hour=_HOUR, minute=0, second=0, microsecond=0)
    return last is None or last.at < (night if night <= local else night - timedelta(days=1))
