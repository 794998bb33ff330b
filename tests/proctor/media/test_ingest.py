"""What is borrowed from aiortc and aioice: every private name still there, every fault closed."""

import asyncio
import inspect
import socket
from collections.abc import Awaitable, Callable

import pytest
from aioice import stun
from aioice.ice import Connection, StunProtocol
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, rtcrtpreceiver
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter
from aiortc.rtp import RtpPacket

from proctor.media import ingest

pytestmark = pytest.mark.media


def in_loop(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 20))


async def receiving() -> tuple[RTCPeerConnection, RTCRtpReceiver]:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    return connection, connection.addTransceiver("video", direction="recvonly").receiver


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (ingest.JITTER_BUFFER, JitterBuffer),
        (ingest.BITRATE_ESTIMATOR, rtcrtpreceiver.RemoteBitrateEstimator),
        (ingest.CODECS, dict),
    ],
)
def test_receiver_still_has_its_private_part(name: str, kind: type) -> None:
    async def scenario() -> None:
        connection, receiver = await receiving()
        assert isinstance(getattr(receiver, name), kind)
        await connection.close()

    in_loop(scenario)


def test_decoder_queue_is_still_what_the_decoder_thread_waits_on() -> None:
    async def scenario() -> None:
        connection, receiver = await receiving()
        assert hasattr(receiver, ingest.DECODER_QUEUE)
        await connection.close()

    in_loop(scenario)
    worker = inspect.getsource(rtcrtpreceiver.decoder_worker)
    assert "task = input_q.get()\n        if task is None:" in worker


def test_receiver_still_hands_packets_to_its_jitter_buffer_and_asks_for_keys() -> None:
    source = inspect.getsource(RTCRtpReceiver._handle_rtp_packet)

    assert "pli_flag, encoded_frame = self.__jitter_buffer.add(packet)" in source
    assert "packet._data = depayload(codec, packet.payload)" in source
    assert list(inspect.signature(RTCRtpReceiver._send_rtcp_pli).parameters) == [
        "self",
        "media_ssrc",
    ]


def test_transport_still_routes_by_a_table_of_sources() -> None:
    async def scenario() -> None:
        connection, receiver = await receiving()
        assert isinstance(receiver.transport, RTCDtlsTransport)
        assert isinstance(receiver.transport._rtp_router, RtpRouter)
        assert receiver.transport._rtp_router.ssrc_table == {}
        await connection.close()

    in_loop(scenario)


def test_agent_still_gathers_by_component_and_keeps_its_endpoints() -> None:
    async def scenario() -> None:
        connection, receiver = await receiving()
        agent = receiver.transport.transport._connection
        assert isinstance(agent, Connection)
        assert agent._protocols == []
        assert list(inspect.signature(agent.get_component_candidates).parameters) == [
            "component",
            "addresses",
            "timeout",
        ]
        await connection.close()

    in_loop(scenario)
    assert "self.get_component_candidates(component=" in inspect.getsource(
        Connection.gather_candidates
    )
    assert list(inspect.signature(Connection.data_received).parameters) == [
        "self",
        "data",
        "component",
    ]
    assert {"datagram_received", "send_stun"} <= set(dir(StunProtocol))


def test_router_drops_retransmissions_of_two_tracks_of_one_codec() -> None:
    """The fault itself: when this fails, the repair may go."""
    router, camera, screen = RtpRouter(), object(), object()
    router.register_receiver(camera, ssrcs=[10], payload_types=[96, 97])
    router.register_receiver(screen, ssrcs=[20], payload_types=[96, 97])
    packet = RtpPacket(payload_type=97, ssrc=11)

    assert router.route_rtp(packet) is None
    router.ssrc_table[11] = camera
    assert router.route_rtp(packet) is camera


