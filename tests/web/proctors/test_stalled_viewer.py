"""A page that watches and takes nothing any more: it costs little, others nothing, and it ends."""

import base64
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from websockets.sync.client import connect

from proctor.live.sitting import LiveSitting
from proctor.media import files
from proctor.media.container import Block
from proctor.media.follow import MAX_PIECE_BYTES
from proctor.observations import Track
from proctor.people import sign_in
from proctor.settings import Settings
from proctor.sittings.tables import SittingState
from tests.support.cast import assemble
from tests.support.service import on_a_port, port_of
from tests.support.sittings import pictures, sitting_of
from tests.support.waiting import wait_until
from web.access import COOKIE, Services
from web.app import create_app
from web.proctors import feeds

pytestmark = pytest.mark.media

PICTURE_BYTES = 300_000
PICTURES = 30


@dataclass
class Watched:
    """A sitting of a service on a port, whose camera is written by the test."""

    server: uvicorn.Server
    services: Services
    sitting_id: str
    cookie: str
    writer: files.Writer
    written: int = 0

    @property
    def path(self) -> str:
        return f"/proctor/sittings/{self.sitting_id}/socket"

    @property
    def waiting_bytes(self) -> list[int]:
        """What the service holds for each connection because it was not taken yet."""
        connections = list(self.server.server_state.connections)
        return [each.transport.get_write_buffer_size() for each in connections]  # type: ignore[union-attr]

    @property
    def viewers(self) -> int:
        live = self.services.live.held(self.sitting_id)
        return 0 if live is None else live._capture._viewers

    def write(self) -> bytes:
        """The next picture of the camera, a key frame, in the file."""
        self.written += 1
        data = bytes([self.written]) * PICTURE_BYTES
        self.writer.add(Block(100 * self.written, True, data))
        self.writer.flush()
        return data

    def begin_and_take_nothing(self) -> socket.socket:
        viewer = socket.socket()
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        viewer.connect(("127.0.0.1", port_of(self.server)))
        head = {
            "Host": "localhost",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
            "Cookie": self.cookie,
        }
        lines = [f"GET {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
        viewer.sendall("\r\n".join([*lines, "", ""]).encode())
        return viewer


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    path = tmp_path / "camera-001.webm"
    writer = files.Writer(path, "VP8", pictures()[0], 0)
    monkeypatch.setattr(LiveSitting, "paths", {Track.CAMERA: path})
    app = create_app(Settings(data_dir=tmp_path, min_free_mib=0))
    with on_a_port(app, ws_per_message_deflate=False) as server:
        services: Services = app.state.services
        with services.db.transaction() as tx:
            now = services.clock.now()
            cast = assemble(tx, now)
            sitting = sitting_of(tx, cast, cast.bob, now, SittingState.RUNNING)
            token = sign_in.begin(tx, cast.paula.id, now)
        yield Watched(server, services, sitting.id, f"{COOKIE}={token}", writer)
    writer.close()


def test_who_takes_nothing_costs_a_piece_and_the_others_see_everything(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "TAKEN_WITHIN_S", 5.0)
    address = f"ws://127.0.0.1:{port_of(watched.server)}{watched.path}"
    head = {"Cookie": watched.cookie}
    most = 0
    with (
        closing(watched.begin_and_take_nothing()),
        connect(address, additional_headers=head, max_size=None) as other,
    ):
        wait_until(lambda: watched.viewers == 2)
        for _ in range(PICTURES):
            written = watched.write()
            while written not in other.recv(timeout=20.0, decode=False):
                pass
            most = max(most, *watched.waiting_bytes)
        # nothing is read for it while it takes nothing
        assert 0 < most <= MAX_PIECE_BYTES + PICTURE_BYTES
        wait_until(lambda: watched.viewers == 1)
        written = watched.write()
        while written not in other.recv(timeout=20.0, decode=False):
            pass
    wait_until(lambda: watched.viewers == 0)
