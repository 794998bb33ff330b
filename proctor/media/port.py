"""One UDP port for the media of every sitting: a datagram in, the connection it belongs to found.

Nobody is heard before a connection has authenticated a check from that source: an empty datagram
or a stray DTLS alert would otherwise end somebody's exam. First-byte ranges: RFC 7983.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Address, ip_address
from traceback import format_tb
from typing import Any, Protocol

import structlog

log = structlog.get_logger()

PULSE_S = 0.02
# many datagrams a wake are what makes a core carry hundreds of students
MAX_BATCH = 256
MAX_DATAGRAM = 2048
# a browser checks from each of its interfaces
MAX_SOURCES = 16
# a browser that sends pictures is not silent for so long, and its page would connect anew
SILENT_S = 3.0
RECEIVE_BUFFER_BYTES = 16 << 20
# RFC 7983
LAST_STUN_BYTE = 3
STUN_REQUEST, STUN_USERNAME = 0x0001, 0x0006
# Linux, <asm-generic/socket.h>: past the system's limit, which only root may
SO_RCVBUFFORCE = 33
# Linux, <linux/sock_diag.h>: nine counters of a socket's memory, the last of them its drops
SO_MEMINFO, MEMINFO = 55, struct.Struct("9I")

#: address and port, and for IPv6 flow and scope
Source = tuple[Any, ...]


class Endpoint(Protocol):
    """One connection's end at the port."""

    def authenticates(self, request: bytes) -> bool:
        """Whether a connectivity check was made with this connection's password."""

    def received(self, datagram: bytes, source: Source) -> None:
        """Take a datagram that is not empty, from an authenticated source."""


class Pulsed(Protocol):
    """Something with work to do at short intervals."""

    def pulse(self, now: float) -> None:
        """Do what is due at *now* (monotonic seconds)."""


class MediaPort:
    """A bound UDP socket and the connections behind it.

    ``dropped`` counts datagrams by the reason they went no further, and pulses that failed.
    Raises OSError when the address is not this machine's, or all of them, or the port is taken.
    """

    def __init__(self, address: str, port: int = 0) -> None:
        self.dropped: Counter[str] = Counter()
        self._socket = _bound(address, port)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._endpoints: dict[str, Endpoint] = {}
        self._sources: dict[Source, Endpoint] = {}
        self._pulsed: set[Pulsed] = set()
        self._failing: set[Pulsed] = set()
        self._next_pulse: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin to receive, on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        """Give the port back; nothing is received any more."""
        if self._next_pulse is not None:
            self._next_pulse.cancel()
            self._next_pulse = None
        if self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    @property
    def overflowed(self) -> int:
        """Datagrams the kernel dropped because the service was too slow to read them."""
        memory = self._socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO.size)
        return int(MEMINFO.unpack(memory)[-1])

    def is_taken(self, username: str) -> bool:
        """Whether a connection of that name is behind the port."""
        return username in self._endpoints

    def enter(self, username: str, endpoint: Endpoint) -> None:
        """Let *endpoint* be introduced by checks that name *username*."""
        assert not self.is_taken(username)
        self._endpoints[username] = endpoint

    def leave(self, username: str) -> None:
        """Forget the connection and its sources."""
        endpoint = self._endpoints.pop(username, None)
        for source, held in list(self._sources.items()):
            if held is endpoint or (isinstance(held, _Contested) and held.holder is endpoint):
                del self._sources[source]
            elif isinstance(held, _Contested) and held.claimant is endpoint:
                self._sources[source] = held.holder

    def attend(self, pulsed: Pulsed) -> None:
        """Pulse *pulsed* every 20 ms until it is dismissed."""
        assert self._loop is not None
        self._pulsed.add(pulsed)
        if self._next_pulse is None:
            self._next_pulse = self._loop.call_later(PULSE_S, self._pulse)

    def dismiss(self, pulsed: Pulsed) -> None:
        """Pulse it no more."""
        self._pulsed.discard(pulsed)
        self._failing.discard(pulsed)

    def send(self, datagram: bytes, source: Source) -> None:
        """Send, or drop when the socket's buffer is full: all that is sent is sent again."""
        try:
            self._socket.sendto(datagram, source)
        except (BlockingIOError, ConnectionError):
            self.dropped["not_sent"] += 1
        except OSError:
            # no route to a source that has gone, or a closed port
            self.dropped["unreachable"] += 1

    def contest(self, holder: Endpoint, request: bytes, source: Source) -> None:
        """A check from a source of *holder* was not made with its password.

        A relay gives a port it took back to another browser: who authenticates from there has it
        once *holder* has been silent there for ``SILENT_S``.
        """
        claimant = self._named(request)
        if claimant is holder:
            self.dropped["unauthenticated"] += 1
        elif claimant is not None:
            self.dropped["contested"] += 1
            settle = partial(self._settle, source)
            self._sources[source] = _Contested(holder, claimant, time.monotonic(), settle)

    def _settle(self, source: Source, endpoint: Endpoint | None) -> None:
        if endpoint is None:
            self.dropped["contested"] += 1
        else:
            self._sources[source] = endpoint

    def _readable(self) -> None:
        receive, sources = self._socket.recvfrom, self._sources
        for _ in range(MAX_BATCH):
            try:
                datagram, source = receive(MAX_DATAGRAM)
            except BlockingIOError:
                return
            if not datagram:
                self.dropped["empty"] += 1
            elif (endpoint := sources.get(source)) is not None or (
                endpoint := self._introduced(datagram, source)
            ) is not None:
                endpoint.received(datagram, source)

    def _introduced(self, datagram: bytes, source: Source) -> Endpoint | None:
        """The connection that a stranger's check belongs to, which knows the source from now on."""
        endpoint = self._named(datagram)
        if endpoint is not None:
            self._sources[source] = endpoint
        return endpoint

    def _named(self, datagram: bytes) -> Endpoint | None:
        """The connection that a check names and whose password it was made with."""
        username = requested_username(datagram)
        endpoint = self._endpoints.get(username) if username is not None else None
        if endpoint is None:
            self.dropped["stranger"] += 1
        elif not endpoint.authenticates(datagram):
            self.dropped["unauthenticated"] += 1
        elif sum(held is endpoint for held in self._sources.values()) >= MAX_SOURCES:
            self.dropped["too_many_sources"] += 1
        else:
            return endpoint
        return None

    def _pulse(self) -> None:
        assert self._loop is not None
        self._next_pulse = None
        if self._pulsed:
            self._next_pulse = self._loop.call_later(PULSE_S, self._pulse)
        now = time.monotonic()
        for each in list(self._pulsed):
            try:
                each.pulse(now)
            # one connection's fault is no other's: it is told once, and the connection goes on
            except Exception as error:  # noqa: BLE001
                self.dropped["pulse_failed"] += 1
                if each not in self._failing:
                    self._failing.add(each)
                    frames = format_tb(error.__traceback__)
                    log.error("pulse_failed", kind=type(error).__name__, frames=frames)


