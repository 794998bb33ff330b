"""Holds the files there are against the rows that name them, both ways; it erases nothing."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.incidents.tables import ClipRow, IncidentRow
from proctor.media.tables import Recording
from proctor.review.verdicts import ENDED
from proctor.sittings.tables import Expiry, Sitting

# beside a file that a row names
_SIDE_FILES = (".idx", ".seals")


@dataclass(frozen=True, slots=True)
class Differences:
    """Paths relative to the recordings. ``missing``: a row names them and they are not there;
    ``unnamed``: they are there and no row names them; ``returned``: they were erased and are there
    again, from a backup, say."""

    missing: tuple[str, ...]
    unnamed: tuple[str, ...]
    returned: tuple[str, ...]


def differences(tx: Session, root: Path) -> Differences:
    """What files and rows do not agree on, sittings that have not ended left out."""
    named = _named(tx)
    erased = set(tx.scalars(select(Expiry.sitting_id).where(Expiry.done_at.is_not(None))))
    begun = set(tx.scalars(select(Expiry.sitting_id).where(Expiry.done_at.is_(None))))
    open_query = select(Sitting.id).where(Sitting.state.not_in(ENDED))
    passed_over = set(tx.scalars(open_query)) - erased | begun
    missing: list[str] = []
    unnamed: list[str] = []
    returned: list[str] = []
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in sorted(root.rglob("*")) if root.is_dir() else ():
        relative = path.relative_to(root)
        sitting_id = relative.parts[0]
        if path.is_dir() or sitting_id in passed_over:
            continue
        name = str(relative)
        found[sitting_id].add(name)
        of = str(relative.with_suffix("")) if path.suffix in _SIDE_FILES else name
        if sitting_id in erased:
            returned.append(name)
        elif of not in named.get(sitting_id, ()):
            unnamed.append(name)
    for sitting_id in sorted(named.keys() - erased - passed_over):
        missing += sorted(named[sitting_id] - found[sitting_id])
    return Differences(tuple(missing), tuple(unnamed), tuple(returned))


def _named(tx: Session) -> dict[str, set[str]]:
    """Paths of recordings and clips, by sitting."""
    named: defaultdict[str, set[str]] = defaultdict(set)
    for sitting_id, path in tx.execute(select(Recording.sitting_id, Recording.path)):
        named[sitting_id].add(path)
    clips = select(IncidentRow.sitting_id, ClipRow.path).join(
        IncidentRow, IncidentRow.id == ClipRow.incident_id
    )
    for sitting_id, path in tx.execute(clips):
        named[sitting_id].add(path)
    return named
