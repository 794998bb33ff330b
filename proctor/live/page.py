"""What is said into the student's page."""

import asyncio
from typing import Any

_BACKLOG = 64
#: the last message into a socket whose place another one took
REPLACED: dict[str, Any] = {"type": "replaced"}

Messages = asyncio.Queue[dict[str, Any]]


class Page:
    """The one page of a sitting: its newest socket.

    Two that send would give one number to two batches, and one of them would be lost. Of the
    messages a slow one cannot take, the newest stay. ``dropped``: the others.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._messages: Messages | None = None

    @property
    def is_open(self) -> bool:
        return self._messages is not None

    def open(self) -> Messages:
        """Messages for a new socket; the one before it hears ``REPLACED`` and is heard no more."""
        self.tell(REPLACED)
        self._messages = asyncio.Queue(_BACKLOG)
        return self._messages

    def leave(self, messages: Messages) -> None:
        if self.reads(messages):
            self._messages = None

    def reads(self, messages: Messages) -> bool:
        """Whether the socket of *messages* is the newest."""
        return self._messages is messages

    def tell(self, message: dict[str, Any]) -> None:
        if self._messages is None:
            return
        if self._messages.full():
            self._messages.get_nowait()
            self.dropped += 1
        self._messages.put_nowait(message)
