"""Packets of one track in any order in, whole encoded frames in sending order out.

A packet that never comes holds the picture back for a bounded time, then the stream resumes at the
next key frame: a frame whose reference is lost is not handed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from proctor.media.frames import Codec, is_key_frame
from proctor.media.h264 import ParameterSets
from proctor.media.pace import EXPECTED, Pace
from proctor.observations import Track

CAPACITY_PACKETS = 512
# a 1080p text key frame measures 40 to 51 kB
MAX_FRAME_BYTES = 1 << 20
# a whole key frame needs nothing of what is missing before it; on a wide line that is here by then
KEY_PATIENCE_S = 1.0


class Packet(NamedTuple):
    """One depayloaded RTP packet; ``sequence``: 16 bits, ``arrival``: monotonic seconds."""

    sequence: int
    timestamp: int
    marker: bool
    codec: Codec
    arrival: float
    data: bytes


@dataclass(frozen=True, slots=True)
class AssembledFrame:
    """A complete encoded picture; ``arrival``: monotonic seconds of the packet completing it."""

    codec: Codec
    timestamp: int
    arrival: float
    is_key: bool
    data: bytes


class FrameAssembler:
    """Puts one track's packets into frames; ``needs_key`` says that a key frame must be asked.

    ``patience_s``: how long a packet that is missing holds the picture back. ``waiting``: packets
    behind a hole, by their place.
    """

    def __init__(self) -> None:
        self.needs_key = True
        self.patience_s = EXPECTED[Pace.FULL].patience_s[Track.CAMERA]
        self._next: int | None = None
        self.waiting: dict[int, Packet] = {}
        self._parts: list[Packet] = []
        self._bytes = 0
        self._sets = ParameterSets()

    def add(self, packet: Packet) -> list[AssembledFrame]:
        """Frames that *packet* completes, oldest first."""
        position = self._position(packet.sequence)
        if position == self._next and not self.waiting:
            frames: list[AssembledFrame] = []
            self._put(packet, packet.arrival, frames)
            return frames
        if self._next is None or not self._next - CAPACITY_PACKETS < position:
            self._restart(position)
        assert self._next is not None
        if position < self._next:
            return []
        if position - self._next >= CAPACITY_PACKETS:
            self._restart(position)
        self.waiting[position] = packet
        return self._overdue(packet.arrival, self.patience_s)

    def expire(self, now: float) -> list[AssembledFrame]:
        """Frames ready at *now* (monotonic seconds), a hole older than the patience given up.

        To be called now and then: *add* gives up holes too, but looks for no key frame behind them.
        """
        frames = self._overdue(now, self.patience_s)
        if self.waiting and now - self.waiting[min(self.waiting)].arrival >= KEY_PATIENCE_S:
            start = self._whole_key()
            if start is not None:
                frames += self._skip(start, now)
        return frames

    def let_go(self, now: float) -> list[AssembledFrame]:
        """Frames ready at *now* (monotonic seconds), all holes given up."""
        return self._overdue(now, 0.0)

    def _overdue(self, now: float, patience_s: float) -> list[AssembledFrame]:
        frames = self._drain(now)
        while self.waiting:
            first = min(self.waiting)
            if now - self.waiting[first].arrival < patience_s:
                break
            frames += self._skip(first, now)
        return frames

    def _skip(self, position: int, now: float) -> list[AssembledFrame]:
        """Go on at *position*, without what is before it."""
        self._give_up()
        self._next = position
        for each in [each for each in self.waiting if each < position]:
            del self.waiting[each]
        return self._drain(now)

    def _whole_key(self) -> int | None:
        """Where the first VP8 key frame begins that is here from its first packet to its last."""
        start: int | None = None
        for position in sorted(self.waiting):
            packet, before = self.waiting[position], self.waiting.get(position - 1)
            if before is None or before.timestamp != packet.timestamp:
                is_key = packet.codec == "VP8" and is_key_frame("VP8", packet.data)
                start = position if is_key else None
            if start is not None and packet.marker:
                return start
        return None

    def _position(self, sequence: int) -> int:
        if self._next is None:
            return sequence
        return self._next + (sequence - self._next + 0x8000) % 0x10000 - 0x8000

    def _restart(self, position: int) -> None:
        self.waiting.clear()
        self._give_up()
        self._next = position

    def _give_up(self) -> None:
        self._parts, self._bytes, self.needs_key = [], 0, True

    def _drain(self, now: float) -> list[AssembledFrame]:
        frames: list[AssembledFrame] = []
        while self._next is not None and (packet := self.waiting.pop(self._next, None)):
            self._put(packet, now, frames)
        return frames

    def _put(self, packet: Packet, now: float, frames: list[AssembledFrame]) -> None:
        """Take the packet that is next, and put what it completes to *frames*."""
        assert self._next is not None
        self._next += 1
        # a sender without marker bits ends a frame by starting the next
        if self._parts and self._parts[0].timestamp != packet.timestamp:
            frames += self._close(now)
        self._parts.append(packet)
        self._bytes += len(packet.data)
        if self._bytes > MAX_FRAME_BYTES:
            self._give_up()
        elif packet.marker:
            frames += self._close(now)

    def _close(self, now: float) -> list[AssembledFrame]:
        parts, self._parts, self._bytes = self._parts, [], 0
        data = b"".join(part.data for part in parts)
        first = parts[0]
        if first.codec == "H264":
            data = self._sets.complete(data)
        is_key = is_key_frame(first.codec, data)
        if not data or (self.needs_key and not is_key):
            return []
        self.needs_key = False
        return [AssembledFrame(first.codec, first.timestamp, now, is_key, data)]
