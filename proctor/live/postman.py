"""The task that tells people what there is to tell, by e-mail where a server is set."""

import asyncio
import smtplib
from traceback import format_tb

import structlog

from proctor.live.loading import Line
from proctor.people.post import deliver
from proctor.review.reminders import remind

log = structlog.get_logger()

EVERY_S = 15.0


class Postman:
    """One per service; what it could not send waits in the database."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = asyncio.create_task(self._walk())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _walk(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await asyncio.to_thread(self.round)
            except (OSError, smtplib.SMTPException) as error:
                log.warning("post_not_sent", kind=type(error).__name__)
            # outermost loop: the next round tries again
            except Exception as error:  # noqa: BLE001
                frames = format_tb(error.__traceback__)
                log.error("post_failed", kind=type(error).__name__, frames=frames)

    def round(self) -> None:
        """Write the notices that are due, and send what waits."""
        line = self._line
        remind(line.db, line.clock.now())
        if line.settings.smtp_host is not None:
            deliver(line.db, line.settings, line.clock.now())
