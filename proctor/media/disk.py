"""The one thread that writes all recordings: it visits them a few times a second.

A thread for each recording would be woken for each picture; a visit writes what has gathered. The
device is synced for one recording after another, so that none waits for all the others.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

VISIT_EVERY_S = 0.25
# a round of syncs may not keep the others from being written
SYNC_BUDGET_S = 0.25


class Written(Protocol):
    """A recording as the disk's thread sees it; ``sealed_at``: monotonic seconds."""

    sealed_at: float

    def visit(self) -> None:
        """Write what has gathered."""

    def seal_if_due(self) -> None:
        """Have the device hold what was written, if that was long enough ago."""


class Disk:
    """Visits recordings until it is closed; each keeps its own failures."""

    def __init__(self) -> None:
        self._recordings: tuple[Written, ...] = ()
        # guards the tuple, which is replaced and never changed
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)
        self._thread.start()

    def attend(self, recording: Written) -> None:
        """Visit *recording* from now on."""
        with self._lock:
            self._recordings = (*self._recordings, recording)

    def dismiss(self, recording: Written) -> None:
        """Visit it no more, once a visit that is under way has ended."""
        with self._lock:
            self._recordings = tuple(each for each in self._recordings if each is not recording)

    def close(self) -> None:
        """End the thread; recordings can still be finished."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(VISIT_EVERY_S):
            recordings = self._recordings
            for each in recordings:
                each.visit()
            began = time.monotonic()
            for each in sorted(recordings, key=lambda each: each.sealed_at):
                each.seal_if_due()
                if time.monotonic() - began > SYNC_BUDGET_S:
                    break
