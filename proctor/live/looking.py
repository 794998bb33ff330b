"""The newest picture of a camera looked at once a second, and what was seen handed on."""

import asyncio
from collections.abc import Awaitable, Callable
from traceback import format_tb

import structlog

from proctor.clock import Clock
from proctor.live.faces import FaceWatch, Look
from proctor.media.capture import Capture
from proctor.media.frames import EncodedFrame
from proctor.observations import Check, NotAssessed

log = structlog.get_logger()

SAMPLE_PERIOD_S = 1.0


class Looking:
    """Goes on from ``begin`` to ``end``, with whichever connection there is.

    ``seen``: takes what a look showed and when, on the recordings' clock; ``failed``: that one
    crashed.
    """

    def __init__(
        self,
        sitting_id: str,
        clock: Clock,
        capture: Capture,
        faces: FaceWatch,
        seen: Callable[[float, Look], Awaitable[None]],
        failed: Callable[[NotAssessed], None],
    ) -> None:
        self._sitting_id = sitting_id
        self._clock, self._capture, self._faces = clock, capture, faces
        self._seen, self._failed = seen, failed
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Does nothing when it has begun."""
        if self._task is None:
            self._task = asyncio.create_task(self._go_on())

    async def end(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _go_on(self) -> None:
        while True:
            began = self._clock.monotonic()
            frame = self._capture.newest.take()
            if frame is not None:
                await self._try(frame)
            spent = self._clock.monotonic() - began
            await asyncio.sleep(max(0.05, SAMPLE_PERIOD_S - spent))

    async def _try(self, frame: EncodedFrame) -> None:
        at_s = self._capture.place(frame.arrival)
        try:
            await self._seen(at_s, await self._faces.look(frame, at_s))
        # outermost loop of the analysis: the failure is kept as "not assessed"
        except Exception as error:  # noqa: BLE001
            frames, kind = format_tb(error.__traceback__), type(error).__name__
            log.error("analysis_failed", sitting=self._sitting_id, kind=kind, frames=frames)
            self._failed(NotAssessed(Check.FACE, "crashed", at_s))
