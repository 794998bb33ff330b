"""Enrolment: a visit before the exam that makes a reference; somebody else confirms it.

Assessed frames and key batches enter, sealed references leave. A sample never verifies the event
it was made in: enrolment is closed while a sitting runs, and only confirmed references count.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import case, func, null, select, update
from sqlalchemy.orm import Session

from biometrics.cohort import CentredComparison
from biometrics.comparison import FaceComparison
from biometrics.face import fitness
from biometrics.face.sameness import FINGERPRINT_BYTES, is_same_sample
from biometrics.ids import ModelId
from biometrics.types import Template, mean_template
from keystroke.events import KeyBatch
from keystroke.presses import Presses
from keystroke.template import Sums
from keystroke.verifiers.free_text import FreeTextVerifier
from proctor import events
from proctor.errors import Conflict, NotFound
from proctor.identity import calibrations, protection
from proctor.identity.tables import Modality, Reference, ReferenceState
from proctor.inference import FrameAssessment
from proctor.observations import NotAssessed
from proctor.people.tables import Account
from proctor.sittings.tables import Sitting, SittingState
from proctor.vault import Vault

FACE_SAMPLES = 3
KEY_SAMPLES = 300
TYPING_SESSIONS = 10
_EXPIRES = timedelta(days=365)
# of the components of a sample, those that the office sees, and which end is the worse
_WORST: Final[dict[str, Callable[[Iterable[float]], float]]] = {
    "eye_distance_px": min,
    "yaw_deg": max,
    "contrast": min,
    "sharpness": min,
}
_PHOTO_UNFIT = "id_photo_unfit"
SAME_VISIT = timedelta(hours=8)
_SEAL = protection.SEAL
_PICTURES_SEAL = "fingerprints"


class SittingOpen(Conflict):
    """Enrolment is closed while a sitting is open."""

    key = "error.sitting_open"


class ReferenceNotPending(Conflict):
    """The reference was already decided on."""

    key = "error.reference_decided"


class NoSuchReference(NotFound):
    """There is no such reference."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a visit has come. ``hints``: what to change before the next sample counts."""

    accepted: int
    needed: int
    hints: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        return self.accepted >= self.needed


def add_face(
    tx: Session,
    vault: Vault,
    comparison: FaceComparison,
    account_id: str,
    seen: FrameAssessment | NotAssessed,
    at: datetime,
) -> Progress:
    """Take one frame into the pending face reference, or say what is wrong with it.

    The same picture sent again is no further sample.
    """
    refuse_during_sitting(tx, account_id)
    row = open_reference(tx, account_id, Modality.FACE, str(comparison.model_id), at)
    accepted = row.samples if row else 0
    hints = face_hints(seen)
    if hints or isinstance(seen, NotAssessed) or accepted >= FACE_SAMPLES:
        return Progress(accepted, FACE_SAMPLES, hints)
    pictures = _fingerprints(tx, vault, row)
    if any(is_same_sample(each, seen.fingerprint) for each in pictures):
        return Progress(accepted, FACE_SAMPLES, ("same_picture",))
    template = seen.faces[0].template
    assert template is not None, "enrolment asks for templates"
    kept = protection.templates_of(tx, vault, row) if row else []
    number = row.rotation if row else protection.current_number(tx, vault, account_id, at)
    template = protection.rotation(tx, vault, account_id, number).apply(template)
    if kept and not _is_same_face(
        calibrations.comparison_for(
            tx, vault, comparison, tx.get_one(Account, account_id), number, at
        ),
        mean_template(kept),
        template,
    ):
        return Progress(accepted, FACE_SAMPLES, ("other_face",))
    sealed = protection.seal(tx, vault, account_id, [*kept, template])
    kept_as = _keep(
        tx, row, account_id, Modality.FACE, str(template.model_id), len(kept) + 1, sealed, at
    )
    kept_as.rotation = number
    pictures = [*pictures, seen.fingerprint]
    kept_as.fingerprints = (
        None
        if is_complete(kept_as)
        else vault.seal(tx, account_id, _PICTURES_SEAL, b"".join(pictures))
    )
    if seen.portrait is not None:
        kept_as.quality = [*(kept_as.quality or []), asdict(seen.portrait)]
    return Progress(len(kept) + 1, FACE_SAMPLES)


