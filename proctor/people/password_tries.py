"""How often a password was tried: whoever guesses soon has to wait."""

import asyncio
from datetime import timedelta

from proctor.clock import Clock
from proctor.errors import ProctorError

MOST = 10
WINDOW = timedelta(minutes=15)
# a check takes a core for a tenth of a second and 64 MiB
AT_ONCE = 2
_KEPT = 10_000


class TooManyTries(ProctorError):
    """The password was tried too often; the one-time link still works."""

    key = "error.too_many_tries"


class PasswordTries:
    """Tries of this process by e-mail and address, the oldest forgotten first.

    By address too, so that nobody keeps somebody else from signing in. ``room``: entered to
    check a password. All methods run on the event loop's thread.
    """

    def __init__(self, clock: Clock) -> None:
        self.room = asyncio.Semaphore(AT_ONCE)
        self._clock = clock
        self._counted: dict[tuple[str, str], tuple[float, int]] = {}

    def take(self, email: str, address: str) -> None:
        """Count one more try. Raises TooManyTries."""
        now = self._clock.monotonic()
        began, tries = self._counted.pop(_key(email, address), (now, 0))
        if now - began >= WINDOW.total_seconds():
            began, tries = now, 0
        self._counted[_key(email, address)] = (began, min(tries + 1, MOST + 1))
        if len(self._counted) > _KEPT:
            del self._counted[next(iter(self._counted))]
        if tries >= MOST:
            raise TooManyTries(minutes=int(WINDOW.total_seconds() // 60))

    def forget(self, email: str, address: str) -> None:
        """The password was right."""
        self._counted.pop(_key(email, address), None)


def _key(email: str, address: str) -> tuple[str, str]:
    return email.strip().lower(), address
