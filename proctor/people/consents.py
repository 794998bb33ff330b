"""Consents: versioned, per purpose, sealed; the newest answer to a purpose counts."""

import hashlib
import json
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.catalogue import translate
from proctor.errors import Conflict
from proctor.people.tables import Consent, Purpose
from proctor.vault import Vault

SEAL = "consent"
TEXT_VERSION = "2026-11"
TEXT_KEYS = {
    Purpose.FACE: "consent.face",
    Purpose.TYPING: "consent.keystroke",
    Purpose.RECORDING: "consent.recording",
}


class ConsentMissing(Conflict):
    """The person has not consented to this."""

    key = "error.consent_missing"


def record(
    tx: Session,
    vault: Vault,
    account_id: str,
    answers: dict[Purpose, bool],
    locale: str,
    at: datetime,
) -> None:
    """Keep one answer per purpose, with the text that was shown."""
    for purpose, given in answers.items():
        shown = translate(locale, TEXT_KEYS[purpose])
        plain = {
            "given": given,
            "text_version": TEXT_VERSION,
            "locale": locale,
            "text_sha256": hashlib.sha256(shown.encode()).hexdigest(),
        }
        sealed = vault.seal(tx, account_id, SEAL, json.dumps(plain).encode())
        tx.add(Consent(account_id=account_id, purpose=purpose, at=at, sealed=sealed))
        events.append(
            tx, f"account:{account_id}", "consent_answered", {"purpose": purpose.value}, at
        )
    tx.flush()


def current(tx: Session, vault: Vault, account_id: str) -> dict[Purpose, bool]:
    """The newest answer to each purpose; a purpose never answered is absent."""
    query = select(Consent).where(Consent.account_id == account_id).order_by(Consent.at)
    answers = {}
    for row in tx.scalars(query):
        plain = json.loads(vault.open(tx, account_id, SEAL, row.sealed))
        answers[row.purpose] = bool(plain["given"])
    return answers


def require(tx: Session, vault: Vault, account_id: str, *purposes: Purpose) -> None:
    """Raise ConsentMissing unless every one of *purposes* was agreed to."""
    answers = current(tx, vault, account_id)
    if not all(answers.get(purpose) for purpose in purposes):
        raise ConsentMissing
