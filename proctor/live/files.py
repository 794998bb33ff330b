"""Rows for the files of one sitting: what no row names would be seen by nobody."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from proctor.live.journal import Journal
from proctor.media import ledger
from proctor.observations import Track

log = structlog.get_logger()


class Files:
    """Files that were begun and have no row yet. ``root``: of all recordings; ``lock``: orders
    the writes of the sitting; ``spawn``: runs what nobody waits for."""

    def __init__(
        self,
        sitting_id: str,
        root: Path,
        journal: Journal,
        lock: asyncio.Lock,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._sitting_id, self._root = sitting_id, root
        self._journal, self._lock, self._spawn = journal, lock, spawn
        self._unnamed: dict[Path, Track] = {}

    def begun(self, track: Track, path: Path) -> None:
        """A file was begun: it gets its row soon."""
        self._unnamed[path] = track
        self._spawn(self._name_soon())

    async def name(self) -> None:
        """Write a row for each file that was begun; with the lock held."""
        begun, root = dict(self._unnamed), self._root

        def write(tx: Session, _: datetime) -> None:
            for path, track in begun.items():
                ledger.open_files(tx, self._sitting_id, {track: path}, root)

        if begun:
            await self._journal.write(write)
        for path in begun:
            del self._unnamed[path]

    async def _name_soon(self) -> None:
        try:
            async with self._lock:
                await self.name()
        except SQLAlchemyError as error:
            log.error("file_not_named", sitting=self._sitting_id, kind=type(error).__name__)
