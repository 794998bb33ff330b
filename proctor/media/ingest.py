"""The one module that touches private names of aiortc and aioice; each has a contract test.

SDP, ICE and DTLS stay theirs. Media goes past them: from the port to the keys of the connection,
and never through their queues, decoders and tasks (docs/design/media.md).
"""

from __future__ import annotations

import secrets
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import pylibsrtp
from aioice import stun
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpTransceiver
from aiortc.rate import MIN_FRAME_PERIOD_HISTORY_LENGTH, RemoteBitrateEstimator

from proctor.media.frames import Codec
from proctor.media.line import LineQueue
from proctor.media.pace import EXPECTED, Pace
from proctor.media.port import LAST_STUN_BYTE, MediaPort, Source

DECODER_QUEUE = "_RTCRtpReceiver__decoder_queue"
GATHER = "get_component_candidates"
LOCAL_USERNAME = "_local_username"
HANDLE_RTCP = "_handle_rtcp_data"
MONITOR = "_monitor"
SHORTEST = "update_min_frame_period"

# a frame's packets leave within some 20 ms
GROUP_S = 0.03
RATE_WINDOW_MS = 1_000
# over a line of more than half a second every check of consent would fail, and the connection end
CONSENT_REPEATS = 2
# a handshake is four datagrams a side, and a browser sends nothing else there
MAX_HANDSHAKE_BACKLOG = 32
# libsrtp's own, and the binding's for a datagram longer than its buffer
NOT_OPENED = (pylibsrtp.Error, ValueError)
MALFORMED = (ValueError, LookupError, struct.error)


class NothingToDecode:
    """Stands where a decoder thread waits for frames: it is told to end as it starts."""

    def get(self) -> None:
        """The end of the stream."""

    def put(self, task: None) -> None:
        """The receiver's own end mark; no frame comes here."""
        assert task is None


def decode_nothing(transceiver: RTCRtpTransceiver) -> None:
    """Let no decoder run for *transceiver*; to be done before negotiation, when it would start."""
    receiver: RTCRtpReceiver = transceiver.receiver
    assert hasattr(receiver, DECODER_QUEUE)
    setattr(receiver, DECODER_QUEUE, NothingToDecode())


@dataclass(frozen=True, slots=True)
class PayloadTypes:
    """What the numbers in the packets mean: a codec, or the number a retransmission stands for."""

    codecs: Mapping[int, Codec]
    repairs: Mapping[int, int]


def payload_types(transceivers: Iterable[RTCRtpTransceiver]) -> PayloadTypes:
    """The numbers agreed on, each m-line's own; to be asked after the remote description is set."""
    codecs: dict[int, Codec] = {}
    repairs: dict[int, int] = {}
    for codec in (codec for each in transceivers for codec in each._codecs):
        number, original = codec.payloadType, codec.parameters.get("apt")
        assert number is not None
        match codec.name:
            case "VP8" | "H264" as name:
                codecs[number] = name
            case "rtx" if isinstance(original, int):
                repairs[number] = original
    return PayloadTypes(codecs, repairs)


class ReceivedRate:
    """Bits a second over the last second; stands where the estimator counts by the millisecond."""

    def __init__(self) -> None:
        self._parts: deque[tuple[int, int]] = deque()
        self._bytes = 0

    def add(self, value: int, now_ms: int) -> None:
        """Note *value* bytes."""
        self._parts.append((now_ms, value))
        self._bytes += value

    def rate(self, now_ms: int) -> int | None:
        """Bit/s; None when nothing arrived in the last second."""
        while self._parts and self._parts[0][0] <= now_ms - RATE_WINDOW_MS:
            self._bytes -= self._parts.popleft()[1]
        return 8 * self._bytes * 1000 // RATE_WINDOW_MS if self._parts else None

    def reset(self) -> None:
        """Forget what arrived."""
        self._parts.clear()
        self._bytes = 0


