"""A task of a service that goes its round again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from traceback import format_tb

import structlog

log = structlog.get_logger()


class Rounds:
    """Calls *go* every *every_s* seconds, the first time after as long or *at_once*.

    A round that fails is logged as *failed*, and the next one tries again.
    """

    def __init__(
        self,
        go: Callable[[], Awaitable[None]],
        every_s: float,
        failed: str,
        *,
        at_once: bool = False,
    ) -> None:
        self._go, self._every_s, self._failed = go, every_s, failed
        self._first_s = 0.0 if at_once else every_s
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def begin(self) -> None:
        self._task = asyncio.create_task(self._walk())

    async def close(self) -> None:
        """A round under way is ended before."""
        self._closing.set()
        if self._task is not None:
            await self._task

    async def drop(self) -> None:
        """A round under way is not waited for."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def is_closing(self, within_s: float) -> bool:
        """Whether this is to end, now or *within_s* seconds; returns as soon as it is."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), within_s)
        return self._closing.is_set()

    async def _walk(self) -> None:
        wait_s = self._first_s
        while not await self.is_closing(wait_s):
            wait_s = self._every_s
            try:
                await self._go()
            # outermost loop: the next round tries again
            except Exception as error:  # noqa: BLE001
                frames = format_tb(error.__traceback__)
                log.error(self._failed, kind=type(error).__name__, frames=frames)