def add_typing(
    tx: Session,
    vault: Vault,
    verifier: FreeTextVerifier,
    account_id: str,
    batch: KeyBatch,
    at: datetime,
) -> Progress:
    """Add the keys of *batch* to the pending typing reference of this visit until it is complete:
    whoever confirms it decides about what was typed by then."""
    refuse_during_sitting(tx, account_id)
    model_id = verifier.model_id
    row = open_reference(tx, account_id, Modality.KEYSTROKE, model_id, at)
    if row is not None and is_complete(row):
        return Progress(row.samples, KEY_SAMPLES)
    sums = verifier.sums(Presses.from_batch(batch))
    if row is not None:
        sums += typing_sums(tx, vault, [row])[0]
    sealed = vault.seal(tx, account_id, _SEAL, sums.to_bytes())
    _keep(tx, row, account_id, Modality.KEYSTROKE, model_id, sums.n_keys, sealed, at)
    return Progress(sums.n_keys, KEY_SAMPLES)


def typing_so_far(
    tx: Session, verifier: FreeTextVerifier, account_id: str, at: datetime
) -> Progress:
    """What this visit has typed."""
    row = open_reference(tx, account_id, Modality.KEYSTROKE, verifier.model_id, at)
    return Progress(row.samples if row else 0, KEY_SAMPLES)


def typing_visits(tx: Session, account_id: str, model_id: str, now: datetime) -> list[datetime]:
    """When the person gave typing that may be compared with, newest first; confirmed or waiting."""
    query = (
        select(Reference)
        .where(Reference.account_id == account_id, Reference.modality == Modality.KEYSTROKE)
        .where(Reference.model_id == model_id, Reference.state != ReferenceState.REVOKED)
        .where(Reference.expires_at > now)
        .order_by(Reference.created_at.desc())
    )
    return [row.created_at for row in tx.scalars(query) if is_complete(row)]


def face_hints(seen: FrameAssessment | NotAssessed) -> tuple[str, ...]:
    """What keeps this frame from being a good sample; empty when nothing does."""
    if isinstance(seen, NotAssessed):
        return ("not_assessed",)
    quality = seen.quality
    hints = [name for name in ("covered", "dark", "blurred") if getattr(quality, name)]
    if not seen.faces:
        hints.append("no_face")
    elif len(seen.faces) > 1:
        hints.append("many_faces")
    elif seen.faces[0].too_small:
        hints.append("too_small")
    elif seen.portrait is not None:
        hints += fitness.faults(seen.portrait)
    return tuple(dict.fromkeys(hints))


def quality_of(row: Reference) -> dict[str, float] | None:
    """The worst of each component over a face reference's samples; None before it was measured."""
    if not row.quality:
        return None
    return {
        name: choose(abs(each[name]) for each in row.quality) for name, choose in _WORST.items()
    }


def status(tx: Session, account_id: str, now: datetime) -> dict[Modality, str]:
    """``missing``, ``pending`` or ``confirmed`` for each modality."""
    found = dict.fromkeys(Modality, "missing")
    for row in tx.scalars(select(Reference).where(Reference.account_id == account_id)):
        if row.state == ReferenceState.CONFIRMED and row.expires_at > now:
            found[row.modality] = "confirmed"
        elif (
            row.state == ReferenceState.PENDING
            and is_complete(row)
            and found[row.modality] == "missing"
        ):
            found[row.modality] = "pending"
    return found


def is_complete(row: Reference) -> bool:
    return row.samples >= (FACE_SAMPLES if row.modality == Modality.FACE else KEY_SAMPLES)


def pending(tx: Session, institution_id: str) -> list[tuple[Reference, Account]]:
    """Complete references of the institution that wait for somebody to confirm them."""
    query = (
        select(Reference, Account)
        .join(Account, Account.id == Reference.account_id)
        .where(Account.institution_id == institution_id)
        .where(Reference.state == ReferenceState.PENDING)
        .order_by(Reference.created_at)
    )
    return [(row, account) for row, account in tx.execute(query) if is_complete(row)]