class ShortestPeriod:
    """The least of the last sixty values; stands where the estimator looks at them one by one."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=MIN_FRAME_PERIOD_HISTORY_LENGTH)

    def __call__(self, ts_delta: float) -> float:
        """Note *ts_delta*, in milliseconds; the least of it and those before it."""
        self._last.append(ts_delta)
        return min(self._last)


# bit/s; over three times what the page sends of both tracks, so that no encoder of ours feels it
CEILING = 2_000_000


class SharedEstimate:
    """One bandwidth estimate for both tracks: a browser applies it to the whole transport.

    Never under the floor that is ``expected`` at a pace, nor under its ``unfilled`` while nothing
    waits in the line, nor over ``CEILING``.

    The estimator is fed groups of packets: each alone would cost more than all the rest of its
    reception. The burst at the start, or two encoders that want one processor, look like a full
    line to it.
    """

    def __init__(self) -> None:
        self.expected = EXPECTED[Pace.FULL]
        self._queue = LineQueue()
        self._estimator = RemoteBitrateEstimator()
        self._estimator.incoming_bitrate = cast(Any, ReceivedRate())
        setattr(self._estimator.estimator, SHORTEST, ShortestPeriod())
        self._bytes = 0
        self._fed_at = 0.0

    def add(self, arrival: float, send_time: int, size: int, source: int) -> int | None:
        """The estimate in bit/s, from what is expected to the ceiling, when there is a new one.

        ``arrival``: monotonic seconds; ``send_time``: 24 bits of 1/2^18 s; ``size``: bytes.
        """
        self._bytes += size
        if arrival - self._fed_at < GROUP_S:
            return None
        found = self._estimator.add(
            arrival_time_ms=int(arrival * 1000),
            abs_send_time=send_time,
            payload_size=self._bytes,
            ssrc=source,
        )
        self._bytes, self._fed_at = 0, arrival
        self._queue.add(arrival, send_time)
        if found is None:
            return None
        is_full, expected = self._queue.was_full(arrival), self.expected
        least = expected.floor if is_full else expected.unfilled
        return min(max(found[0], least), CEILING)


class MediaTaker(Protocol):
    """What takes a connection's media datagrams, still protected."""

    def received(self, datagram: bytes, now: float) -> None:
        """Take a datagram that arrived at *now* (monotonic seconds)."""


class MediaLink:
    """The protected media of one connection: opens what arrives, sends what answers.

    Before the handshake is done there are no keys: nothing opens and nothing is sent.
    """

    def __init__(self, transceiver: RTCRtpTransceiver, port: MediaPort) -> None:
        self._dtls = transceiver.receiver.transport
        self._agent = self._dtls.transport._connection
        self._port = port

    def open_media(self, datagram: bytes) -> bytes | None:
        """The RTP packet in *datagram*; None when its keys do not fit or it was here before."""
        keys = self._dtls._rx_srtp
        if keys is None:
            return None
        try:
            opened: bytes = keys.unprotect(datagram)
        except NOT_OPENED:
            return None
        return opened

    def open_control(self, datagram: bytes) -> bytes | None:
        """The RTCP packets in *datagram*; None when its keys do not fit or it was here before."""
        keys = self._dtls._rx_srtp
        if keys is None:
            return None
        try:
            opened: bytes = keys.unprotect_rtcp(datagram)
        except NOT_OPENED:
            return None
        return opened

    def send_control(self, packets: bytes) -> None:
        """Send RTCP to where the browser's media comes from."""
        keys = self._dtls._tx_srtp
        pair = self._agent._nominated.get(1)
        if keys is not None and pair is not None:
            self._port.send(keys.protect_rtcp(packets), pair.remote_addr)


class SendingEnd:
    """The other end of a link, for a student that is a program: RTP out as it is, RTCP in.

    ``heard`` is called with each RTCP datagram, opened. To be made before the answer is set.
    """

    def __init__(self, connection: RTCPeerConnection, heard: Callable[[bytes], None]) -> None:
        self._dtls = connection.getTransceivers()[0].sender.transport
        self._agent = self._dtls.transport._connection

        async def hear(data: bytes) -> None:
            heard(data)

        setattr(self._dtls, HANDLE_RTCP, hear)

    def send_media(self, packet: bytes) -> None:
        """Send one RTP packet."""
        self._send(self._dtls._tx_srtp.protect(packet))

    def send_control(self, packets: bytes) -> None:
        """Send RTCP."""
        self._send(self._dtls._tx_srtp.protect_rtcp(packets))

    def _send(self, datagram: bytes) -> None:
        pair = self._agent._nominated.get(1)
        if pair is not None:
            pair.protocol.transport.sendto(datagram, pair.remote_addr)


