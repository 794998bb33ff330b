"""Files that were sent and wait to be taken in, sealed for who sent them."""

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from proctor.errors import NotFound
from proctor.exams.tables import ImportDraft
from proctor.people.tables import Account
from proctor.plumbing.db import new_id
from proctor.vault import Vault

KEPT_FOR = timedelta(days=1)
_PURPOSE = "import"


class DraftNotFound(NotFound):
    """You have sent no such file, or it was put away."""

    key = "office.import.draft_gone"


def keep_draft(
    tx: Session, vault: Vault, by: Account, kind: str, file_name: str, data: bytes, at: datetime
) -> ImportDraft:
    """Keep what *by* sent until it is taken in; what anybody sent a day ago is put away."""
    tx.execute(delete(ImportDraft).where(ImportDraft.at < at - KEPT_FOR))
    draft = ImportDraft(
        id=new_id(),
        account_id=by.id,
        kind=kind,
        file_name=file_name[:200],
        sealed=vault.seal(tx, by.id, _PURPOSE, data),
        at=at,
    )
    tx.add(draft)
    tx.flush()
    return draft


def draft_for(tx: Session, by: Account, draft_id: str, at: datetime) -> ImportDraft:
    """The draft that *by* sent. Raises DraftNotFound."""
    draft = tx.get(ImportDraft, draft_id)
    if draft is None or draft.account_id != by.id or draft.at < at - KEPT_FOR:
        raise DraftNotFound(draft=draft_id)
    return draft


def data_of(tx: Session, vault: Vault, draft: ImportDraft) -> bytes:
    """The bytes that were sent."""
    return vault.open(tx, draft.account_id, _PURPOSE, draft.sealed)


def put_away(tx: Session, draft_id: str) -> None:
    tx.execute(delete(ImportDraft).where(ImportDraft.id == draft_id))
