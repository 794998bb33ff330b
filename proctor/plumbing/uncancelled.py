"""Work that ends as it would have ended, whoever stops waiting for it."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """What *work* returns; a caller cancelled meanwhile is cancelled only after it.

    A thread cannot be cancelled: who went on without it would let go of a lock that the thread
    still needs.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        raise
