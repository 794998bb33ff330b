"""An institution's secret rotation: face templates are turned by it before they are sealed.

References of two institutions are unrelated, and a renewal makes all earlier copies useless.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from biometrics.ids import ModelId
from biometrics.protection import Rotation, renew
from biometrics.types import Template
from proctor import events
from proctor.identity.tables import Modality, Reference
from proctor.people.tables import Account
from proctor.plumbing.db import Base, UtcDateTime, id_column
from proctor.vault import KeyDestroyed, Vault

SEAL = "reference"
_PURPOSE = "rotation"
_KEY_BYTES = 32
#: references from before there were rotations lie as they were measured
AS_MEASURED = 0


class TemplateKey(Base):
    """The key of one rotation, wrapped; ``wrapped`` is empty once it was renewed."""

    __tablename__ = "template_keys"
    __table_args__ = (UniqueConstraint("institution_id", "number"),)

    id: Mapped[str] = id_column()
    institution_id: Mapped[str] = mapped_column(String(32), ForeignKey("institutions.id"))
    number: Mapped[int] = mapped_column(Integer)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    destroyed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class Turned:
    """A reference's template, and the rotation that a probe needs before it compares."""

    template: Template
    rotation: Rotation
    number: int


def current_number(tx: Session, vault: Vault, account_id: str, at: datetime) -> int:
    """The rotation that new references of the person's institution get; made when first needed."""
    institution_id = _institution_of(tx, account_id)
    row = _newest(tx, institution_id)
    return (row or _make(tx, vault, institution_id, 1, at)).number


def rotation(tx: Session, vault: Vault, account_id: str, number: int) -> Rotation:
    """Rotation *number* of the person's institution. Raises KeyDestroyed after its renewal."""
    return _rotation(tx, vault, _institution_of(tx, account_id), number)


def templates_of(tx: Session, vault: Vault, row: Reference) -> list[Template]:
    """The samples of a face reference, turned by its rotation."""
    data = vault.open(tx, row.account_id, SEAL, row.sealed)
    size, model = len(data) // row.samples, ModelId.parse(row.model_id)
    parts = (data[i * size : (i + 1) * size] for i in range(row.samples))
    return [Template.from_bytes(model, part) for part in parts]


def seal(tx: Session, vault: Vault, account_id: str, templates: list[Template]) -> bytes:
    """Turned templates, sealed for the person."""
    return vault.seal(tx, account_id, SEAL, b"".join(each.to_bytes() for each in templates))


def renew_all(tx: Session, vault: Vault, institution_id: str, at: datetime) -> int:
    """Turn every face reference of the institution anew and destroy the old key; how many.

    References of erased people stay closed. Nobody has to enrol again.
    """
    old = _newest(tx, institution_id)
    new = _make(tx, vault, institution_id, old.number + 1 if old else 1, at)
    target = _rotation(tx, vault, institution_id, new.number)
    query = (
        select(Reference)
        .join(Account, Account.id == Reference.account_id)
        .where(Account.institution_id == institution_id, Reference.modality == Modality.FACE)
    )
    turned = sum(_turn(tx, vault, row, target, new.number) for row in tx.scalars(query).all())
    if old is not None:
        old.wrapped, old.destroyed_at = b"", at
    payload = {"number": new.number, "references": turned}
    events.append(tx, f"institution:{institution_id}", "templates_renewed", payload, at)
    return turned


def _turn(tx: Session, vault: Vault, row: Reference, target: Rotation, number: int) -> bool:
    try:
        kept = templates_of(tx, vault, row)
    except KeyDestroyed:
        return False
    source = rotation(tx, vault, row.account_id, row.rotation)
    row.sealed = seal(tx, vault, row.account_id, renew(kept, source, target))
    row.rotation = number
    return True


def _rotation(tx: Session, vault: Vault, institution_id: str, number: int) -> Rotation:
    if number == AS_MEASURED:
        return Rotation.none()
    query = select(TemplateKey).where(
        TemplateKey.institution_id == institution_id, TemplateKey.number == number
    )
    row = tx.scalars(query).one()
    if row.destroyed_at is not None:
        raise KeyDestroyed(institution=institution_id)
    return Rotation.from_key(vault.unwrap(institution_id, _PURPOSE, row.wrapped))


def _make(tx: Session, vault: Vault, institution_id: str, number: int, at: datetime) -> TemplateKey:
    wrapped = vault.wrap(institution_id, _PURPOSE, secrets.token_bytes(_KEY_BYTES))
    row = TemplateKey(institution_id=institution_id, number=number, wrapped=wrapped, created_at=at)
    tx.add(row)
    tx.flush()
    return row


def _newest(tx: Session, institution_id: str) -> TemplateKey | None:
    query = (
        select(TemplateKey)
        .where(TemplateKey.institution_id == institution_id)
        .order_by(TemplateKey.number.desc())
    )
    return tx.scalars(query).first()


def _institution_of(tx: Session, account_id: str) -> str:
    return tx.get_one(Account, account_id).institution_id
