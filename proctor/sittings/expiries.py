"""Whether the recordings of a sitting are still there to be seen."""

from sqlalchemy.orm import Session

from proctor.errors import NotFound
from proctor.sittings.tables import Expiry


class RecordingExpired(NotFound):
    """What was recorded of this sitting was erased."""

    key = "error.recording_expired"


def expiry_of(tx: Session, sitting_id: str) -> Expiry | None:
    """When the recordings of a sitting expired; None while they are kept."""
    return tx.get(Expiry, sitting_id)


def refuse_expired(tx: Session, sitting_id: str) -> None:
    """Raise RecordingExpired when nobody may see the recordings of a sitting any more."""
    if expiry_of(tx, sitting_id) is not None:
        raise RecordingExpired
