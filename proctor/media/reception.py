"""What one browser sends, from protected datagrams to whole frames of two tracks, repairs included.

All in one call a datagram, on the event loop's thread; requests and reports leave at each pulse.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

from proctor.media import rtcp
from proctor.media.assembler import AssembledFrame, FrameAssembler, Packet
from proctor.media.frames import EncodedFrame
from proctor.media.ingest import PayloadTypes, SharedEstimate
from proctor.media.losses import Losses, Reports
from proctor.media.offers import Offer, TrackOffer
from proctor.media.pace import EXPECTED, Pace
from proctor.media.rtp import (
    MalformedPacket,
    RtpPacket,
    is_control,
    picture_part,
    read_packet,
    repaired,
)
from proctor.media.timeline import SenderClock
from proctor.observations import Track

# a report goes along with a request, or by itself when there is none; a browser that hears none of
# three in a row takes the service for gone
REPORT_EVERY_S, REPORT_LATEST_S = 0.4, 0.5
# three seconds of reports
RATE_MARKS = 7
# a path that carries less than the browser was told is not kept back
DROP = 0.9


class Link(Protocol):
    """The connection's keys and way back."""

    def open_media(self, datagram: bytes) -> bytes | None: ...
    def open_control(self, datagram: bytes) -> bytes | None: ...
    def send_control(self, packets: bytes) -> None: ...


class _Stream:
    """One track's packets."""

    def __init__(self, offer: TrackOffer) -> None:
        self.track = offer.track
        self.source = offer.ssrc
        self.assembler = FrameAssembler()
        self.losses = Losses()
        self.reports = Reports(offer.ssrc)


