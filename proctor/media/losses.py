"""What of one track's packets is missing, when to ask for it again, and what a report says of it.

Pure: sequence numbers and times in, requests and figures out. Times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from proctor.media.frames import RTP_CLOCK_HZ
from proctor.media.pace import EXPECTED, Pace
from proctor.media.rtcp import ReceptionBlock, SenderReport

# asked at the first pulse after the hole is seen, and again when an answer is overdue
TRIES = 4
SHORTEST_WAIT_S = 0.04
# an answer later than that says no more of a full line
LATEST_S = 5.0
LONGEST_ROUND_TRIP_S = 1.5
# after a still nothing comes for seconds that would show its end to be lost, and by then it is
# forgotten; of a burst a full queue drops the last packets, not one
LONGEST_PAUSE_S = 0.5
GUESSED = 8
# a wider hole is a new start: the assembler holds no more either
MAX_HOLE = 256
REPORT_TICKS_PER_S = 65_536


@dataclass(slots=True)
class _Hole:
    ask_at: float
    asked_at: float | None = None
    tries: int = 0
    is_given_up: bool = False


class Losses:
    """Holes in one track's sequence; ``round_trip_s`` is learnt from the answers.

    ``holes``: by their place, what is asked for or will be, and what was lately. ``cut_at``: when
    to ask for the end of the last picture if nothing has come until then.
    ``longest_wait_s``: what is missing is asked for again after so long at most.
    """

    def __init__(self) -> None:
        self.round_trip_s = EXPECTED[Pace.FULL].round_trip_s
        self.longest_wait_s = EXPECTED[Pace.FULL].longest_wait_s
        self.repaired = 0
        self.given_up = 0
        self._highest: int | None = None
        self.holes: dict[int, _Hole] = {}
        self.cut_at = inf
        self._guesses = 0

    def saw(self, sequence: int, now: float, *, is_last: bool) -> None:
        """Note a packet, late and repaired ones too; *sequence*: 16 bits.

        ``is_last``: whether its picture ends with it.
        """
        if self._highest is None:
            self._highest = sequence
        step = (sequence - self._highest) & 0xFFFF
        if step == 1:
            self._highest += 1
        elif 1 < step < 0x8000:
            self._open(step, now)
        elif step:
            self._fill(self._highest + step - 0x10000, now)
            return
        self.cut_at = inf if is_last else now + LONGEST_PAUSE_S
        self._guesses = 0

    def due(self, now: float) -> list[int]:
        """Sequence numbers (16 bits) to ask for at *now*; each hole counts as asked."""
        wanted = self._guessed(now) if now >= self.cut_at else []
        for position, hole in list(self.holes.items()):
            if now < hole.ask_at:
                continue
            if hole.asked_at is None:
                hole.asked_at = now
            elif hole.is_given_up:
                del self.holes[position]
                continue
            elif hole.tries == TRIES:
                # its answer may yet teach how slow the line is
                hole.is_given_up, hole.ask_at = True, hole.asked_at + LATEST_S
                self.given_up += 1
                continue
            hole.ask_at = now + self._wait_s(hole.tries)
            hole.tries += 1
            wanted.append(position & 0xFFFF)
        return wanted

    def let_go(self) -> None:
        """Ask no more for what is missing now."""
        self._forget(list(self.holes))
        self.cut_at = inf

    def _wait_s(self, tries: int) -> float:
        """Twice as long each time: where the answer waits in a full line, asking again fills it."""
        wait_s = max(SHORTEST_WAIT_S, 1.5 * self.round_trip_s)
        return min(wait_s * (1 << tries), self.longest_wait_s)

    def _guessed(self, now: float) -> list[int]:
        """What follows the last packet: no holes, for it may not have been sent."""
        assert self._highest is not None
        wait_s = self._wait_s(self._guesses)
        self._guesses += 1
        self.cut_at = inf if self._guesses == TRIES else now + wait_s
        return [(self._highest + number) & 0xFFFF for number in range(1, GUESSED + 1)]

    def _open(self, step: int, now: float) -> None:
        assert self._highest is not None
        if step > MAX_HOLE:
            self._forget(list(self.holes))
        else:
            for position in range(self._highest + 1, self._highest + step):
                self.holes[position] = _Hole(now)
        self._highest += step
        self._forget(list(self.holes)[: max(0, len(self.holes) - MAX_HOLE)])

    def _forget(self, positions: list[int]) -> None:
        for position in positions:
            self.given_up += not self.holes.pop(position).is_given_up

    def _fill(self, position: int, now: float) -> None:
        hole = self.holes.pop(position, None)
        if hole is None or hole.asked_at is None:
            return
        self.repaired += not hole.is_given_up
        # an answer to the second request cannot be told from a late one to the first; taken for the
        # latter, since a line whose round trip is thought too short is asked until it is full
        waited_s = min(now - hole.asked_at, LONGEST_ROUND_TRIP_S)
        self.round_trip_s += 0.25 * (waited_s - self.round_trip_s)


class Reports:
    """What the receiver's reports say of one source (RFC 3550, 6.4 and A.8)."""

    def __init__(self, source: int) -> None:
        self.received = 0
        self._source = source
        self._first: int | None = None
        self._highest = 0
        self._transit: float | None = None
        self._jitter = 0.0
        self._before = (0, 0)
        self._heard: tuple[int, float] | None = None

    def saw(self, sequence: int, timestamp: int, now: float) -> None:
        """Note a packet as it was sent the first time."""
        self.received += 1
        if self._first is None:
            self._first = self._highest = sequence
        step = (sequence - self._highest) & 0xFFFF
        if step < 0x8000:
            self._highest += step
        transit = now * RTP_CLOCK_HZ - timestamp
        if self._transit is not None:
            change = abs(transit - self._transit)
            # a wrapped or jumping timestamp says nothing about the network
            if change < RTP_CLOCK_HZ * 10:
                self._jitter += (change - self._jitter) / 16
        self._transit = transit

    def heard(self, report: SenderReport, now: float) -> None:
        """Note the sender's own report, whose arrival the next block tells."""
        self._heard = (report.middle, now)

    def block(self, now: float) -> ReceptionBlock | None:
        """The block since the last one; None before the first packet."""
        if self._first is None:
            return None
        expected = self._highest - self._first + 1
        expected_now = expected - self._before[0]
        lost_now = expected_now - (self.received - self._before[1])
        self._before = (expected, self.received)
        middle, at = self._heard or (0, now)
        return ReceptionBlock(
            source=self._source,
            fraction_lost=(lost_now << 8) // expected_now if lost_now > 0 else 0,
            lost=expected - self.received,
            highest=self._highest,
            jitter=min(int(self._jitter), 0xFFFFFFFF),
            last_report=middle,
            since_report=int((now - at) * REPORT_TICKS_PER_S) & 0xFFFFFFFF,
        )
