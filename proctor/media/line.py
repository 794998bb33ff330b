"""Whether the line of a browser is full, told by how long its packets take. Pure."""

from __future__ import annotations

from math import inf

# a key frame fills a line for a moment; one that is given more than it carries stays so
STANDING_S = 0.1
LEAST_OF_S = 1.0
LEAST_PACKETS = 5
# clocks drift by some 50 parts in a million: the shortest way is known of so long at most, twice
WAY_KNOWN_S = 150.0
# the line that was full once is believed to be for so long
FULL_FOR_S = 30.0
SEND_TIME_WRAPS_S = 64.0


class LineQueue:
    """Whether packets wait in the line: all of a second took longer than the shortest way known."""

    def __init__(self) -> None:
        self._offset_s: float | None = None
        self._second = self._epoch = 0.0
        self._least = self._shortest = self._shortest_before = inf
        self._packets = 0
        self._full_until = 0.0

    def add(self, arrival: float, send_time: int) -> None:
        """``arrival``: monotonic seconds; ``send_time``: 24 bits of 1/2^18 s."""
        way = arrival - send_time / (1 << 18)
        if self._offset_s is None:
            self._offset_s = way
            self._second = self._epoch = arrival
        # by how much longer than the first one's: the two clocks have nothing in common
        longer = (way - self._offset_s + SEND_TIME_WRAPS_S / 2) % SEND_TIME_WRAPS_S
        self._least = min(self._least, longer)
        self._shortest = min(self._shortest, longer)
        self._packets += 1
        # of a second in which next to nothing came, the rest says nothing
        if arrival - self._second >= LEAST_OF_S and self._packets >= LEAST_PACKETS:
            if self._least - min(self._shortest, self._shortest_before) > STANDING_S:
                self._full_until = arrival + FULL_FOR_S
            self._second, self._least, self._packets = arrival, inf, 0
        if arrival - self._epoch >= WAY_KNOWN_S:
            self._epoch, self._shortest_before, self._shortest = arrival, self._shortest, inf

    def was_full(self, now: float) -> bool:
        """Whether packets waited for a whole second of the last 30."""
        return now < self._full_until
