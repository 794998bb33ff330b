"""The task that keeps the promise: it erases what is due every hour."""

import asyncio
from datetime import datetime, timedelta
from functools import partial

import structlog

from proctor.clock import Clock
from proctor.plumbing.db import Database
from proctor.plumbing.rounds import Rounds
from proctor.retention.reconcile import differences
from proctor.retention.sweep import sweep
from proctor.settings import Settings

log = structlog.get_logger()

EVERY_S = 3600.0
#: how often files and rows are held against each other
COMPARED_EVERY = timedelta(days=1)


class Sweeper:
    """One per service."""

    def __init__(self, settings: Settings, db: Database, clock: Clock) -> None:
        self._settings, self._db, self._clock = settings, db, clock
        self._compared_at: datetime | None = None
        self.rounds = Rounds(
            partial(asyncio.to_thread, self.round), EVERY_S, "expiry_failed", at_once=True
        )

    def round(self) -> None:
        """Erase what is due, and once a day say what files and rows do not agree on."""
        now, root = self._clock.now(), self._settings.recordings_dir
        swept = sweep(self._db, root, now, self._settings.expiry_percent)
        if swept.sittings or swept.references:
            n = {"sittings": len(swept.sittings), "references": len(swept.references)}
            log.info("expired", **n, bytes=swept.bytes)
        if self._compared_at is None or now - self._compared_at >= COMPARED_EVERY:
            self._compared_at = now
            self._compare()

    def _compare(self) -> None:
        with self._db.reading() as tx:
            found = differences(tx, self._settings.recordings_dir)
        for name in ("missing", "unnamed", "returned"):
            if paths := getattr(found, name):
                log.warning(f"files_{name}", number=len(paths), first=paths[0])
