"""Where on the recording's time axis a frame lies: RTP spacing, held to the server's clock."""

from __future__ import annotations

from proctor.media.frames import RTP_CLOCK_HZ

# the sender's clock may run ahead only by start-up jitter, and lag by what a network holds back
EARLY_LIMIT_S = 1.0
LATE_LIMIT_S = 3.0


class Timeline:
    """Places the frames of one track of one peer in seconds since the recording's epoch.

    The first frame is anchored at its arrival, the others follow by RTP distance. A sender whose
    clock leaves the window around arrival is anchored anew. Times never go back.
    """

    def __init__(self, epoch: float) -> None:
        self._epoch = epoch
        self._anchor_s: float | None = None
        self._ticks = 0
        self._last_rtp = 0
        self._last_s = 0.0

    def place(self, rtp_timestamp: int, arrival: float) -> float:
        """Seconds since the epoch, negative before it; ``arrival``: monotonic seconds."""
        arrived_s = arrival - self._epoch
        if self._anchor_s is None:
            self._anchor_s, self._last_s = arrived_s, arrived_s
        else:
            self._ticks += _signed32(rtp_timestamp - self._last_rtp)
        self._last_rtp = rtp_timestamp
        placed_s = self._anchor_s + self._ticks / RTP_CLOCK_HZ
        if not arrived_s - LATE_LIMIT_S <= placed_s <= arrived_s + EARLY_LIMIT_S:
            self._anchor_s, self._ticks, placed_s = arrived_s, 0, arrived_s
        self._last_s = max(self._last_s, placed_s)
        return self._last_s


def _signed32(difference: int) -> int:
    return (difference + (1 << 31)) % (1 << 32) - (1 << 31)
