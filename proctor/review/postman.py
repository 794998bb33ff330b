"""The task that tells people what there is to tell, by e-mail where a server is set."""

import asyncio
import smtplib
from functools import partial

import structlog

from proctor.clock import Clock
from proctor.people.post import deliver
from proctor.plumbing.db import Database
from proctor.plumbing.rounds import Rounds
from proctor.review.reminders import remind
from proctor.settings import Settings

log = structlog.get_logger()

EVERY_S = 15.0


class Postman:
    """One per service; what it could not send waits in the database."""

    def __init__(self, settings: Settings, db: Database, clock: Clock) -> None:
        self._settings, self._db, self._clock = settings, db, clock
        self.rounds = Rounds(partial(asyncio.to_thread, self.round), EVERY_S, "post_failed")

    def round(self) -> None:
        """Write the notices that are due, and send what waits."""
        remind(self._db, self._clock.now())
        if self._settings.smtp_host is None:
            return
        try:
            deliver(self._db, self._settings, self._clock.now())
        except (OSError, smtplib.SMTPException) as error:
            log.warning("post_not_sent", kind=type(error).__name__)