def count_pending(tx: Session, institution_id: str) -> tuple[int, datetime | None]:
    """How many references of the institution wait for somebody, and since when the oldest does."""
    row = Reference
    is_face = row.modality == Modality.FACE
    query = (
        select(func.count(), func.min(row.created_at))
        .join(Account, Account.id == row.account_id)
        .where(Account.institution_id == institution_id, row.state == ReferenceState.PENDING)
        .where(row.samples >= case((is_face, FACE_SAMPLES), else_=KEY_SAMPLES))
    )
    count, oldest = tx.execute(query).one()
    return count, oldest


def confirm(tx: Session, reference_id: str, by: Account, via: str, at: datetime) -> Reference:
    """Confirm a reference; the person's older face reference and oldest typing give way."""
    row = _decidable(tx, reference_id, by)
    row.state = ReferenceState.CONFIRMED
    row.confirmed_by, row.confirmed_via, row.confirmed_at = by.id, via, at
    for old in _superseded(tx, row):
        old.state = ReferenceState.REVOKED
    _log(tx, "reference_confirmed", row, at, by=by.id, via=via)
    return row


def reject(tx: Session, reference_id: str, by: Account, at: datetime) -> Reference:
    """Refuse a reference; the person enrols again."""
    row = _decidable(tx, reference_id, by)
    row.state = ReferenceState.REVOKED
    _log(tx, "reference_rejected", row, at, by=by.id)
    return row


@dataclass(frozen=True, slots=True)
class PhotoMatch:
    """``matched``: None when nothing was compared; ``hints``: what is wrong with the photo then."""

    matched: bool | None
    hints: tuple[str, ...] = ()


def match_id_photo(
    tx: Session,
    vault: Vault,
    comparison: FaceComparison,
    account_id: str,
    photo: FrameAssessment | NotAssessed,
    at: datetime,
) -> PhotoMatch:
    """Compare an ID photo with the pending face reference, at the operating point of ID photos.

    The result is kept for the person who confirms: a photo somebody uploads of himself does
    not confirm him by itself.
    """
    row = open_reference(tx, account_id, Modality.FACE, str(comparison.model_id), at)
    hints = face_hints(photo)
    if row is None or not is_complete(row):
        return PhotoMatch(None, hints)
    if hints or isinstance(photo, NotAssessed):
        _log(tx, _PHOTO_UNFIT, row, at, hints=",".join(hints))
        return PhotoMatch(None, hints)
    template = photo.faces[0].template
    assert template is not None, "enrolment asks for templates"
    reference = mean_template(protection.templates_of(tx, vault, row))
    turned = protection.rotation(tx, vault, account_id, row.rotation).apply(template)
    matched = comparison.accepts(comparison.compare(reference, turned), "id_photo")
    row.id_photo_matched = matched
    _log(tx, "id_photo_compared", row, at, matched=matched)
    return PhotoMatch(matched)


def photo_hints(tx: Session, rows: Iterable[Reference]) -> dict[str, list[str]]:
    """By id of a reference, what was wrong with the newest ID photo that could not be compared."""
    streams = {f"account:{row.account_id}" for row in rows if row.id_photo_matched is None}
    found: dict[str, list[str]] = {}
    for event in events.read_all(tx, streams, _PHOTO_UNFIT):
        found[event.payload["reference"]] = event.payload["hints"].split(",")
    return found


def face_reference(
    tx: Session, vault: Vault, account_id: str, model_id: ModelId, before: datetime
) -> protection.Turned | None:
    """The confirmed face reference made before *before*, as the mean of its samples."""
    rows = _confirmed(tx, account_id, Modality.FACE, str(model_id), before)
    if not rows:
        return None
    template = mean_template(protection.templates_of(tx, vault, rows[0]))
    rotation = protection.rotation(tx, vault, account_id, rows[0].rotation)
    return protection.Turned(template, rotation, rows[0].rotation)


def typing_reference(
    tx: Session, vault: Vault, account_id: str, model_id: str, before: datetime
) -> list[Sums]:
    """Confirmed typing made before *before*, one entry per visit."""
    return typing_sums(tx, vault, _confirmed(tx, account_id, Modality.KEYSTROKE, model_id, before))


def typing_sums(tx: Session, vault: Vault, rows: Sequence[Reference]) -> list[Sums]:
    return [Sums.from_bytes(vault.open(tx, r.account_id, _SEAL, r.sealed)) for r in rows]


