"""A line of a chosen width between a browser and the service's media port: a relay in the test."""

import socket
import threading
import time
from collections import deque
from typing import Self

from playwright.sync_api import BrowserContext, Route

# what a home router holds back before it drops
HELD_S = 1.0
LONGEST_HELD_BYTES = 64_000
STEP_S = 0.002


class ThinLine:
    """Datagrams of one browser go up at ``kbit_s``, what waits too long is dropped; down is wide.

    ``kbit_s``: None for all that comes. To be put before the page that connects.
    """

    def __init__(self) -> None:
        self.kbit_s: float | None = None
        self._near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._near.bind(("127.0.0.1", 0))
        self._ways: dict[tuple[str, int], _Way] = {}
        self._service: tuple[str, int] | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._near.setblocking(False)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()
        self._near.close()
        for way in self._ways.values():
            way.far.close()

    def put_before(self, context: BrowserContext) -> None:
        """Have every connection that *context* makes go through this line."""
        context.route("**/api/sittings/*/offer", self._answer)

    def _answer(self, route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        if answer.status == 201:
            number = self._near.getsockname()[1]
            lines = body["sdp"].split("\r\n")
            for at, line in enumerate(lines):
                if line.startswith("a=candidate:"):
                    parts = line.split(" ")
                    self._service = (parts[4], int(parts[5]))
                    parts[4:6] = "127.0.0.1", str(number)
                    lines[at] = " ".join(parts)
            body["sdp"] = "\r\n".join(lines)
        route.fulfill(response=answer, json=body)

    def _run(self) -> None:
        while not self._ended.wait(STEP_S):
            self._take()
            now = time.monotonic()
            for source, way in self._ways.items():
                way.pass_up(self.kbit_s, self._service, now)
                for datagram in _received(way.far):
                    self._near.sendto(datagram[0], source)

    def _take(self) -> None:
        for datagram, source in _received(self._near):
            if source not in self._ways:
                self._ways[source] = _Way()
            self._ways[source].take(datagram, self.kbit_s)


class _Way:
    """What one source of the browser sends, and its socket towards the service."""

    def __init__(self) -> None:
        self.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.bind(("127.0.0.1", 0))
        self.far.setblocking(False)
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._free_at = 0.0

    def take(self, datagram: bytes, kbit_s: float | None) -> None:
        most = LONGEST_HELD_BYTES if kbit_s is None else HELD_S * kbit_s * 125
        if self._bytes + len(datagram) <= max(most, 3000):
            self._waiting.append(datagram)
            self._bytes += len(datagram)

    def pass_up(self, kbit_s: float | None, service: tuple[str, int] | None, now: float) -> None:
        while self._waiting and service is not None and (kbit_s is None or self._free_at <= now):
            datagram = self._waiting.popleft()
            self._bytes -= len(datagram)
            self.far.sendto(datagram, service)
            if kbit_s is not None:
                self._free_at = max(self._free_at, now - STEP_S) + len(datagram) / (kbit_s * 125)


def _received(end: socket.socket) -> list[tuple[bytes, tuple[str, int]]]:
    found = []
    while True:
        try:
            found.append(end.recvfrom(2048))
        except (BlockingIOError, ConnectionError):
            return found
