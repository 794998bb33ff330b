"""Whether the recordings of a sitting are still there to be seen."""

from sqlalchemy.orm import Session

from proctor.errors import NotFound
from proctor.sittings.tables import Expiry


class RecordingExpired(NotFound):
    """What was recorded of this sitting was erased, since its term was over."""

    key = "error.recording_expired"


class RecordingErased(RecordingExpired):
    """What was recorded of this sitting was erased, since the student asked for it."""

    key = "error.recording_erased"


def expiry_of(tx: Session, sitting_id: str) -> Expiry | None:
    """When the recordings of a sitting expired; None while they are kept."""
    return tx.get(Expiry, sitting_id)


def refuse_expired(tx: Session, sitting_id: str) -> None:
    """Raise RecordingExpired when nobody may see the recordings of a sitting any more."""
    expiry = expiry_of(tx, sitting_id)
    if expiry is not None:
        raise RecordingErased if expiry.on_request else RecordingExpired
