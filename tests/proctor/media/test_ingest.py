"""What is borrowed from aiortc and aioice: every private name still there, every fault closed."""

import asyncio
import inspect
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from types import SimpleNamespace
from typing import Any, cast

import pylibsrtp
import pytest
from aioice import stun
from aioice.candidate import Candidate
from aioice.ice import CandidatePair, Connection, StunProtocol
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, rtcrtpreceiver
from aiortc.rate import OveruseEstimator, RemoteBitrateEstimator
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport

from proctor.media import ingest
from proctor.media import port as port_module
from proctor.media.pace import EXPECTED, Pace
from proctor.media.port import MediaPort

pytestmark = pytest.mark.media


def in_loop(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 20))


async def receiving() -> tuple[RTCPeerConnection, RTCRtpReceiver]:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    return connection, connection.addTransceiver("video", direction="recvonly").receiver


def test_decoder_queue_is_still_what_the_decoder_thread_waits_on() -> None:
    async def scenario() -> None:
        connection, receiver = await receiving()
        assert hasattr(receiver, ingest.DECODER_QUEUE)
        await connection.close()

    in_loop(scenario)
    worker = inspect.getsource(rtcrtpreceiver.decoder_worker)
    assert "task = input_q.get()\n        if task is None:" in worker


def test_transport_still_has_its_keys_after_it_knows_the_peer() -> None:
    async def scenario() -> None:
        connection, receiver = await receiving()
        transport = receiver.transport
        assert isinstance(transport, RTCDtlsTransport)
        assert (transport._rx_srtp, transport._tx_srtp) == (None, None)
        await connection.close()

    in_loop(scenario)
    start = inspect.getsource(RTCDtlsTransport.start)
    assert start.index("_validate_peer_identity") < start.index("_setup_srtp")


def test_agent_still_gathers_by_component_and_keeps_its_endpoints() -> None:
    async def scenario() -> None:
        connection, receiver = await receiving()
        agent = receiver.transport.transport._connection
        assert isinstance(agent, Connection)
        assert (agent._protocols, agent._nominated, agent._queue.qsize()) == ([], {}, 0)
        assert getattr(agent, ingest.LOCAL_USERNAME) == agent.local_username
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
    assert isinstance(CandidatePair.remote_addr, property)


def test_agent_that_is_closed_is_still_asked_by_a_monitor_that_starts_late() -> None:
    async def scenario() -> None:
        connection, receiver = await receiving()
        transport = receiver.transport.transport
        agent = transport._connection
        await agent.close()
        assert (agent._closed, await agent.get_event()) == (True, None)
        port = MediaPort("127.0.0.1")
        ingest.listen_only_on(connection, port, Taker())
        # aiortc's own would never let the loop go again
        await transport._monitor()
        await connection.close()
        port.close()

    in_loop(scenario)
    start = inspect.getsource(RTCIceTransport.start)
    assert f"self.{ingest.MONITOR}()" in start
    assert "event = await self._connection.get_event()" in inspect.getsource(
        getattr(RTCIceTransport, ingest.MONITOR)
    )


def test_sending_end_still_hears_and_sends_by_these_names() -> None:
    async def scenario() -> None:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.addTransceiver("video", direction="sendonly")
        heard: list[bytes] = []
        end = ingest.SendingEnd(connection, heard.append)
        transport = connection.getTransceivers()[0].sender.transport
        await getattr(transport, ingest.HANDLE_RTCP)(b"report")
        assert heard == [b"report"]
        assert transport._tx_srtp is None
        transport._tx_srtp = Keys()
        # no pair of addresses is agreed on: nothing is sent and nothing raised
        end.send_media(b"media")
        assert transport.transport._connection._nominated == {}
        transport.transport._connection._nominated[1] = pair = Pair()
        end.send_media(b"media")
        end.send_control(b"report")
        assert pair.sent == [(b"sealed media", "there"), (b"sealed report", "there")]
        transport._tx_srtp = None
        transport.transport._connection._nominated.clear()
        await connection.close()

    in_loop(scenario)
    assert f"await self.{ingest.HANDLE_RTCP}(" in inspect.getsource(RTCDtlsTransport)
    assert next(iter(inspect.signature(CandidatePair).parameters)) == "protocol"
    assert "self.transport.sendto(" in inspect.getsource(StunProtocol.send_data)


