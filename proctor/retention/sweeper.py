"""The task that keeps the promise: it erases what is due every hour."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from traceback import format_tb

import structlog

from proctor.clock import Clock
from proctor.plumbing.db import Database
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
        self._settings = settings
        self._db = db
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._compared_at: datetime | None = None

    def begin(self) -> None:
        self._task = asyncio.create_task(self._walk())

    async def close(self) -> None:
        """A sweep under way is ended before."""
        self._closing.set()
        if self._task is not None:
            await self._task

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

    async def _walk(self) -> None:
        while not self._closing.is_set():
            try:
                await asyncio.to_thread(self.round)
            # outermost loop: the next round tries again
            except Exception as error:  # noqa: BLE001
                frames = format_tb(error.__traceback__)
                log.error("sweep_failed", kind=type(error).__name__, frames=frames)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), EVERY_S)