class PortTransport:
    """What aioice sends through and closes: the connection's share of the port."""

    def __init__(self, endpoint: GuardedEndpoint, port: MediaPort, username: str) -> None:
        self._endpoint = endpoint
        self._port = port
        self._username = username

    def sendto(self, data: bytes, addr: Source) -> None:
        self._port.send(data, addr)

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._port.address if name == "sockname" else default

    def close(self) -> None:
        self._port.leave(self._username)
        self._endpoint.connection_lost(None)


class GuardedEndpoint(StunProtocol):
    """A connection's end at the port: checks to aioice, handshake to aiortc, media past both."""

    def __init__(self, agent: Connection, port: MediaPort, taker: MediaTaker) -> None:
        super().__init__(agent)
        self._port = port
        self._taker = taker

    def authenticates(self, request: bytes) -> bool:
        """Whether a connectivity check was made with this connection's password."""
        try:
            message = stun.parse_message(request)
        except MALFORMED:
            return False
        return message.check_message_integrity(self.receiver.local_password.encode())

    def received(self, datagram: bytes, source: Source) -> None:
        """Take a datagram of the browser."""
        first = datagram[0]
        if 127 < first < 192:
            self._taker.received(datagram, time.monotonic())
        elif first <= LAST_STUN_BYTE:
            self._check(datagram, source)
        elif self.receiver._queue.qsize() < MAX_HANDSHAKE_BACKLOG:
            self.receiver.data_received(datagram, self.local_candidate.component)
        else:
            self._port.dropped["handshake_backlog"] += 1

    async def request(
        self,
        request: stun.Message,
        addr: Source,
        integrity_key: bytes | None = None,
        retransmissions: int | None = None,
    ) -> tuple[stun.Message, Source]:
        """As the agent asks, but an answer to a check of consent has 3.5 s, not 0.5, to come."""
        if retransmissions == 0:
            retransmissions = CONSENT_REPEATS
        return await super().request(request, addr, integrity_key, retransmissions)

    def _check(self, datagram: bytes, source: Source) -> None:
        try:
            message = stun.parse_message(datagram)
        except MALFORMED:
            self._port.dropped["malformed"] += 1
            return
        if message.message_class in (stun.Class.RESPONSE, stun.Class.ERROR):
            is_known = message.transaction_id in self.transactions
        else:
            is_known = (
                message.message_class == stun.Class.REQUEST
                and "PRIORITY" in message.attributes
                and message.check_message_integrity(self.receiver.local_password.encode())
            )
        if is_known:
            self.datagram_received(datagram, source)
        elif message.message_class == stun.Class.REQUEST:
            self._port.contest(self, datagram, source)
        else:
            self._port.dropped["unauthenticated"] += 1


def listen_only_on(connection: RTCPeerConnection, port: MediaPort, taker: MediaTaker) -> None:
    """Receive at *port*, offer that one address and no other, and hand media to *taker*.

    To be done when the transports are known and before the local description is set.
    """
    for transceiver in connection.getTransceivers():
        transport = transceiver.receiver.transport.transport
        agent = transport._connection
        setattr(transport, MONITOR, _monitoring(agent, transport._monitor))
        # four characters, as the agent makes them, would meet among some thousand sittings
        setattr(agent, LOCAL_USERNAME, _free_username(port))
        setattr(agent, GATHER, _gathering(agent, port, taker))


def _monitoring(agent: Connection, monitor: Callable[[], Any]) -> Callable[[], Any]:
    """Watch the agent until it is closed; aiortc's own asks one that is closed already for ever."""

    async def watch() -> None:
        if not agent._closed:
            await monitor()

    return watch


def _free_username(port: MediaPort) -> str:
    while port.is_taken(name := secrets.token_hex(8)):
        continue
    return name


def _gathering(agent: Connection, port: MediaPort, taker: MediaTaker) -> Callable[..., Any]:
    async def gather(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        host, number = port.address
        endpoint = GuardedEndpoint(agent, port, taker)
        endpoint.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", host),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "host"),
            host=host,
            port=number,
            type="host",
        )
        endpoint.transport = cast(Any, PortTransport(endpoint, port, agent.local_username))
        port.enter(agent.local_username, endpoint)
        agent._protocols.append(endpoint)
        return [endpoint.local_candidate]

    return gather
