"""Hostile bytes at every door of the media plane: nothing is raised, nothing grows, nobody else
is touched. The short form is drawn from the same seed as the long one."""

import asyncio
import os
import random
import socket
import struct
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator

import pylibsrtp
import pytest
from aiortc.rtp import RtcpPacket, RtcpRtpfbPacket

from proctor.media import rtcp
from proctor.media.assembler import CAPACITY_PACKETS, MAX_FRAME_BYTES
from proctor.media.frames import EncodedFrame
from proctor.media.ingest import GuardedEndpoint
from proctor.media.losses import MAX_HOLE
from proctor.media.offers import OfferRefused, read_offer
from proctor.media.peer import Peer
from proctor.media.port import MAX_SOURCES, MediaPort, requested_username
from proctor.media.reception import Reception
from tests.proctor.media.test_ingest import DTLS_ALERT, DTLS_HELLO, Agent, Taker, check
from tests.proctor.media.test_peer import in_loop, student
from tests.proctor.media.test_reception import OFFER, TYPES, OpenLink

pytestmark = pytest.mark.media

SHORT = 20_000
LONG = pytest.param(1_000_000, marks=pytest.mark.faults)


def rtp(chance: random.Random, sequence: int) -> bytes:
    source, kind = chance.choice([(10, 96), (11, 97), (20, 98), (21, 99), (9, 96)])
    payload = chance.choice(
        [
            b"\x90\x80\x80\x01" + b"\x10\x02\x00\x9d\x01\x2a\x80\x02\xe0\x01" + bytes(20),
            b"\x80\xff\xff\xff\xff",
            b"\x78\x00\x04\x67\x42\xc0\x1f\x00\x02\x65\x88",
            b"\x7c\x85\x88" + bytes(30),
            struct.pack("!H", sequence) + b"\x90\x80\x80\x01" + bytes(30),
        ]
    )
    head = struct.pack("!BBHII", 0x90, chance.choice([0, 0x80]) | kind, sequence, sequence, source)
    return head + b"\xbe\xde\0\1" + b"\x32\1\2\3" + payload


def report(chance: random.Random) -> bytes:
    ntp, ticks = chance.getrandbits(64), chance.getrandbits(32)
    body = struct.pack("!IQIII", chance.choice([10, 20, 9]), ntp, ticks, 1, 1)
    return struct.pack("!BBH", 0x80, rtcp.SENDER_REPORT, 6) + body


def mutated(chance: random.Random, data: bytes) -> bytes:
    """*data* cut, lengthened, or with some of its bytes changed; never empty."""
    changed = bytearray(data)
    for _ in range(chance.choice([0, 0, 1, 2, 8])):
        changed[chance.randrange(len(changed))] = chance.choice([0, 0xFF, chance.randrange(256)])
    match chance.randrange(6):
        case 0:
            del changed[chance.randrange(1, len(changed)) :]
        case 1:
            changed += chance.randbytes(chance.randrange(1200))
    return bytes(changed)


def hostile(count: int, make: Callable[[random.Random, int], bytes]) -> Iterator[bytes]:
    chance = random.Random(5)
    return (mutated(chance, make(chance, number)) for number in range(count))