@dataclass(frozen=True, slots=True)
class _Contested:
    """Stands for a source from which another than its holder authenticates.

    ``settle`` hears whose it is, or None for a datagram that says nothing. Any sign of the holder
    ends it: who forges a source takes it from nobody who sends.
    """

    holder: Endpoint
    claimant: Endpoint
    since: float
    settle: Callable[[Endpoint | None], None]

    def authenticates(self, request: bytes) -> bool:
        """Whether it was made with the holder's password."""
        return self.holder.authenticates(request)

    def received(self, datagram: bytes, source: Source) -> None:
        """Take it to the holder, or to the claimant when the holder has been silent."""
        found = None
        # not an answer: to the holder's checks the claimant's browser answers with errors
        if datagram[0] > LAST_STUN_BYTE or self.authenticates(datagram):
            found = self.holder
        elif time.monotonic() - self.since >= SILENT_S and self.claimant.authenticates(datagram):
            found = self.claimant
        self.settle(found)
        if found is not None:
            found.received(datagram, source)


def requested_username(datagram: bytes) -> str | None:
    """The receiver's part of the user name in a connectivity check (RFC 8445, 7.2.2)."""
    if len(datagram) < 20 or int.from_bytes(datagram[:2], "big") != STUN_REQUEST:
        return None
    position = 20
    while position + 4 <= len(datagram):
        kind, length = struct.unpack_from("!HH", datagram, position)
        if kind == STUN_USERNAME:
            name = datagram[position + 4 : position + 4 + length].partition(b":")[0]
            return name.decode("ascii", "replace")
        position += 4 + (length + 3) // 4 * 4
    return None


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    endpoint = socket.socket(family, socket.SOCK_DGRAM)
    try:
        _enlarge(endpoint)
        endpoint.setblocking(False)
        endpoint.bind((address, port))
        # only the system knows all ways of writing it: 0x0, ::%0, ::ffff:0.0.0.0
        if _is_every(endpoint.getsockname()[0]):
            raise OSError(errno.EADDRNOTAVAIL, f"{address!r} is no one address of this machine")
    except OSError:
        endpoint.close()
        raise
    return endpoint


def _is_every(bound: str) -> bool:
    address = ip_address(bound)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_unspecified


def _enlarge(endpoint: socket.socket) -> None:
    try:
        endpoint.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
    except PermissionError:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
