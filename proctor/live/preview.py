"""What a student's camera or screen shows, as a small still picture."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from proctor.inference.pool import InferencePool
from proctor.media.frames import EncodedFrame
from proctor.observations import NotAssessed


@dataclass(frozen=True, slots=True)
class Still:
    """A JPEG; ``arrival``: monotonic seconds of the frame it was made of."""

    arrival: float
    jpeg: bytes


class Preview:
    """The newest key frame as a still, made when somebody asks, once for all who do."""

    def __init__(self, inference: InferencePool, newest: Callable[[], EncodedFrame | None]) -> None:
        self._inference = inference
        self._newest = newest
        self._of: EncodedFrame | None = None
        self._making: asyncio.Task[Still | None] | None = None

    async def still(self) -> Still | None:
        """None before the first frame, and when no worker could make one of the newest."""
        frame = self._newest()
        if frame is None:
            return None
        if self._making is None or (self._of is not frame and self._making.done()):
            self._of, self._making = frame, asyncio.create_task(self._make(frame))
        # who stops waiting takes it from nobody else
        return await asyncio.shield(self._making)

    async def _make(self, frame: EncodedFrame) -> Still | None:
        made = await self._inference.shrink_frame(frame.codec, frame.data)
        return None if isinstance(made, NotAssessed) else Still(frame.arrival, made)
