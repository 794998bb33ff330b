"""The sentence that everybody types: at enrolment, and before an exam.

Presses enter; sealed repetitions, and how the attempt stands beside other people's, leave. It is
a sign beside others for whoever reviews, and decides nothing.
"""

from datetime import datetime

import numpy as np
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from keystroke.presses import Presses
from keystroke.sentence import MIN_OTHERS, REPETITIONS, Repetitions, Unusable
from keystroke.verifiers.phrase import less_alike
from proctor import events
from proctor.catalogue import translate
from proctor.errors import Conflict
from proctor.identity import enrolment
from proctor.identity.enrolment import Progress
from proctor.identity.tables import (
    NO_REFERENCE,
    Modality,
    Reference,
    ReferenceState,
    SentenceCheck,
    SentenceSample,
)
from proctor.people.tables import Account
from proctor.sittings.tables import Sitting
from proctor.vault import KeyDestroyed, Vault

#: why nothing was compared: fewer than fifty others have typed the sentence on such a keyboard
FEW_OTHERS = "few_others"
# the newest of the others; more of them cost time and tell no more
_MOST_OTHERS = 200
_SEAL = "sentence-sample"


class NoTypingYet(Conflict):
    """The sentence follows the texts of the same visit."""

    key = "error.sentence_first"


def add(
    tx: Session,
    vault: Vault,
    model_id: str,
    account_id: str,
    language: str,
    presses: Presses,
    at: datetime,
) -> Progress:
    """Add one repetition to this visit's typing; a hint when it is none. Raises NoTypingYet."""
    enrolment.refuse_during_sitting(tx, account_id)
    reference = enrolment.open_reference(tx, account_id, Modality.KEYSTROKE, model_id, at)
    if reference is None:
        raise NoTypingYet
    row = tx.get(SentenceSample, reference.id)
    kept = row.repetitions if row is not None else 0
    fresh = Repetitions.one(presses, len(text(language)))
    if isinstance(fresh, Unusable):
        return Progress(kept, REPETITIONS, (fresh.value,))
    if kept >= REPETITIONS:
        return Progress(kept, REPETITIONS)
    if row is not None:
        fresh = _opened(tx, vault, account_id, row).followed_by(fresh)
    sealed = vault.seal(tx, account_id, _SEAL, fresh.to_bytes())
    if row is None:
        row = SentenceSample(reference_id=reference.id)
        tx.add(row)
    row.language, row.repetitions, row.sealed = language, len(fresh), sealed
    return Progress(len(fresh), REPETITIONS)


def text(language: str) -> str:
    """The sentence in a language."""
    return translate(language, "sentence.text")


def asked(tx: Session, model_id: str, sitting: Sitting) -> str | None:
    """The language of the sentence to type before the exam.

    None when the person has no confirmed sample of it, has typed it, or sits the exam already.
    """
    if sitting.started_at is not None or tx.get(SentenceCheck, sitting.id) is not None:
        return None
    mine = _newest(model_id, sitting.created_at).where(Reference.account_id == sitting.account_id)
    found = tx.execute(mine).first()
    return None if found is None else found[0].language


def compare(
    tx: Session, vault: Vault, model_id: str, sitting: Sitting, presses: Presses, now: datetime
) -> SentenceCheck | Unusable:
    """The sentence typed for *sitting* beside the person's own and other people's; not yet kept.

    None of the typing is kept. Those beside whom it stands are of the same institution, enrolled
    and confirmed, and typed the same keys.
    """
    mine = _newest(model_id, sitting.created_at).where(Reference.account_id == sitting.account_id)
    found = tx.execute(mine).first()
    if found is None:
        return _not_compared(sitting, NO_REFERENCE, 0, now)
    own = _opened(tx, vault, sitting.account_id, found[0])
    fresh = Repetitions.one(presses, len(own.zones))
    if isinstance(fresh, Unusable):
        return fresh
    if fresh.zones != own.zones:
        # another layout of the keyboard, or other words
        return Unusable.NOT_THE_SENTENCE
    others = _others(tx, vault, model_id, sitting, own)
    if len(others) < MIN_OTHERS:
        return _not_compared(sitting, FEW_OTHERS, len(others), now)
    beside = np.stack([each.features for each in others])
    (share,) = less_alike(own.features, beside, fresh.features)
    return SentenceCheck(
        sitting_id=sitting.id, less_alike=float(share), others=len(others), reason=None, at=now
    )


def keep(tx: Session, check: SentenceCheck) -> None:
    """Put the comparison on record; the first of a sitting stands."""
    if tx.get(SentenceCheck, check.sitting_id) is not None:
        return
    tx.add(check)
    payload = {"less_alike": check.less_alike, "others": check.others, "reason": check.reason}
    events.append(tx, check.sitting_id, "sentence_compared", payload, check.at)


def _newest(model_id: str, before: datetime) -> Select[SentenceSample, Reference]:
    """Complete sentences of confirmed visits before *before*, newest first."""
    return (
        select(SentenceSample, Reference)
        .join(Reference, Reference.id == SentenceSample.reference_id)
        .where(Reference.state == ReferenceState.CONFIRMED, Reference.model_id == model_id)
        .where(Reference.created_at < before, Reference.expires_at > before)
        .where(SentenceSample.repetitions >= REPETITIONS)
        .order_by(Reference.created_at.desc())
    )


def _others(
    tx: Session, vault: Vault, model_id: str, sitting: Sitting, own: Repetitions
) -> list[Repetitions]:
    institution_id = tx.get_one(Account, sitting.account_id).institution_id
    query = (
        _newest(model_id, sitting.created_at)
        .join(Account, Account.id == Reference.account_id)
        .where(Account.institution_id == institution_id, Account.id != sitting.account_id)
    )
    found: dict[str, Repetitions] = {}
    for row, reference in tx.execute(query):
        if len(found) == _MOST_OTHERS:
            break
        if reference.account_id in found:
            continue
        try:
            theirs = _opened(tx, vault, reference.account_id, row)
        except KeyDestroyed:
            continue
        if theirs.zones == own.zones:
            found[reference.account_id] = theirs
    return list(found.values())


def _opened(tx: Session, vault: Vault, account_id: str, row: SentenceSample) -> Repetitions:
    return Repetitions.from_bytes(vault.open(tx, account_id, _SEAL, row.sealed))


def _not_compared(sitting: Sitting, reason: str, others: int, now: datetime) -> SentenceCheck:
    return SentenceCheck(
        sitting_id=sitting.id, less_alike=None, others=others, reason=reason, at=now
    )