def refuse_during_sitting(tx: Session, account_id: str) -> None:
    """Raise SittingOpen while the person has an open sitting."""
    query = select(Sitting.id).where(
        Sitting.account_id == account_id,
        Sitting.state.in_((SittingState.CHECKING, SittingState.RUNNING, SittingState.SUSPENDED)),
    )
    if tx.scalars(query).first():
        raise SittingOpen


def open_reference(
    tx: Session, account_id: str, modality: Modality, model_id: str, at: datetime
) -> Reference | None:
    """What this visit has made so far. Opening a sitting ends the visit: its reference counts
    as made before the sitting, with all its samples."""
    opened = select(func.max(Sitting.created_at)).where(
        Sitting.account_id == account_id, Sitting.created_at <= at
    )
    begun = max(at - SAME_VISIT, tx.scalars(opened).one() or at - SAME_VISIT)
    query = (
        select(Reference)
        .where(Reference.account_id == account_id, Reference.modality == modality)
        .where(Reference.model_id == model_id, Reference.state == ReferenceState.PENDING)
        .where(Reference.created_at > begun)
        .order_by(Reference.created_at.desc())
    )
    return tx.scalars(query).first()


def _is_same_face(
    comparison: FaceComparison | CentredComparison, reference: Template, probe: Template
) -> bool:
    return comparison.accepts(comparison.compare(reference, probe), "verification")


def _fingerprints(tx: Session, vault: Vault, row: Reference | None) -> list[bytes]:
    """Of the pictures this visit's samples were taken from."""
    if row is None or row.fingerprints is None:
        return []
    data = vault.open(tx, row.account_id, _PICTURES_SEAL, row.fingerprints)
    size = FINGERPRINT_BYTES
    return [data[at : at + size] for at in range(0, len(data), size)]


def forget_pictures(tx: Session, now: datetime) -> None:
    """Erase the fingerprints of enrolments broken off: nobody adds to those any more."""
    kept = Reference.fingerprints.is_not(None)
    broken_off = update(Reference).where(kept, Reference.created_at <= now - SAME_VISIT)
    tx.execute(broken_off.values(fingerprints=null()))


def _keep(
    tx: Session,
    row: Reference | None,
    account_id: str,
    modality: Modality,
    model_id: str,
    samples: int,
    sealed: bytes,
    at: datetime,
) -> Reference:
    if row is not None:
        row.samples, row.sealed = samples, sealed
        return row
    row = Reference(
        account_id=account_id,
        modality=modality,
        model_id=model_id,
        samples=samples,
        sealed=sealed,
        state=ReferenceState.PENDING,
        created_at=at,
        expires_at=at + _EXPIRES,
    )
    tx.add(row)
    tx.flush()
    _log(tx, "enrolment_begun", row, at)
    return row


def _decidable(tx: Session, reference_id: str, by: Account) -> Reference:
    row = tx.get(Reference, reference_id)
    owner = tx.get(Account, row.account_id) if row else None
    if row is None or owner is None or owner.institution_id != by.institution_id:
        raise NoSuchReference
    if not is_complete(row):
        raise NoSuchReference
    if row.state != ReferenceState.PENDING or owner.id == by.id:
        raise ReferenceNotPending
    return row


def _superseded(tx: Session, row: Reference) -> list[Reference]:
    query = (
        select(Reference)
        .where(Reference.account_id == row.account_id, Reference.modality == row.modality)
        .where(Reference.state == ReferenceState.CONFIRMED, Reference.id != row.id)
        .order_by(Reference.created_at.desc())
    )
    kept = 0 if row.modality == Modality.FACE else TYPING_SESSIONS - 1
    return list(tx.scalars(query))[kept:]


def _confirmed(
    tx: Session, account_id: str, modality: Modality, model_id: str, before: datetime
) -> list[Reference]:
    query = (
        select(Reference)
        .where(Reference.account_id == account_id, Reference.modality == modality)
        .where(Reference.model_id == model_id, Reference.state == ReferenceState.CONFIRMED)
        .where(Reference.created_at < before, Reference.expires_at > before)
        .order_by(Reference.created_at.desc())
    )
    return list(tx.scalars(query))


def _log(tx: Session, kind: str, row: Reference, at: datetime, **more: str | bool) -> None:
    payload = {"reference": row.id, "modality": row.modality.value, **more}
    events.append(tx, f"account:{row.account_id}", kind, payload, at)