class Keys:
    """Seals by a word."""

    def protect(self, packet: bytes) -> bytes:
        return b"sealed " + packet

    protect_rtcp = protect


class Pair:
    """A nominated pair of addresses, down to the socket."""

    remote_addr = "there"

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, str]] = []
        self.protocol = self.transport = self

    def sendto(self, data: bytes, address: str) -> None:
        self.sent.append((data, address))


def test_transceiver_still_knows_the_codecs_agreed_on() -> None:
    async def scenario() -> None:
        browser, server = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
        browser.addTransceiver("video", direction="sendonly")
        await browser.setLocalDescription()
        await server.setRemoteDescription(browser.localDescription)
        (transceiver,) = server.getTransceivers()
        types = ingest.payload_types([transceiver])
        assert set(types.codecs.values()) == {"VP8", "H264"}
        assert set(types.repairs.values()) == set(types.codecs)
        await browser.close()
        await server.close()

    in_loop(scenario)


def test_estimator_is_still_asked_by_these_names() -> None:
    assert list(inspect.signature(RemoteBitrateEstimator.add).parameters) == [
        "self",
        "arrival_time_ms",
        "abs_send_time",
        "payload_size",
        "ssrc",
    ]


def told(estimate: ingest.SharedEstimate, from_s: int, waits_s: Callable[[float], float]) -> int:
    """The last estimate of ten seconds of both tracks, 80 kbit/s, each packet *waits_s* late."""
    last = 0
    for number in range(500):
        sent = from_s + 0.02 * number
        found = estimate.add(
            arrival=1_000.0 + sent + waits_s(sent),
            send_time=int((7.0 + sent) * (1 << 18)) % (1 << 24),
            size=200,
            source=10 + 10 * (number % 2),
        )
        last = last if found is None else found
    return last


def test_estimate_is_more_than_the_page_sends_while_nothing_waits_in_the_line() -> None:
    estimate = ingest.SharedEstimate()

    assert told(estimate, 0, lambda sent: 0.03) == 800_000
    # a key frame fills the line for a moment
    assert told(estimate, 10, lambda sent: 0.3 if sent % 1 < 0.4 else 0.03) == 800_000


def test_estimate_is_believed_while_and_after_packets_wait_but_not_under_the_floor() -> None:
    estimate = ingest.SharedEstimate()
    told(estimate, 50, lambda sent: 0.03)

    assert told(estimate, 60, lambda sent: 0.25) == 300_000
    assert told(estimate, 70, lambda sent: 0.03) == 300_000
    assert told(estimate, 91, lambda sent: 0.03) == 800_000


def test_estimate_knows_a_line_that_is_slow_from_one_that_is_full() -> None:
    """The sending clock has turned over by then, and runs 50 parts in a million slow."""
    estimate = ingest.SharedEstimate()
    for ten in range(60):
        now = told(estimate, 10 * ten, lambda sent: 0.4 + 50e-6 * sent)

    assert now == 800_000
    assert told(estimate, 600, lambda sent: 0.6) == 300_000


def test_estimate_at_a_lower_pace_is_believed_down_to_its_floor() -> None:
    estimate = ingest.SharedEstimate()
    estimate.expected = EXPECTED[Pace.LOW]

    assert told(estimate, 0, lambda sent: 0.03) == 130_000


def test_estimator_still_counts_what_arrives_by_these_calls() -> None:
    assert set(inspect.signature(ingest.ReceivedRate.add).parameters) == {"self", "value", "now_ms"}
    asked = inspect.getsource(RemoteBitrateEstimator.add)
    for call in ("rate(arrival_time_ms)", "reset()", "add(payload_size, arrival_time_ms)"):
        assert f"self.incoming_bitrate.{call}" in asked


def test_shortest_period_is_what_the_estimator_finds_itself() -> None:
    theirs, ours = OveruseEstimator(), ingest.ShortestPeriod()
    asked = inspect.getsource(OveruseEstimator.update)
    assert f"min_frame_period = self.{ingest.SHORTEST}(timestamp_delta_ms)" in asked
    for number in range(200):
        period = float(number * 37 % 101)
        assert ours(period) == getattr(theirs, ingest.SHORTEST)(period)


