"""Where on the recording's time axis a frame lies: the sender's clock, held to the server's."""

from __future__ import annotations

from dataclasses import dataclass

from proctor.media.frames import RTP_CLOCK_HZ

# the sender's clock may run ahead only by start-up jitter, and lag by what a network holds back
EARLY_LIMIT_S = 1.0
LATE_LIMIT_S = 3.0
# quartz clocks differ by up to 100 ppm each
DRIFT = 200e-6
# a sender whose wall clock is set is believed anew
STEP_LIMIT_S = 0.5


@dataclass(frozen=True, slots=True)
class _Mark:
    ntp_s: float
    rtp_timestamp: int


class SenderClock:
    """When a sender's pictures were taken, on the server's clock: one offset for all its sources.

    The offset is that of the packet that was fastest so far, let go by what clocks drift; so two
    tracks are as far apart as they were for the sender, whatever their packets waited for.
    """

    def __init__(self) -> None:
        self._marks: dict[int, _Mark] = {}
        self._offset_s: float | None = None
        self._known_at = 0.0

    def heard(self, source: int, ntp_s: float, rtp_timestamp: int) -> None:
        """Note a sender report: its wall clock and the RTP clock of *source* at one instant."""
        told = self._sender_s(source, rtp_timestamp)
        if told is not None and abs(told - ntp_s) > STEP_LIMIT_S:
            self._offset_s = None
        self._marks[source] = _Mark(ntp_s, rtp_timestamp)

    def taken_at(self, source: int, rtp_timestamp: int, arrival: float) -> float | None:
        """Monotonic seconds at which a frame was taken; None before the source's first report.

        ``arrival``: monotonic seconds.
        """
        sender_s = self._sender_s(source, rtp_timestamp)
        if sender_s is None:
            return None
        offset_s = arrival - sender_s
        if self._offset_s is not None:
            offset_s = min(offset_s, self._offset_s + DRIFT * (arrival - self._known_at))
        self._offset_s, self._known_at = offset_s, arrival
        return sender_s + offset_s

    def _sender_s(self, source: int, rtp_timestamp: int) -> float | None:
        mark = self._marks.get(source)
        if mark is None:
            return None
        return mark.ntp_s + _signed32(rtp_timestamp - mark.rtp_timestamp) / RTP_CLOCK_HZ


class Timeline:
    """Places the frames of one track of one peer in seconds since the recording's epoch.

    A frame lies where it was taken, if that is known. Else the first frame is anchored at its
    arrival and the others follow by RTP distance. A sender whose clock leaves the window around
    arrival is anchored anew. Times never go back.
    """

    def __init__(self, epoch: float) -> None:
        self._epoch = epoch
        self._anchor_s: float | None = None
        self._ticks = 0
        self._last_rtp = 0
        self._last_s: float | None = None

    def place(self, rtp_timestamp: int, arrival: float, taken: float | None = None) -> float:
        """Seconds since the epoch, negative before it.

        ``arrival`` and ``taken``: monotonic seconds.
        """
        arrived_s = arrival - self._epoch
        if self._anchor_s is None:
            self._anchor_s = arrived_s
        else:
            self._ticks += _signed32(rtp_timestamp - self._last_rtp)
        self._last_rtp = rtp_timestamp
        if taken is not None and arrival - LATE_LIMIT_S <= taken <= arrival + EARLY_LIMIT_S:
            self._anchor_s, self._ticks = taken - self._epoch, 0
        placed_s = self._anchor_s + self._ticks / RTP_CLOCK_HZ
        if not arrived_s - LATE_LIMIT_S <= placed_s <= arrived_s + EARLY_LIMIT_S:
            self._anchor_s, self._ticks, placed_s = arrived_s, 0, arrived_s
        self._last_s = placed_s if self._last_s is None else max(self._last_s, placed_s)
        return self._last_s


def _signed32(difference: int) -> int:
    return (difference + (1 << 31)) % (1 << 32) - (1 << 31)