def grown_bytes(work: Callable[[], object]) -> int:
    """What *work* leaves behind; tracing makes it slow."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    work()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return grown


@pytest.mark.parametrize("count", [SHORT, LONG])
def test_hostile_media_behind_the_keys_is_bounded(count: int) -> None:
    taken: Counter[str] = Counter()

    def take(frame: EncodedFrame) -> None:
        taken[frame.codec] += 1
        assert len(frame.data) <= MAX_FRAME_BYTES

    link = OpenLink()
    reception = Reception(link, OFFER, TYPES, take)
    chance, now = random.Random(6), 1_000.0

    def make(drawn: random.Random, number: int) -> bytes:
        if drawn.random() < 0.05:
            return report(drawn)
        # steps of a stream, with holes and jumps
        jump = drawn.choice([0, 0, 0, 0, 3, drawn.randrange(65_536)])
        return rtp(drawn, (number + jump) & 0xFFFF)

    for number, datagram in enumerate(hostile(count, make)):
        now += chance.choice([0.0, 0.001, 0.01])
        reception.received(datagram, now)
        if number % 20 == 0:
            reception.pulse(now)
        if number % 1_000 == 0:
            for stream in reception._streams.values():
                assert len(stream.assembler.waiting) <= CAPACITY_PACKETS
                assert stream.assembler._bytes <= MAX_FRAME_BYTES
                assert len(stream.losses.holes) <= MAX_HOLE
    assert set(taken) == {"VP8", "H264"}
    assert set(reception.dropped) <= {"malformed", "unknown_source", "unknown_codec"}


def test_holes_that_lie_far_apart_are_asked_for_in_what_can_be_sent() -> None:
    """Two requests of 255 packets each are 2080 bytes, which no SRTCP takes."""
    keys = pylibsrtp.Policy(key=bytes(30), ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    session, asked = pylibsrtp.Session(keys), Counter[int]()

    class Protected(OpenLink):
        def send_control(self, packets: bytes) -> None:
            session.protect_rtcp(packets)
            assert len(packets) <= rtcp.MAX_DATAGRAM
            for each in RtcpPacket.parse(packets):
                if isinstance(each, RtcpRtpfbPacket):
                    asked[each.media_ssrc] += len(each.lost)

    reception = Reception(Protected(), OFFER, TYPES, lambda _: None)
    for source, kind in ((10, 96), (20, 98)):
        for number in range(18 * 256):
            if number == 0 or number % 18:
                head = struct.pack("!BBHII", 0x80, kind, number, 0, source)
                reception.received(head + b"\x10\x02\x00" + bytes(9), 1_000.0)
    reception.pulse(1_000.0)
    assert reception._requests == []
    assert asked == {10: 255, 20: 255}


@pytest.mark.parametrize("count", [SHORT, LONG])
def test_hostile_datagrams_at_the_port_leave_nothing(count: int) -> None:
    async def scenario() -> None:
        port, agent, taker = MediaPort("127.0.0.1"), Agent(), Taker()
        endpoint = GuardedEndpoint(agent, port, taker)  # type: ignore[arg-type]
        endpoint.local_candidate = type("", (), {"component": 1})()
        port.enter("name", endpoint)
        kinds = [check("p" * 22), check("wrong" * 5), DTLS_HELLO, b"\x80\x60" + bytes(40)]

        def make(drawn: random.Random, _: int) -> bytes:
            return drawn.choice(kinds)

        def flood(part: int) -> None:
            for number, datagram in enumerate(hostile(part, make)):
                source = ("192.0.2.1", number & 0xFFFF)
                requested_username(datagram)
                known = port._sources.get(source) or port._introduced(datagram, source)
                if known is not None:
                    known.received(datagram, source)
                taker.media.clear()

        flood(count - 4_000)
        assert grown_bytes(lambda: flood(4_000)) < 100_000
        assert len(port._sources) == MAX_SOURCES
        assert agent._queue.qsize() <= 32
        port.close()

    in_loop(scenario)


def broken_offers(sdp: str, count: int) -> Iterator[str]:
    """The offer with lines dropped, doubled, swapped, or with some characters changed."""
    chance, lines = random.Random(9), sdp.splitlines()
    for _ in range(count):
        changed = list(lines)
        for _ in range(chance.choice([1, 1, 2, 5])):
            at, other = chance.randrange(len(changed)), chance.randrange(len(changed))
            match chance.randrange(5):
                case 0:
                    del changed[at]
                case 1:
                    changed.insert(other, changed[at])
                case 2:
                    changed[at], changed[other] = changed[other], changed[at]
                case 3:
                    line = changed[at] or "a"
                    place = chance.randrange(len(line))
                    letter = chance.choice([" ", ":", "/", "-1", "4294967296", "\0", "ӱ", "="])
                    changed[at] = line[:place] + letter + line[place + 1 :]
                case 4:
                    changed[at] = changed[at] * chance.choice([2, 50])
        yield "\r\n".join(changed) + "\r\n"


@pytest.mark.parametrize(
    ("parsed", "answered"), [(1_500, 40), pytest.param(100_000, 2_000, marks=pytest.mark.faults)]
)
def test_broken_offers_are_refused_and_nothing_stays_open(parsed: int, answered: int) -> None:
    async def scenario() -> None:
        async with student("video/VP8") as sitting:
            sdp = await sitting.offer()
            await sitting.join()
            await sitting.until(lambda: len(sitting.frames) > 10)
            seen = len(sitting.frames)
            refusals = 0
            for broken in broken_offers(sdp, parsed):
                try:
                    read_offer(broken, None)
                except OfferRefused:
                    refusals += 1
            assert 0.1 * parsed < refusals < parsed
            tasks = len(asyncio.all_tasks())
            held = open_files()
            for broken in broken_offers(sdp, answered):
                try:
                    peer, _ = await Peer.answer(
                        broken,
                        tracks=None,
                        on_frame=sitting.take,
                        on_closed=sitting.closed.append,
                        port=sitting.port,
                    )
                except OfferRefused:
                    continue
                await peer.close()
            await sitting.until(lambda: len(asyncio.all_tasks()) <= tasks)
            # what others of the process close meanwhile is no leak
            assert open_files() <= held
            # and the one who sat there all the while was not touched
            await sitting.until(lambda: len(sitting.frames) > seen + 15)
            assert sitting.closed == []

    asyncio.run(asyncio.wait_for(scenario(), 3_600))


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("setup", ["actpass", "active", "passive"])
def test_stranger_cannot_win_the_race_of_the_handshake(setup: str) -> None:
    """ClientHellos and alerts from elsewhere all the while, the server being client and server."""

    async def scenario() -> None:
        async with student("video/VP8") as sitting:
            offer = sitting.offer

            async def in_that_role() -> str:
                return (await offer()).replace("a=setup:actpass", f"a=setup:{setup}")

            sitting.offer = in_that_role  # type: ignore[method-assign]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:

                async def race() -> None:
                    while True:
                        for datagram in (DTLS_HELLO, DTLS_ALERT, b"\x16" + bytes(80), b""):
                            stranger.sendto(datagram, sitting.port.address)
                        await asyncio.sleep(0.002)

                racing = asyncio.create_task(race())
                await sitting.join()
                await sitting.until(lambda: len(sitting.frames) > 10)
                racing.cancel()
                await asyncio.wait([racing])
            assert sitting.closed == []
            assert sitting.port.dropped["stranger"] > 30

    in_loop(scenario)