@pytest.mark.parametrize("size", [0, 11, 1_500, 1_501, 2_048])
def test_datagram_that_no_key_opens_is_none(size: int) -> None:
    keys = pylibsrtp.Session(
        pylibsrtp.Policy(key=bytes(30), ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND)
    )
    dtls = SimpleNamespace(_rx_srtp=keys, transport=SimpleNamespace(_connection=None))
    transceiver = SimpleNamespace(receiver=SimpleNamespace(transport=dtls))
    with closing(MediaPort("127.0.0.1")) as port:
        link = ingest.MediaLink(cast(Any, transceiver), port)
        assert link.open_media(b"\x80" * size) is None
        assert link.open_control(b"\x80" * size) is None


def test_rate_is_that_of_the_last_second() -> None:
    rate = ingest.ReceivedRate()
    assert rate.rate(0) is None
    for number in range(30):
        rate.add(1_000, 100 * number)
    assert rate.rate(2_900) == 80_000
    assert rate.rate(3_400) == 40_000
    assert rate.rate(5_000) is None


class Agent:
    """An endpoint's view of the rest of the agent: notes what is let through."""

    local_password = "p" * 22

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.requests = 0

    def data_received(self, data: bytes, component: int) -> None:
        self._queue.put_nowait(data)

    def request_received(self, message: stun.Message, addr: object, protocol: object) -> None:
        self.requests += 1


class Taker:
    """Notes the media datagrams."""

    def __init__(self) -> None:
        self.media: list[bytes] = []

    def received(self, datagram: bytes, now: float) -> None:
        self.media.append(datagram)


def check(password: str, priority: bool = True, name: str = "name") -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{name}:b"
    if priority:
        message.attributes["PRIORITY"] = 1
    message.add_message_integrity(password.encode())
    return bytes(message)


DTLS_ALERT = bytes.fromhex("15fefd00000000000000000002022f")
DTLS_HELLO = b"\x16\xfe\xfd" + bytes(40)
MEDIA = b"\x80\x60" + bytes(40)


class Guarded:
    """An endpoint behind a real port, and a stranger and a peer that send to it."""

    def __init__(self) -> None:
        self.port = MediaPort("127.0.0.1")
        self.agent, self.taker = Agent(), Taker()
        self.endpoint = ingest.GuardedEndpoint(self.agent, self.port, self.taker)
        self.endpoint.local_candidate = Candidate("1", 1, "udp", 1, "127.0.0.1", 1, "host")
        self.port.enter("name", self.endpoint)
        self.port.open()
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(20)]

    def send(self, number: int, *datagrams: bytes) -> None:
        for datagram in datagrams:
            self.sockets[number].sendto(datagram, self.port.address)

    async def heard(self) -> tuple[list[bytes], list[bytes], int]:
        await asyncio.sleep(0.05)
        handshake = [self.agent._queue.get_nowait() for _ in range(self.agent._queue.qsize())]
        return self.taker.media, handshake, self.agent.requests

    def close(self) -> None:
        self.port.close()
        for each in self.sockets:
            each.close()


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", "empty"),
        (b"\0", "stranger"),
        (b"\0\1\0\0", "stranger"),
        (bytes(20), "stranger"),
        (check("p" * 22)[:-9], "unauthenticated"),
        (check("wrong" * 5), "unauthenticated"),
        (bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)), "stranger"),
        (bytes(stun.Message(stun.Method.BINDING, stun.Class.RESPONSE)), "stranger"),
        (DTLS_ALERT, "stranger"),
        (DTLS_HELLO, "stranger"),
        (MEDIA, "stranger"),
        (b"\xff" * 1_400, "stranger"),
    ],
    # some are drawn anew by each process
    ids=range(12),
)
def test_stranger_is_not_heard(datagram: bytes, reason: str) -> None:
    async def scenario() -> None:
        with closing(Guarded()) as guarded:
            guarded.send(0, datagram)
            assert await guarded.heard() == ([], [], 0)
            assert guarded.port.dropped == Counter([reason])

    in_loop(scenario)


def test_peer_is_heard_after_an_authenticated_check_and_only_from_there() -> None:
    async def scenario() -> None:
        guarded = Guarded()
        guarded.send(0, DTLS_ALERT, MEDIA)
        assert await guarded.heard() == ([], [], 0)
        guarded.send(0, check("p" * 22), DTLS_HELLO, MEDIA, b"")
        guarded.send(1, DTLS_ALERT, MEDIA)
        assert await guarded.heard() == ([MEDIA], [DTLS_HELLO], 1)
        guarded.close()

    in_loop(scenario)


