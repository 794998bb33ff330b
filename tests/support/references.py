"""What people enrolled, for the rooms that only ask whether they did."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from proctor.identity.tables import Modality, Reference, ReferenceState
from proctor.people.tables import Account


def reference_of(
    tx: Session,
    person: Account,
    at: datetime,
    *,
    days: float = 365,
    modality: Modality = Modality.FACE,
    model_id: str = "sface/2021dec-int8bq",
    samples: int = 3,
    sealed: bytes = b"template",
    rotation: int = 0,
    state: ReferenceState = ReferenceState.CONFIRMED,
) -> Reference:
    """A reference made at *at* and kept for *days*."""
    row = Reference(
        account_id=person.id,
        modality=modality,
        model_id=model_id,
        samples=samples,
        sealed=sealed,
        rotation=rotation,
        state=state,
        created_at=at,
        expires_at=at + timedelta(days=days),
    )
    tx.add(row)
    tx.flush()
    return row