def test_estimate_is_of_both_tracks_and_never_under_the_floor() -> None:
    estimate = ingest.SharedEstimate()
    told = []
    for number in range(400):
        remb = estimate.add(
            arrival_time_ms=20 * number,
            abs_send_time=int(0.02 * number * (1 << 18)) % (1 << 24),
            payload_size=200,
            ssrc=10 + 10 * (number % 2),
        )
        told += [remb] if remb else []

    assert len(told) > 5
    assert told[-1] == (300_000, [10, 20])


class Sink:
    """An endpoint's view of the rest of the agent: notes what is let through."""

    local_password = "p" * 22

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.requests = 0

    def data_received(self, data: bytes, component: int) -> None:
        self.data.append(data)

    def request_received(self, message: stun.Message, addr: object, protocol: object) -> None:
        self.requests += 1


def check(password: str) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = "a:b"
    message.add_message_integrity(password.encode())
    return bytes(message)


DTLS_ALERT = bytes.fromhex("15fefd00000000000000000002022f")
PEER, STRANGER = ("127.0.0.1", 1000), ("127.0.0.1", 2000)


async def guarded() -> tuple[ingest.GuardedProtocol, Sink]:
    sink = Sink()
    protocol = ingest.GuardedProtocol(sink)
    protocol.local_candidate = type("Local", (), {"component": 1})()
    return protocol, sink


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\0",
        b"\0\1\0\0",
        bytes(20),
        check("p" * 22)[:-9],
        check("wrong" * 5),
        bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)),
        bytes(stun.Message(stun.Method.BINDING, stun.Class.RESPONSE)),
        DTLS_ALERT,
        b"\x16\xfe\xfd" + bytes(40),
        b"\x80\x60" + bytes(40),
        b"\xff" * 1_400,
    ],
)
def test_stranger_is_not_heard(datagram: bytes) -> None:
    async def scenario() -> None:
        protocol, sink = await guarded()
        protocol.datagram_received(datagram, STRANGER)
        assert (sink.data, sink.requests) == ([], 0)

    in_loop(scenario)


def test_peer_is_heard_after_an_authenticated_check_and_only_from_there() -> None:
    async def scenario() -> None:
        protocol, sink = await guarded()
        protocol.datagram_received(DTLS_ALERT, PEER)
        protocol.datagram_received(check(sink.local_password), PEER)
        for source in (PEER, STRANGER):
            protocol.datagram_received(b"\x80" + bytes([source[1] % 251]), source)
        protocol.datagram_received(b"", PEER)
        assert (sink.data, sink.requests) == ([b"\x80" + bytes([1000 % 251])], 1)

    in_loop(scenario)


def test_number_of_sources_is_bounded() -> None:
    async def scenario() -> None:
        protocol, sink = await guarded()
        for port in range(1000, 1030):
            protocol.datagram_received(check(sink.local_password), ("127.0.0.1", port))
        assert sink.requests == 16

    in_loop(scenario)


def test_address_of_another_machine_cannot_be_listened_on() -> None:
    async def scenario() -> None:
        connection, _ = await receiving()
        ingest.listen_only_on(connection, "192.0.2.1")
        with pytest.raises(OSError, match="assign requested address"):
            await connection.setLocalDescription()
        await connection.close()

    in_loop(scenario)


def test_endpoint_listens_on_the_given_address_alone() -> None:
    async def scenario() -> None:
        connection, _receiver = await receiving()
        ingest.listen_only_on(connection, "127.0.0.1")
        await connection.setLocalDescription()
        candidates = [
            line for line in connection.localDescription.sdp.splitlines() if "a=candidate" in line
        ]
        assert len(candidates) == 1
        assert " 127.0.0.1 " in candidates[0]
        await connection.close()

    in_loop(scenario)


def test_socket_is_given_back_on_close() -> None:
    async def scenario() -> None:
        connection, receiver = await receiving()
        ingest.listen_only_on(connection, "127.0.0.1")
        await connection.setLocalDescription()
        (candidate,) = receiver.transport.transport._connection.local_candidates
        await connection.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
            again.bind((candidate.host, candidate.port))

    in_loop(scenario)