class Reception:
    """Everything one browser sends. ``take`` is called with every whole frame.

    ``dropped`` counts datagrams by the reason they went no further.
    """

    def __init__(
        self,
        link: Link,
        offer: Offer,
        payloads: PayloadTypes,
        take: Callable[[EncodedFrame], None],
    ) -> None:
        self.dropped: Counter[str] = Counter()
        self._link = link
        self._payloads = payloads
        self._take = take
        self._clock = SenderClock()
        self._estimate = SharedEstimate()
        self._streams: dict[int, _Stream] = {}
        self._repairs: dict[int, _Stream] = {}
        self._send_time_id = offer.send_time_id
        for each in offer.tracks:
            stream = self._streams[each.ssrc] = _Stream(each)
            if each.rtx_ssrc is not None:
                self._repairs[each.rtx_ssrc] = stream
        self._reported_at = 0.0
        self._bandwidth: int | None = None
        self._requests: list[bytes] = []
        self._bytes = 0
        self._marks: deque[tuple[float, int]] = deque(maxlen=RATE_MARKS)

    def received(self, datagram: bytes, now: float) -> None:
        """Take a media datagram that arrived at *now* (monotonic seconds)."""
        if is_control(datagram):
            self._heard(datagram, now)
            return
        opened = self._link.open_media(datagram)
        if opened is None:
            self.dropped["not_opened"] += 1
            return
        self._bytes += len(datagram)
        try:
            self._saw(read_packet(opened, self._send_time_id), now)
        except MalformedPacket:
            self.dropped["malformed"] += 1

    def pulse(self, now: float) -> None:
        """Ask for what is missing, give up what was waited for too long, report each second."""
        for stream in self._streams.values():
            losses = stream.losses
            # fifty times a second, and nearly always nothing is missing
            if (losses.holes or now >= losses.cut_at) and (wanted := losses.due(now)):
                self._requests.append(rtcp.nack(stream.source, wanted))
            if stream.assembler.waiting:
                self._hand_on(stream, stream.assembler.expire(now))
        wait = REPORT_EVERY_S if self._requests else REPORT_LATEST_S
        if now - self._reported_at >= wait:
            self._report(now)
        # gone before they are sent: what cannot be sent once never can
        requests, self._requests = self._requests, []
        for datagram in rtcp.datagrams(requests):
            self._link.send_control(datagram)

    def expect(self, pace: Pace, now: float) -> None:
        """Wait for repairs, and hold the bandwidth told, as *pace* wants from *now* on."""
        expected = EXPECTED[pace]
        self._estimate.expected = expected
        for stream in self._streams.values():
            if pace is Pace.STILLS:
                # what is lost of the film would have to go before the stills, which need none of it
                stream.losses.let_go()
                self._hand_on(stream, stream.assembler.let_go(now))
            stream.assembler.patience_s = expected.patience_s[stream.track]
            stream.losses.longest_wait_s = expected.longest_wait_s
            # a new connection over a full line need not fill it to learn so
            stream.losses.round_trip_s = max(stream.losses.round_trip_s, expected.round_trip_s)

    def needs_key(self, track: Track) -> bool:
        """Whether *track* cannot go on without a key frame."""
        return self._stream_of(track).assembler.needs_key

    def ask_key_frame(self, track: Track) -> None:
        """Ask the browser for a key frame of *track* at the next pulse."""
        self._requests.append(rtcp.picture_loss(self._stream_of(track).source))

    @property
    def round_trip_s(self) -> float:
        """From a request to its answer, what waits in the line included."""
        return max(stream.losses.round_trip_s for stream in self._streams.values())

    @property
    def repaired(self) -> int:
        """Packets that were lost and came again."""
        return sum(stream.losses.repaired for stream in self._streams.values())

    @property
    def given_up(self) -> int:
        """Packets that were lost and did not come again."""
        return sum(stream.losses.given_up for stream in self._streams.values())

    @property
    def kbit_s(self) -> int:
        """What arrived in a second, of the last three, repairs and all."""
        if len(self._marks) < 2:
            return 0
        (began, before), (ended, after) = self._marks[0], self._marks[-1]
        return round(0.008 * (after - before) / (ended - began))

    def _stream_of(self, track: Track) -> _Stream:
        return next(stream for stream in self._streams.values() if stream.track is track)

    def _report(self, now: float) -> None:
        """Put a report and the bandwidth before what is asked for anyway, in one datagram."""
        self._reported_at = now
        self._marks.append((now, self._bytes))
        blocks = [block for s in self._streams.values() if (block := s.reports.block(now))]
        if blocks:
            told = [rtcp.receiver_report(blocks)]
            if self._bandwidth is not None:
                told.append(rtcp.bandwidth(self._bandwidth, list(self._streams)))
            self._requests[:0] = told

    def _heard(self, datagram: bytes, now: float) -> None:
        opened = self._link.open_control(datagram)
        if opened is None:
            self.dropped["not_opened"] += 1
            return
        for report in rtcp.sender_reports(opened):
            stream = self._streams.get(report.source)
            if stream is not None:
                stream.reports.heard(report, now)
                self._clock.heard(report.source, report.ntp_s, report.rtp_timestamp)

    def _saw(self, packet: RtpPacket, now: float) -> None:
        if packet.send_time is not None:
            found = self._estimate.add(now, packet.send_time, len(packet.payload), packet.source)
            if found is not None:
                is_drop = found < DROP * (self._bandwidth or 0)
                self._bandwidth = found
                if is_drop:
                    self._requests.append(rtcp.bandwidth(found, list(self._streams)))
        stream = self._streams.get(packet.source)
        if stream is not None:
            stream.reports.saw(packet.sequence, packet.timestamp, now)
        else:
            stream = self._repairs.get(packet.source)
            original = self._payloads.repairs.get(packet.payload_type)
            if stream is None or original is None:
                self.dropped["unknown_source"] += 1
                return
            again = repaired(packet, original, stream.source)
            if again is None:
                return
            packet = again
        self._feed(stream, packet, now)

    def _feed(self, stream: _Stream, packet: RtpPacket, now: float) -> None:
        is_last = packet.marker or not packet.payload
        stream.losses.saw(packet.sequence, now, is_last=is_last)
        codec = self._payloads.codecs.get(packet.payload_type)
        if codec is None:
            self.dropped["unknown_codec"] += 1
            return
        # a packet of padding alone still takes its place in the sequence
        data = picture_part(codec, packet.payload) if packet.payload else b""
        whole = stream.assembler.add(
            Packet(packet.sequence, packet.timestamp, packet.marker, codec, now, data)
        )
        if whole:
            self._hand_on(stream, whole)

    def _hand_on(self, stream: _Stream, frames: list[AssembledFrame]) -> None:
        for frame in frames:
            taken = self._clock.taken_at(stream.source, frame.timestamp, frame.arrival)
            self._take(
                EncodedFrame(
                    stream.track,
                    frame.codec,
                    frame.timestamp,
                    frame.arrival,
                    frame.is_key,
                    frame.data,
                    taken,
                )
            )
