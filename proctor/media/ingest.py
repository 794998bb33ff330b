"""The one module that touches private names of aiortc and aioice; each has a contract test.

It taps encoded frames before any decoder and closes the faults of aiortc 1.16 that break two video
tracks in one connection or let a stranger's datagram end it (docs/design/media.md).
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from aioice import stun
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpTransceiver
from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtp import RtpPacket

from proctor.media.assembler import AssembledFrame, FrameAssembler, Packet
from proctor.media.offers import TrackOffer

JITTER_BUFFER = "_RTCRtpReceiver__jitter_buffer"
DECODER_QUEUE = "_RTCRtpReceiver__decoder_queue"
BITRATE_ESTIMATOR = "_RTCRtpReceiver__remote_bitrate_estimator"
CODECS = "_RTCRtpReceiver__codecs"
DEPAYLOADED = "_data"
GATHER = "get_component_candidates"

# below it a browser makes camera and screen unreadable; both together are capped at 550 kbit/s
BITRATE_FLOOR = 300_000
# a browser checks from each of its interfaces
MAX_SOURCES = 16
RECEIVE_BUFFER_BYTES = 1 << 20
MALFORMED = (ValueError, LookupError, struct.error)


class TapBuffer:
    """Stands where a receiver reorders packets, and hands whole frames on undecoded."""

    def __init__(self, receiver: RTCRtpReceiver, take: Callable[[AssembledFrame], None]) -> None:
        self.assembler = FrameAssembler()
        self._codecs: dict[int, Any] = getattr(receiver, CODECS)
        self._take = take

    def add(self, packet: RtpPacket) -> tuple[bool, None]:
        """Whether to ask for a key frame at once; frames leave by the tap."""
        had_key = not self.assembler.needs_key
        self._hand_on(
            self.assembler.add(
                Packet(
                    sequence=packet.sequence_number,
                    timestamp=packet.timestamp,
                    marker=bool(packet.marker),
                    codec=self._codecs[packet.payload_type].name,
                    arrival=time.monotonic(),
                    data=getattr(packet, DEPAYLOADED),
                )
            )
        )
        return had_key and self.assembler.needs_key, None

    def expire(self, now: float) -> None:
        """Give up what was waited for too long; ``now``: monotonic seconds."""
        self._hand_on(self.assembler.expire(now))

    def _hand_on(self, frames: list[AssembledFrame]) -> None:
        for frame in frames:
            self._take(frame)


class NothingToDecode:
    """Stands where a decoder thread waits for frames: it is told to end as it starts."""

    def get(self) -> None:
        """The end of the stream."""

    def put(self, task: None) -> None:
        """The receiver's own end mark; no frame comes here."""
        assert task is None


class SharedEstimate:
    """One bandwidth estimate for both tracks: a browser applies it to the whole transport."""

    def __init__(self) -> None:
        self._estimator = RemoteBitrateEstimator()

    def add(
        self, arrival_time_ms: int, abs_send_time: int, payload_size: int, ssrc: int
    ) -> tuple[int, list[int]] | None:
        """The estimate in bit/s, never under the floor, and the sources it is for."""
        estimate = self._estimator.add(
            arrival_time_ms=arrival_time_ms,
            abs_send_time=abs_send_time,
            payload_size=payload_size,
            ssrc=ssrc,
        )
        if estimate is None:
            return None
        bitrate, sources = estimate
        return max(bitrate, BITRATE_FLOOR), sources


class GuardedProtocol(StunProtocol):
    """A UDP endpoint that listens only to sources that know the password of the connection.

    Anything but an authenticated check from an unknown source is dropped: an empty datagram or a
    stray DTLS alert would otherwise end the connection. First-byte ranges: RFC 7983.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._sources: set[tuple[str, int]] = set()

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """Pass on *data* if it comes from the peer."""
        assert isinstance(data, bytes)
        source = (addr[0], addr[1])
        if not data:
            return
        if data[0] > 3:
            if source in self._sources:
                self.receiver.data_received(data, self.local_candidate.component)
        elif self._is_welcome(data, source):
            super().datagram_received(data, addr)

    def _is_welcome(self, data: bytes, source: tuple[str, int]) -> bool:
        try:
            message = stun.parse_message(data)
        except MALFORMED:
            return False
        if message.message_class in (stun.Class.RESPONSE, stun.Class.ERROR):
            return message.transaction_id in self.transactions
        if not message.check_message_integrity(self.receiver.local_password.encode()):
            return False
        if source not in self._sources and len(self._sources) >= MAX_SOURCES:
            return False
        self._sources.add(source)
        return True


def tap(
    transceiver: RTCRtpTransceiver,
    take: Callable[[AssembledFrame], None],
    estimate: SharedEstimate,
) -> TapBuffer:
    """Have *take* called with every frame of *transceiver*, on the event loop's thread.

    To be done before negotiation: the receiver starts with what it finds.
    """
    receiver = transceiver.receiver
    buffer = TapBuffer(receiver, take)
    setattr(receiver, JITTER_BUFFER, buffer)
    setattr(receiver, DECODER_QUEUE, NothingToDecode())
    setattr(receiver, BITRATE_ESTIMATOR, estimate)
    return buffer


def route_retransmissions(transceiver: RTCRtpTransceiver, offer: TrackOffer) -> None:
    """Let repaired packets reach their track: two tracks of one codec share the RTX payload type.

    To be done after the remote description is set, when the bundled transport is known.
    """
    if offer.rtx_ssrc is not None:
        router = transceiver.receiver.transport._rtp_router
        router.ssrc_table[offer.rtx_ssrc] = transceiver.receiver


async def ask_key_frame(transceiver: RTCRtpTransceiver, ssrc: int) -> None:
    """Send a picture loss indication (RFC 4585, 6.3.1) for the source *ssrc*."""
    await transceiver.receiver._send_rtcp_pli(ssrc)


def listen_only_on(connection: RTCPeerConnection, address: str) -> None:
    """Offer one guarded host candidate on *address*, and no other.

    To be done between remote and local description. Gathering raises OSError when the address is
    not one of this machine's.
    """
    for transceiver in connection.getTransceivers():
        agent = transceiver.receiver.transport.transport._connection
        setattr(agent, GATHER, _gathering(agent, address))


def _gathering(agent: Connection, address: str) -> Callable[..., Any]:
    async def gather(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        protocol = await _open(agent, address)
        host, port = protocol.transport.get_extra_info("sockname")[:2]
        protocol.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", host),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "host"),
            host=host,
            port=port,
            type="host",
        )
        agent._protocols.append(protocol)
        return [protocol.local_candidate]

    return gather


async def _open(agent: Connection, address: str) -> GuardedProtocol:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: GuardedProtocol(agent), local_addr=(address, 0)
    )
    endpoint = transport.get_extra_info("socket")
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    return protocol