@pytest.mark.parametrize(
    "hostile",
    [
        check("p" * 22, priority=False),
        check("wrong" * 5),
        check("p" * 22)[:30],
        b"\0\1" + bytes(18),
        bytes(stun.Message(stun.Method.BINDING, stun.Class.RESPONSE)),
    ],
    ids=["no_priority", "another_password", "torn", "nothing_in_it", "an_answer"],
)
def test_peer_cannot_upset_the_agent_with_checks(hostile: bytes) -> None:
    async def scenario() -> None:
        guarded = Guarded()
        guarded.send(0, check("p" * 22), hostile)
        assert await guarded.heard() == ([], [], 1)
        assert guarded.port.dropped.total() == 1
        guarded.close()

    in_loop(scenario)


def test_answer_to_a_check_of_consent_may_take_longer_than_the_agent_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(stun, "RETRY_RTO", 0.1)
        with closing(Guarded()) as guarded:
            transport = ingest.PortTransport(guarded.endpoint, guarded.port, "name")
            guarded.endpoint.transport = cast(Any, transport)
            guarded.send(0, check("p" * 22))
            await guarded.heard()
            asked = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            address = ("127.0.0.1", guarded.sockets[0].getsockname()[1])
            task = asyncio.create_task(guarded.endpoint.request(asked, address, retransmissions=0))
            answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, asked.transaction_id)
            guarded.sockets[0].setblocking(False)
            for _ in range(3):
                await asyncio.get_running_loop().sock_recv(guarded.sockets[0], 2000)
            guarded.sockets[0].sendto(bytes(answer), guarded.port.address)
            assert (await task)[0].transaction_id == asked.transaction_id

    in_loop(scenario)
    consent = inspect.getsource(Connection.query_consent)
    assert "retransmissions=0," in consent
    assert "pair.protocol.request(" in consent


def test_source_of_a_silent_peer_goes_to_another_that_authenticates_from_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        with closing(Guarded()) as guarded:
            agent, taker = Agent(), Taker()
            agent.local_password = "q" * 22
            other = ingest.GuardedEndpoint(cast(Any, agent), guarded.port, taker)
            other.local_candidate = guarded.endpoint.local_candidate
            guarded.port.enter("other", other)
            theirs = check("q" * 22, name="other")
            guarded.send(0, check("p" * 22), MEDIA, theirs, theirs)
            assert await guarded.heard() == ([MEDIA], [], 1)
            assert agent.requests == 0
            monkeypatch.setattr(port_module, "SILENT_S", 0.0)
            guarded.send(0, check("wrong" * 5, name="other"), theirs, MEDIA)
            assert await guarded.heard() == ([MEDIA], [], 1)
            assert (agent.requests, taker.media) == (1, [MEDIA])

    in_loop(scenario)


def test_number_of_sources_and_backlog_of_a_handshake_are_bounded() -> None:
    async def scenario() -> None:
        guarded = Guarded()
        for number in range(20):
            guarded.send(number, check("p" * 22))
        guarded.send(0, *[DTLS_HELLO] * 50)
        _, handshake, requests = await guarded.heard()
        assert (len(handshake), requests) == (32, 16)
        assert guarded.port.dropped == {"too_many_sources": 4, "handshake_backlog": 18}
        guarded.close()

    in_loop(scenario)


def test_connections_of_one_port_have_names_of_their_own() -> None:
    async def scenario() -> None:
        port, names = MediaPort("127.0.0.1"), set()
        for _ in range(3):
            connection, receiver = await receiving()
            ingest.listen_only_on(connection, port, Taker())
            await connection.setLocalDescription()
            agent = receiver.transport.transport._connection
            names.add(agent.local_username)
            assert port.is_taken(agent.local_username)
            candidates = [
                line
                for line in connection.localDescription.sdp.splitlines()
                if "a=candidate" in line
            ]
            assert len(candidates) == 1
            assert f" 127.0.0.1 {port.address[1]} " in candidates[0]
            await connection.close()
            assert not port.is_taken(agent.local_username)
        assert len(names) == 3
        port.close()

    in_loop(scenario)
