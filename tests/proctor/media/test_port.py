"""The one UDP port: whose datagram it is, what is dropped, who is pulsed."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import closing

import pytest
import structlog
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from proctor.media import port as port_module
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


class Named(Sitting):
    """Takes checks of its own name alone, and hands the others to the port as an endpoint does."""

    def __init__(self, port: MediaPort, name: str) -> None:
        super().__init__(port, name)
        self.name = name

    def authenticates(self, request: bytes) -> bool:
        return requested_username(request) == self.name

    def received(self, datagram: bytes, source: Source) -> None:
        if requested_username(datagram) in (self.name, None):
            self.heard.append(datagram)
        else:
            self.port.contest(self, datagram, source)


class Relayed:
    """Two sittings behind a port; ``sender`` is the relay's, first with the first one's browser."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self.port = MediaPort("127.0.0.1")
        self.port.open()
        self.one, self.two = Named(self.port, "one"), Named(self.port, "two")
        self.sender = browser()

    async def send(self, *datagrams: bytes) -> None:
        for datagram in datagrams:
            self.sender.sendto(datagram, self.port.address)
        await asyncio.sleep(0.02)

    def be_silent(self) -> None:
        """As if the holder had been silent for long enough."""
        self._patch.setattr(port_module, "SILENT_S", 0.0)

    def close(self) -> None:
        self.port.close()
        self.sender.close()


ONE, TWO = check("one"), check("two")
ERROR = bytes(stun.Message(stun.Method.BINDING, stun.Class.ERROR))


def test_port_that_a_relay_gave_to_another_browser_is_the_others_after_a_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        with closing(Relayed(monkeypatch)) as at:
            await at.send(ONE, b"\x80a", TWO, TWO)
            assert at.two.heard == []
            at.be_silent()
            # what the new browser answers to checks of the old connection says nothing
            await at.send(ERROR, TWO, b"\x80b")
            assert at.one.heard == [ONE, b"\x80a"]
            assert at.two.heard == [TWO, b"\x80b"]
            assert at.port.dropped == {"contested": 3}

    in_loop(scenario)


def test_port_of_a_browser_that_sends_is_taken_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        with closing(Relayed(monkeypatch)) as at:
            await at.send(ONE)
            at.be_silent()
            for sign in (b"\x80a", ONE, b"\x16dtls"):
                await at.send(TWO, sign)
            assert at.two.heard == []
            assert [each[0] for each in at.one.heard] == [0, 0x80, 0, 0x16]

    in_loop(scenario)


@pytest.mark.parametrize("ended", ["one", "two"])
def test_port_is_whoevers_is_left(monkeypatch: pytest.MonkeyPatch, ended: str) -> None:
    async def scenario() -> None:
        with closing(Relayed(monkeypatch)) as at:
            await at.send(ONE, TWO)
            at.port.leave(ended)
            at.be_silent()
            await at.send(TWO, ONE)
            heard = [len(each.heard) for each in (at.one, at.two)]
            # the one that is gone hears nothing more
            assert heard == ([1, 1] if ended == "one" else [2, 0])

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


def test_pulse_that_fails_is_told_once_and_keeps_no_other_from_its_own() -> None:
    class Broken(Sitting):
        def pulse(self, now: float) -> None:
            super().pulse(now)
            raise ValueError("packet is too long")

    async def scenario() -> None:
        port = MediaPort("127.0.0.1")
        port.open()
        broken, others = Broken(port, "one"), [Sitting(port, "two"), Sitting(port, "three")]
        for each in (others[0], broken, others[1]):
            port.attend(each)
        with structlog.testing.capture_logs() as logged:
            await pulsed(broken, 5)
        # a set's order is its own: whoever comes last has been pulsed once less at most
        assert all(len(each.pulses) >= 4 for each in others)
        assert port.dropped["pulse_failed"] >= 5
        assert [each["event"] for each in logged] == ["pulse_failed"]
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


@pytest.mark.parametrize("address", ["0x0", "00.0", "::%0", "::ffff:0.0.0.0", "::ffff:0:0"])
def test_all_addresses_are_no_address_however_they_are_written(address: str) -> None:
    with pytest.raises(OSError, match="no one address of this machine"):
        MediaPort(address)


def test_address_of_another_machine_and_a_taken_port_are_refused() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        MediaPort("192.0.2.1")
    port = MediaPort("127.0.0.1")
    with pytest.raises(OSError, match="already in use"):
        MediaPort("127.0.0.1", port.address[1])
    port.close()
    MediaPort("127.0.0.1", port.address[1]).close()
