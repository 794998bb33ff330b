from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.exams.drafts import KEPT_FOR, DraftNotFound, data_of, draft_for, keep_draft
from proctor.exams.tables import ImportDraft
from proctor.people.tables import Account
from proctor.vault import Vault

pytestmark = pytest.mark.db


def test_a_draft_is_sealed_and_put_away_after_a_day(
    tx: Session, office: Account, now: datetime
) -> None:
    vault = Vault(bytes(32))
    draft = keep_draft(tx, vault, office, "roster", "list.csv", b"names", now)
    assert b"names" not in draft.sealed
    assert data_of(tx, vault, draft_for(tx, office, draft.id, now + KEPT_FOR)) == b"names"
    later = now + KEPT_FOR + timedelta(seconds=1)
    with pytest.raises(DraftNotFound):
        draft_for(tx, office, draft.id, later)
    newer = keep_draft(tx, vault, office, "roster", "list.csv", b"more", later)
    assert tx.scalars(select(ImportDraft.id)).all() == [newer.id]
