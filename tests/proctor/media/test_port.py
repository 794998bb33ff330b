"""The one UDP port: whose datagram it is, what is dropped, who is pulsed."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from proctor.media.port import PULSE_S, MediaPort, Source, requested_username

pytestmark = pytest.mark.media


def in_loop(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 10))


def check(username: str) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{username}:theirs"
    return bytes(message)


class Sitting:
    """Takes everything and answers with it."""

    def __init__(self, port: MediaPort, name: str) -> None:
        self.port = port
        self.heard: list[bytes] = []
        self.pulses: list[float] = []
        port.enter(name, self)

    def authenticates(self, request: bytes) -> bool:
        return True

    def received(self, datagram: bytes, source: Source) -> None:
        self.heard.append(datagram)
        self.port.send(datagram, source)

    def pulse(self, now: float) -> None:
        self.pulses.append(now)


async def pulsed(sitting: Sitting, times: int) -> None:
    """Until *sitting* was pulsed so often in all."""
    while len(sitting.pulses) < times:
        await asyncio.sleep(PULSE_S / 4)


def browser() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made


def test_username_of_a_check_is_read() -> None:
    assert requested_username(check("abcd")) == "abcd"
    assert requested_username(bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST))) is None
    assert requested_username(b"\0\1" + bytes(10)) is None


@given(st.binary(max_size=60))
def test_hostile_check_is_only_unread(data: bytes) -> None:
    for hostile in (data, b"\0\1" + data, check("abcd")[: len(data)], check("ab")[:20] + data):
        name = requested_username(hostile)
        assert name is None or isinstance(name, str)


def test_each_source_is_heard_by_the_sitting_it_named() -> None:
    async def scenario() -> None:
        port = MediaPort("127.0.0.1")
        port.open()
        first, second = Sitting(port, "one"), Sitting(port, "two")
        with browser() as one, browser() as two:
            for sender, name, media in ((one, "one", b"\x80a"), (two, "two", b"\x80b")):
                sender.sendto(check(name), port.address)
                sender.sendto(media, port.address)
            # a source that belongs to a sitting cannot be taken over by another's check
            one.sendto(check("two"), port.address)
            await asyncio.sleep(0.05)
            assert [each[0] for each in first.heard] == [0, 0x80, 0]
            assert second.heard[1:] == [b"\x80b"]
            assert two.recv(2000)[:1] == b"\0"
            assert two.recv(2000) == b"\x80b"
            port.leave("two")
            two.sendto(b"\x80c", port.address)
            await asyncio.sleep(0.05)
            assert second.heard[1:] == [b"\x80b"]
            assert port.dropped == {"stranger": 1}
        port.close()

    in_loop(scenario)


def test_pulse_goes_on_while_somebody_attends() -> None:
    async def scenario() -> None:
        port = MediaPort("127.0.0.1")
        port.open()
        sitting = Sitting(port, "one")
        other = Sitting(port, "two")
        began = time.monotonic()
        port.attend(sitting)
        await pulsed(sitting, 10)
        # late when the machine is busy, never early
        assert sitting.pulses[-1] - began >= 9 * PULSE_S
        port.dismiss(sitting)
        count = len(sitting.pulses)
        port.attend(other)
        await pulsed(other, 3)
        assert len(sitting.pulses) == count
        port.dismiss(other)
        await asyncio.sleep(2 * PULSE_S)
        port.attend(sitting)
        await pulsed(sitting, count + 1)
        port.close()

    in_loop(scenario)


def test_kernel_tells_what_it_dropped() -> None:
    port = MediaPort("127.0.0.1")
    port._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with browser() as sender:
        for _ in range(200):
            sender.sendto(bytes(1000), port.address)
    assert port.overflowed >= 150
    port.close()


def test_address_of_another_machine_and_a_taken_port_are_refused() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        MediaPort("192.0.2.1")
    port = MediaPort("127.0.0.1")
    with pytest.raises(OSError, match="already in use"):
        MediaPort("127.0.0.1", port.address[1])
    port.close()
    MediaPort("127.0.0.1", port.address[1]).close()
