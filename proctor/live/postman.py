"""The task that tells people what there is to tell, by e-mail where a server is set."""

import asyncio
import smtplib
from functools import partial

import structlog

from proctor.live.loading import Line
from proctor.people.post import deliver
from proctor.plumbing.rounds import Rounds
from proctor.review.reminders import remind

log = structlog.get_logger()

EVERY_S = 15.0


class Postman:
    """One per service; what it could not send waits in the database."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.rounds = Rounds(partial(asyncio.to_thread, self.round), EVERY_S, "post_failed")

    def round(self) -> None:
        """Write the notices that are due, and send what waits."""
        line = self._line
        remind(line.db, line.clock.now())
        if line.settings.smtp_host is None:
            return
        try:
            deliver(line.db, line.settings, line.clock.now())
        except (OSError, smtplib.SMTPException) as error:
            log.warning("post_not_sent", kind=type(error).__name__)
