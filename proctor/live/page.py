"""The open sockets of one student's page, and what is said into all of them."""

import asyncio
from typing import Any

_BACKLOG = 64


class Sockets:
    """Messages for every socket of the page; of those a slow one cannot take, the newest stay."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[dict[str, Any]]] = set()

    def __len__(self) -> int:
        return len(self._queues)

    def add(self) -> asyncio.Queue[dict[str, Any]]:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_BACKLOG)
        self._queues.add(queue)
        return queue

    def remove(self, queue: asyncio.Queue[dict[str, Any]]) -> None:
        self._queues.discard(queue)

    def tell(self, message: dict[str, Any]) -> None:
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(message)
