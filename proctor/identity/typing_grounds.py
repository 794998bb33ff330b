"""What a person who confirms a typing sample can go by: it shows no face of its own."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from keystroke.gate import Abstention
from keystroke.verifiers.free_text import FreeTextVerifier
from proctor.identity.enrolment import SAME_VISIT, is_complete, typing_reference, typing_sums
from proctor.identity.tables import Modality, Reference, ReferenceState
from proctor.vault import Vault

#: no comparison could be made
NOT_COMPARED = "not_compared"


@dataclass(frozen=True, slots=True)
class Grounds:
    """``face``: how the face sample of the same visit stands, None without one. ``visits``:
    confirmed visits before this one. ``agreement``: what comparing with them says, None without
    one."""

    face: ReferenceState | None
    visits: int
    agreement: str | None


def grounds_of(
    tx: Session, vault: Vault, verifier: FreeTextVerifier, rows: Iterable[Reference]
) -> dict[str, Grounds]:
    """For the typing samples among *rows*, by id."""
    return {
        row.id: _grounds(tx, vault, verifier, row)
        for row in rows
        if row.modality is Modality.KEYSTROKE
    }


def _grounds(tx: Session, vault: Vault, verifier: FreeTextVerifier, row: Reference) -> Grounds:
    face = next((each.state for each in _faces(tx, row) if is_complete(each)), None)
    made = row.created_at
    earlier = typing_reference(tx, vault, row.account_id, verifier.model_id, before=made)
    if not earlier:
        return Grounds(face, 0, None)
    if row.model_id != verifier.model_id:
        return Grounds(face, len(earlier), NOT_COMPARED)
    found = verifier.compare(earlier, *typing_sums(tx, vault, [row]))
    if isinstance(found, Abstention):
        return Grounds(face, len(earlier), NOT_COMPARED)
    result = verifier.operating_point.result(found.score)
    return Grounds(face, len(earlier), result.value)


def _faces(tx: Session, row: Reference) -> Iterable[Reference]:
    """Face samples of the visit that made *row*, the newest first."""
    query = (
        select(Reference)
        .where(Reference.account_id == row.account_id, Reference.modality == Modality.FACE)
        .where(
            Reference.created_at.between(row.created_at - SAME_VISIT, row.created_at + SAME_VISIT)
        )
        .order_by(Reference.created_at.desc())
    )
    return tx.scalars(query).all()
