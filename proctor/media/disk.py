"""The one thread that writes all recordings, and what there is room for.

A thread for each recording would be woken for each picture; a visit writes what has gathered. The
device is synced for one recording after another, so that none waits for all the others.
"""

from __future__ import annotations

import errno
import shutil
import threading
import time
from collections.abc import Hashable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import structlog

from proctor.observations import Track

log = structlog.get_logger()

VISIT_EVERY_S = 0.25
# a round of syncs may not keep the others from being written
SYNC_BUDGET_S = 0.25
# some recordings wait for others' syncs, and 10 s are promised
SEAL_EVERY_S = 8.0
# the recordings of an exam begin together, and no device could hold all of them at once: the first
# seal of each comes earlier, by parts of the time that lie far apart for any number of them
SPREAD = (5**0.5 - 1) / 2
MEASURE_EVERY_S = 1.0
# 300 kbit/s of screen, 250 of camera, and what wraps them
STUDENT_BYTES_PER_S = 75_000
# of what must be free for a new sitting: below it no screens, then no cameras; the rest is for
# events, answers and reports. Recording begins again when there is half as much more
SHED_SHARE: Mapping[Track, float] = MappingProxyType({Track.SCREEN: 0.5, Track.CAMERA: 0.25})
BEGIN_AGAIN = 1.5


class Written(Protocol):
    """A recording as the disk's thread sees it.

    ``sealed_at``: monotonic seconds; when it begins, earlier than that.
    """

    sealed_at: float

    def visit(self) -> None:
        """Write what has gathered."""

    def seal_if_due(self) -> None:
        """Have the device hold what was written, if that was long enough ago."""


class Disk:
    """Visits recordings until it is closed; each keeps its own failures.

    ``root``: where it lies, made if missing; None for one that never runs low. ``min_free``: bytes
    that stay free when a sitting is admitted.
    """

    def __init__(self, root: Path | None = None, min_free: int = 0) -> None:
        self._root = root
        self._min_free = min_free
        self._free = self._measured()
        self._measured_at = time.monotonic()
        self._shed: frozenset[Track] = frozenset()
        self._promised: dict[Hashable, float] = {}
        self._recordings: tuple[Written, ...] = ()
        self._attended = 0
        # guards the promises, and the tuple, which is replaced and never changed
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)
        self._thread.start()

    def admit(self, sitting: Hashable, seconds: float) -> bool:
        """Whether *seconds* more of *sitting* have room besides what others were promised.

        What was promised once is kept: when room is short then, tracks are given up, not sittings.
        """
        now, free = time.monotonic(), self._measured()
        with self._lock:
            promised = {name: until for name, until in self._promised.items() if until > now}
            is_known = sitting in promised
            promised[sitting] = now + seconds
            ahead_s = sum(until - now for until in promised.values())
            if not is_known and free < self._min_free + ahead_s * STUDENT_BYTES_PER_S:
                return False
            self._promised = promised
        return True

    def promise(self, sitting: Hashable, seconds: float) -> None:
        """Count *seconds* of *sitting*, whose exam is under way, before others are admitted."""
        with self._lock:
            self._promised[sitting] = time.monotonic() + seconds

    def release(self, sitting: Hashable) -> None:
        """Give back what *sitting* was promised."""
        with self._lock:
            self._promised.pop(sitting, None)

    def takes(self, track: Track) -> bool:
        """Whether there is room for this track by the newest measurement."""
        return track not in self._shed

    def attend(self, recording: Written) -> None:
        """Visit *recording* from now on."""
        with self._lock:
            recording.sealed_at -= SEAL_EVERY_S * (SPREAD * self._attended % 1)
            self._attended += 1
            self._recordings = (*self._recordings, recording)

    def dismiss(self, recording: Written) -> None:
        """Visit it no more, once a visit that is under way has ended."""
        with self._lock:
            self._recordings = tuple(each for each in self._recordings if each is not recording)

    def close(self) -> None:
        """End the thread; recordings can still be finished."""
        self._closing.set()
        self._thread.join()

    def _measured(self) -> float:
        if self._root is None:
            return float("inf")
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        return shutil.disk_usage(self._root).free

    def _measure(self) -> None:
        self._measured_at = time.monotonic()
        try:
            self._free = self._measured()
        except OSError as error:
            # what cannot even be measured takes nothing; it may be back a second later
            log.error("disk_not_measured", reason=errno.errorcode.get(error.errno or 0))
            self._shed = frozenset(Track)
            return
        self._shed = frozenset(
            track
            for track, share in SHED_SHARE.items()
            if self._free < share * self._min_free * (BEGIN_AGAIN if track in self._shed else 1)
        )

    def _run(self) -> None:
        rest_s = VISIT_EVERY_S
        while not self._closing.wait(rest_s):
            if time.monotonic() - self._measured_at >= MEASURE_EVERY_S:
                self._measure()
            recordings = self._recordings
            for each in recordings:
                each.visit()
            rest_s = VISIT_EVERY_S
            began = time.monotonic()
            for each in sorted(recordings, key=lambda each: each.sealed_at):
                each.seal_if_due()
                if time.monotonic() - began > SYNC_BUDGET_S:
                    # others may be due: with a rest after each round the device would idle half
                    # of the time, and seals come late
                    rest_s = 0.0
                    break
