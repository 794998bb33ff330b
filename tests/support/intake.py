"""A file is previewed and taken in at once."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from proctor.exams.intake import FileKind, Imported, commit, preview
from proctor.people.tables import Account


def take_in(tx: Session, kind: FileKind[Any], by: Account, data: bytes, at: datetime) -> Imported:
    """Raises ImportRefused when anything is wrong with the file."""
    return commit(tx, kind, by, data, at, digest=preview(tx, kind, by, data).digest)
