"""Files of sittings that never began and no longer can: closed as those of an exam are.

Whoever checked camera and screen and went away, or whose process was killed then, left files that
no end of an exam closes.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proctor import events
from proctor.exams.tables import AssessmentEvent
from proctor.live.loading import Line
from proctor.media import ledger
from proctor.media.tables import Recording
from proctor.plumbing.db import hold
from proctor.sittings.tables import Expiry, Repair, RepairWindow, Sitting, SittingState


class Leftovers:
    """Closes files of one sitting at a time. ``is_held``: whether this process may write to them,
    asked on the event loop."""

    def __init__(self, line: Line, is_held: Callable[[str], bool]) -> None:
        self._line, self._is_held = line, is_held
        # each is tried once: what cannot be read now will not be later
        self._tried: set[str] = set()

    async def close_next(self) -> None:
        """Repair, seal and hash the files of the next such sitting."""
        for sitting_id in await asyncio.to_thread(self._found):
            if not self._is_held(sitting_id):
                self._tried.add(sitting_id)
                await asyncio.to_thread(self._close, sitting_id)
                return

    def _found(self) -> list[str]:
        with self._line.db.transaction() as tx:
            return [each for each in _left(tx, self._line.clock.now()) if each not in self._tried]

    def _close(self, sitting_id: str) -> None:
        root = self._line.settings.recordings_dir
        with self._line.db.transaction() as tx:
            paths = ledger.files_of(tx, sitting_id, root)
        # it reads whole files
        found = {str(each.path.relative_to(root)): each for each in ledger.recover(paths)}
        with self._line.db.transaction() as tx:
            hold(tx, sitting_id)
            if tx.get(Expiry, sitting_id) is not None:
                return
            for row in tx.scalars(select(Recording).where(Recording.sitting_id == sitting_id)):
                if row.path in found:
                    file = found[row.path]
                    row.starts_s, row.bytes, row.sha256 = file.starts_s, file.bytes, file.sha256
            hashes = {path: each.sha256 for path, each in found.items()}
            payload = {"recordings": hashes}
            events.append(tx, sitting_id, "recordings_closed", payload, self._line.clock.now())


def _left(tx: Session, now: datetime) -> list[str]:
    """Sittings with files that no row has a hash of, and that cannot begin any more."""
    closes_at = func.coalesce(RepairWindow.closes_at, AssessmentEvent.closes_at)
    query = (
        select(Sitting.id)
        .join(Recording, Recording.sitting_id == Sitting.id)
        .join(AssessmentEvent, AssessmentEvent.id == Sitting.event_id)
        .outerjoin(Repair, Repair.sitting_id == Sitting.id)
        .outerjoin(RepairWindow, RepairWindow.id == Repair.window_id)
        .outerjoin(Expiry, Expiry.sitting_id == Sitting.id)
        .where(Recording.sha256 == "", Expiry.sitting_id.is_(None), closes_at < now)
        .where(Sitting.state.in_((SittingState.CREATED, SittingState.CHECKING)))
    )
    return sorted(set(tx.scalars(query)))
