"""Students of a benchmark: one process that sends a trace for each through real ICE, DTLS and SRTP.

It answers requests for packets and key frames as a browser does, and loses packets if told to.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import struct
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.rtp import (
    RTCP_PSFB_PLI,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
)
from aiortc.sdp import MediaDescription, SessionDescription
from av.frame import Frame

from proctor.commands.rtp_trace import Trace, TracePacket, drawn_trace, read_trace
from proctor.media.frames import RTP_CLOCK_HZ
from proctor.media.ingest import SendingEnd
from proctor.media.rtp import ABS_SEND_TIME
from proctor.observations import Track

AT_ONCE: Final = 8
HISTORY: Final = 600
LATE_S: Final = 0.05
REPORT_EVERY_S: Final = 1.0
# packets asked for again at the end are still on their way
DRAIN_S: Final = 1.0
# a browser makes a key frame when asked; a trace has the next one soon, or starts over
NEAR_KEY_S: Final = 3.0
NTP_EPOCH_S: Final = 2_208_988_800


@dataclass(frozen=True)
class Orders:
    """What a benchmark has sent. ``trace``: None for the drawn one; ``loss``: share of packets.

    ``is_looked_at``: the drawn screen has a key frame every two seconds, as it is asked then.
    """

    students: int
    seconds: float
    loss: float
    trace: Path | None
    is_looked_at: bool = False


@dataclass(frozen=True)
class Sent:
    """``frames`` by track; ``late``: packets that left more than 50 ms after their time."""

    frames: dict[Track, int]
    packets: int
    lost: int
    repairs: int
    late: int


def replay(pipe: Connection, orders: Orders) -> None:
    """The process: offers out and answers in by *pipe*, then a trace, then what was sent."""
    asyncio.run(_replay(pipe, orders))


async def _replay(pipe: Connection, orders: Orders) -> None:
    trace = read_trace(orders.trace) if orders.trace else drawn_trace(orders.is_looked_at)
    students: list[_Student] = []
    for first in range(0, orders.students, AT_ONCE):
        group = [
            _Student(number, trace, orders.loss)
            for number in range(first, min(orders.students, first + AT_ONCE))
        ]
        pipe.send([await each.offer() for each in group])
        for each, answer in zip(group, await asyncio.to_thread(pipe.recv), strict=True):
            await each.join(answer)
        students += group
    pipe.send("connected")
    await asyncio.to_thread(pipe.recv)
    late = await _send(students, orders.seconds)
    await asyncio.sleep(DRAIN_S)
    counts: Counter[str] = sum((each.counts for each in students), Counter())
    frames = {track: sum(each.tracks[track].frames for each in students) for track in Track}
    pipe.send(Sent(frames, counts["packets"], counts["lost"], counts["repairs"], late))
    await asyncio.to_thread(pipe.recv)
    await asyncio.gather(*(each.connection.close() for each in students))


async def _send(students: Sequence[_Student], seconds: float) -> int:
    """Send every packet at its time; how many left late."""
    start = time.monotonic() + 0.1
    late = 0
    due = []
    for student in students:
        for name, track in student.tracks.items():
            track.begin(start + student.number * 0.0137 % 1.0)
            due.append((track.due, student.number, name))
    heapq.heapify(due)
    reported = start
    while due[0][0] < start + seconds:
        at, number, name = due[0]
        now = time.monotonic()
        if now - reported >= REPORT_EVERY_S:
            reported = now
            for student in students:
                student.report()
        if at > now:
            await asyncio.sleep(min(at - now, 0.005))
            continue
        late += now - at > LATE_S
        track = students[number].tracks[name]
        track.step()
        heapq.heapreplace(due, (track.due, number, name))
        if track.sequence % 64 == 0:
            await asyncio.sleep(0)
    return late


class _Never(MediaStreamTrack):
    """A track whose pictures come from elsewhere."""

    kind = "video"

    async def recv(self) -> Frame:
        await asyncio.Event().wait()
        raise AssertionError


class _Student:
    """One connection and its two tracks."""

    def __init__(self, number: int, trace: Trace, loss: float) -> None:
        self.number = number
        self.counts: Counter[str] = Counter()
        self.tracks: dict[Track, _Track] = {}
        self.connection = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._trace = trace
        self._loss = loss
        self._chance = random.Random(number)
        self._end: SendingEnd | None = None
        for _ in Track:
            self.connection.addTransceiver(_Never(), direction="sendonly")

    async def offer(self) -> str:
        await self.connection.setLocalDescription()
        return str(self.connection.localDescription.sdp)

    async def join(self, answer: str) -> None:
        """Connect; returns when media can be sent."""
        self._end = SendingEnd(self.connection, self._heard)
        own = SessionDescription.parse(self.connection.localDescription.sdp).media
        agreed = SessionDescription.parse(answer).media
        for track, mine, theirs in zip(Track, own, agreed, strict=True):
            self.tracks[track] = _Track(self._trace[track], mine, theirs, self._send)
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        while self.connection.connectionState != "connected":
            await asyncio.sleep(0.02)

    def report(self) -> None:
        """Send a sender report for each track."""
        assert self._end is not None
        reports = b"".join(bytes(track.report()) for track in self.tracks.values())
        self._end.send_control(reports)

    def _send(self, packet: bytes, is_repair: bool) -> None:
        assert self._end is not None
        self.counts["repairs" if is_repair else "packets"] += 1
        if self._chance.random() < self._loss:
            self.counts["lost"] += 1
        else:
            self._end.send_media(packet)

    def _heard(self, data: bytes) -> None:
        for packet in RtcpPacket.parse(data):
            for track in self.tracks.values():
                match packet:
                    case RtcpRtpfbPacket(media_ssrc=track.source):
                        track.repair(packet.lost)
                    case RtcpPsfbPacket(fmt=fmt, media_ssrc=track.source) if fmt == RTCP_PSFB_PLI:
                        track.wants_key = True


class _Track:
    """The trace of one track at a place in it; ``due``: monotonic seconds of the next packet."""

    def __init__(
        self,
        packets: Sequence[TracePacket],
        mine: MediaDescription,
        theirs: MediaDescription,
        send: Callable[[bytes, bool], None],
    ) -> None:
        self.frames = 0
        self.sequence = 0
        self.due = 0.0
        self.wants_key = False
        self.source = mine.ssrc[0].ssrc
        self._repair_source = int(mine.ssrc_group[0].items[1])
        codecs = theirs.rtp.codecs
        numbers = {each.name: each.payloadType for each in codecs}
        media, repair = numbers["VP8"], numbers["rtx"]
        assert media is not None
        assert repair is not None
        self._payload_type, self._repair_type = media, repair
        extensions = theirs.rtp.headerExtensions
        self._send_time_id = next(each.id for each in extensions if each.uri == ABS_SEND_TIME)
        self._packets = packets
        frames = sum(packet.ends_frame for packet in packets)
        self._frame_s = packets[-1].frame_at_s / max(1, frames - 1)
        self._send = send
        self._place = 0
        self._shift = self._began = 0.0
        self._repair_sequence = 0
        self._sent: OrderedDict[int, tuple[bool, int, bytes]] = OrderedDict()
        self._bytes = 0

    def begin(self, at: float) -> None:
        """Let the first packet be due at *at* (monotonic seconds)."""
        self._began = self._shift = at
        self.due = at

    def step(self) -> None:
        """Send the packet that is due and go on to the next."""
        packet = self._packets[self._place]
        timestamp = self._timestamp(self._shift + packet.frame_at_s)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self._sent[self.sequence] = (packet.ends_frame, timestamp, packet.payload)
        if len(self._sent) > HISTORY:
            self._sent.popitem(last=False)
        self._bytes += len(packet.payload)
        head = self._head(self._payload_type, packet.ends_frame, self.sequence, timestamp)
        self._send(head + packet.payload, False)
        self.frames += packet.ends_frame
        self._place += 1
        if packet.ends_frame and self.wants_key:
            self._go_to(self._next_key())
        elif self._place == len(self._packets):
            self._go_to(0)
        self.due = self._shift + self._packets[self._place].at_s

    def repair(self, lost: Sequence[int]) -> None:
        """Send again what is remembered of *lost*."""
        for sequence in lost:
            remembered = self._sent.get(sequence & 0xFFFF)
            if remembered is None:
                continue
            ends_frame, timestamp, payload = remembered
            self._repair_sequence = (self._repair_sequence + 1) & 0xFFFF
            head = self._head(
                self._repair_type, ends_frame, self._repair_sequence, timestamp, is_repair=True
            )
            self._send(head + struct.pack("!H", sequence & 0xFFFF) + payload, True)

    def report(self) -> RtcpSrPacket:
        now, wall = time.monotonic(), time.time() + NTP_EPOCH_S
        info = RtcpSenderInfo(
            ntp_timestamp=int(wall * (1 << 32)),
            rtp_timestamp=self._timestamp(now),
            packet_count=self.sequence,
            octet_count=self._bytes & 0xFFFFFFFF,
        )
        return RtcpSrPacket(ssrc=self.source, sender_info=info)

    def _timestamp(self, at: float) -> int:
        return round((at - self._began) * RTP_CLOCK_HZ) & 0xFFFFFFFF

    def _next_key(self) -> int:
        here = self._packets[self._place - 1].frame_at_s
        for place in range(self._place, len(self._packets)):
            packet = self._packets[place]
            if packet.frame_at_s - here > NEAR_KEY_S:
                break
            if packet.starts_key:
                return place
        return 0

    def _go_to(self, place: int) -> None:
        """Go on at *place*, one frame after the frame just sent."""
        last, first = self._packets[self._place - 1], self._packets[place]
        self._shift += last.frame_at_s + self._frame_s - first.frame_at_s
        self._place, self.wants_key = place, False

    def _head(
        self, kind: int, marker: bool, sequence: int, timestamp: int, *, is_repair: bool = False
    ) -> bytes:
        source = self._repair_source if is_repair else self.source
        sent = int(time.monotonic() * (1 << 18)) & 0xFFFFFF
        fixed = struct.pack("!BBHII", 0x90, marker << 7 | kind, sequence, timestamp, source)
        extension = bytes([self._send_time_id << 4 | 2]) + sent.to_bytes(3, "big")
        return fixed + b"\xbe\xde\0\1" + extension
