"""The sittings this process holds, and the sweep that ends those whose time is over."""

import asyncio
from datetime import timedelta
from traceback import format_tb

import structlog
from sqlalchemy import select

from proctor.live.loading import Line, load
from proctor.live.sitting import LiveSitting
from proctor.sittings.tables import Sitting, SittingState

log = structlog.get_logger()

SWEEP_PERIOD_S = 2.0
# the page hands in by itself at the end; the sweep is for pages that are gone
HAND_IN_GRACE = timedelta(seconds=5)


class LiveSittings:
    """The sittings this process holds, and the sweep that ends those whose time is over."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._open: dict[str, LiveSitting] = {}
        self._opening = asyncio.Lock()
        self._sweeper: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._sweeper = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Seal all recordings; running sittings stay running and resume after the restart."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait([self._sweeper])
        await asyncio.gather(*(each.leave("server_stopped") for each in self._open.values()))

    async def open(self, sitting_id: str) -> LiveSitting:
        """The live sitting, loaded when this process does not hold it yet."""
        # two requests of one page must not make two of it
        async with self._opening:
            if sitting_id not in self._open:
                loaded = await asyncio.to_thread(load, self.line, sitting_id)
                self._open[sitting_id] = LiveSitting(self.line, loaded)
            return self._open[sitting_id]

    def is_silent(self, sitting_id: str) -> bool:
        """Whether no browser has been heard of in this sitting lately."""
        live = self._open.get(sitting_id)
        return live is None or live.is_silent

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_PERIOD_S)
            try:
                for sitting_id in await asyncio.to_thread(_overdue, self.line):
                    live = await self.open(sitting_id)
                    await live.finish("time_over")
                self._forget()
            # the sweep is the outermost loop: one broken sitting must not stop the others
            except Exception as error:  # noqa: BLE001
                frames = format_tb(error.__traceback__)
                log.error("sweep_failed", kind=type(error).__name__, frames=frames)

    def _forget(self) -> None:
        done = [sid for sid, live in self._open.items() if live.is_finished and live.is_silent]
        for sitting_id in done:
            del self._open[sitting_id]


def _overdue(line: Line) -> list[str]:
    with line.db.transaction() as tx:
        query = select(Sitting.id).where(
            Sitting.state == SittingState.RUNNING,
            Sitting.deadline_at < line.clock.now() - HAND_IN_GRACE,
        )
        return list(tx.scalars(query))
