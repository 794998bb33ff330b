"""Erases what is due: marked, unlinked, done, so that a sweep that was killed goes on.

What nobody may see any more is marked first; then its files go, then the rest, and the chain of
the sitting says so. A share of everything that is too large is erased only when a person says so.
"""

import errno
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from proctor import events
from proctor.analysis import keys
from proctor.identity import enrolment
from proctor.identity.tables import Reference, SentenceSample
from proctor.incidents.builder import clips_of
from proctor.media.files import keep
from proctor.media.tables import Recording
from proctor.people.tables import Institution
from proctor.plumbing.db import Database, hold
from proctor.retention.due import find_due
from proctor.retention.erasure import complete, ready_to_complete
from proctor.retention.facts import Standing, standing_of, standing_of_reference
from proctor.retention.rules import Why
from proctor.sittings.tables import Expiry, Sitting

log = structlog.get_logger()


@dataclass(slots=True)
class Swept:
    """What a sweep did, or would do. ``sittings``, ``references``: erased; ``held``: past their
    term, by why they are kept; ``refused``: sittings due that were too many at once, of ``kept``;
    ``refused_references``: the same of references, of ``used``; ``failed``: sittings with files
    that could not be unlinked, tried again by the next sweep."""

    sittings: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    bytes: int = 0
    held: Counter[Why] = field(default_factory=Counter)
    kept: int = 0
    refused: int = 0
    used: int = 0
    refused_references: int = 0
    failed: list[str] = field(default_factory=list)


def sweep(
    db: Database, root: Path, now: datetime, most_percent: float, *, above_limit: bool = False
) -> Swept:
    """Erase everything that is due at *now*; *root*: of the recordings.

    ``above_limit``: a person said that it may be more than *most_percent* of all at once.
    """
    swept = go_on(db, root, now)
    with db.transaction() as tx:
        enrolment.forget_pictures(tx, now)
    with db.reading() as tx:
        institutions = list(tx.scalars(select(Institution.id)))
    for institution_id in institutions:
        with db.reading() as tx:
            due = find_due(tx, institution_id, now)
        sittings, references = due.now_due(now)
        swept.held += due.held(now)
        swept.kept += due.kept
        swept.used += due.used
        many = ([], []) if above_limit else due.too_many(now, most_percent)
        refused = {each.id for each in chain(*many)}
        if refused:
            n = {"sittings": len(many[0]), "references": len(many[1])}
            log.error("mass_expiry_refused", **n, kept=due.kept, used=due.used)
        swept.refused += len(many[0])
        swept.refused_references += len(many[1])
        for each in sittings:
            if each.id not in refused and _mark(db, each, now):
                _erase(db, root, each.id, now, swept)
        for each in references:
            if each.id not in refused and _erase_reference(db, each, now):
                swept.references.append(each.id)
    return swept


def go_on(db: Database, root: Path, now: datetime) -> Swept:
    """Erase what was marked and is not gone yet, and complete the erasures people asked for."""
    swept = Swept()
    with db.reading() as tx:
        begun = list(tx.scalars(select(Expiry.sitting_id).where(Expiry.done_at.is_(None))))
    for sitting_id in begun:
        _erase(db, root, sitting_id, now, swept)
    with db.reading() as tx:
        ready = ready_to_complete(tx)
    # the old key is gone when the log of writes is empty; the next sweep tries again
    if ready and db.forget():
        with db.transaction() as tx:
            complete(tx, ready, now)
    elif ready:
        log.warning("log_of_writes_not_emptied", erasures=len(ready))
    return swept


def _mark(db: Database, found: Standing, now: datetime) -> bool:
    """Show it to nobody any more, if it is still due; whether it is."""
    with db.transaction() as tx:
        # whoever sets a hold, appeals or decides now writes to one of these chains
        hold(tx, f"account:{found.account_id}")
        hold(tx, found.id)
        if tx.get(Expiry, found.id) is not None:
            return False
        standing = standing_of(tx, tx.get_one(Sitting, found.id), now)
        if standing.why_not_yet(now):
            return False
        due_at = standing.due_at
        tx.add(Expiry(sitting_id=found.id, on_request=False, due_at=due_at, at=now))
    return True


def _erase(db: Database, root: Path, sitting_id: str, now: datetime, swept: Swept) -> None:
    """Unlink the files of a marked sitting and write that they are gone."""
    with db.reading() as tx:
        named = _named(tx, sitting_id)
        size = sum(tx.scalars(select(Recording.bytes).where(Recording.sitting_id == sitting_id)))
    try:
        unnamed = _unlink(root, sitting_id, set(named))
    except OSError as error:
        reason = errno.errorcode.get(error.errno or 0)
        log.error("files_not_erased", sitting=sitting_id, reason=reason)
        swept.failed.append(sitting_id)
        return
    with db.transaction() as tx:
        hold(tx, sitting_id)
        expiry = tx.get_one(Expiry, sitting_id)
        if expiry.done_at is not None:
            return
        had_typing = keys.erase(tx, [sitting_id]) > 0
        expiry.done_at = now
        fact: dict[str, Any] = {
            "on_request": expiry.on_request,
            "due_at": expiry.due_at.isoformat(),
            "since": expiry.at.isoformat(),
            "files": named,
            "unnamed": unnamed,
            "typing": had_typing,
        }
        events.append(tx, sitting_id, "evidence_expired", fact, now)
    swept.sittings.append(sitting_id)
    swept.bytes += size


def _named(tx: Session, sitting_id: str) -> dict[str, str]:
    """SHA-256 of each recording and clip of a sitting, by path."""
    query = select(Recording.path, Recording.sha256).where(Recording.sitting_id == sitting_id)
    recordings = {row.path: row.sha256 for row in tx.execute(query)}
    return recordings | {clip.path: clip.sha256 for clip in clips_of(tx, sitting_id)}


def _unlink(root: Path, sitting_id: str, named: set[str]) -> int:
    """Erase the directory of a sitting with all that is in it; how many files no row names."""
    directory, unnamed = root / sitting_id, 0
    if not directory.is_dir():
        return 0
    for path in sorted(directory.iterdir()):
        of = path.with_suffix("") if path.suffix in (".idx", ".seals") else path
        unnamed += str(of.relative_to(root)) not in named
        path.unlink(missing_ok=True)
    keep(directory)
    directory.rmdir()
    keep(root)
    return unnamed


def _erase_reference(db: Database, found: Standing, now: datetime) -> bool:
    """Erase a reference if it is still due; the chain of the person says that there was one."""
    with db.transaction() as tx:
        hold(tx, f"account:{found.account_id}")
        row = tx.get(Reference, found.id)
        if row is None:
            return False
        standing = standing_of_reference(tx, row, now)
        if standing.why_not_yet(now):
            return False
        tx.execute(delete(SentenceSample).where(SentenceSample.reference_id == row.id))
        tx.delete(row)
        fact = {
            "reference": row.id,
            "modality": row.modality.value,
            "due_at": standing.due_at.isoformat(),
        }
        events.append(tx, f"account:{row.account_id}", "reference_expired", fact, now)
    return True
