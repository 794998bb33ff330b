"""A real TURN server on this machine, set up as the guide says: it reaches one address alone."""

import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from proctor.commands.service import free_port

MISSING = "no turnserver on this machine (apt-get install coturn)"
SECRET = "north-wind"
STARTS_WITHIN_S = 20.0


def find_turnserver() -> str | None:
    return shutil.which("turnserver")


class TurnServer:
    """coturn at a free TCP port of 127.0.0.1; ``start`` and ``kill`` as often as one likes."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"turn:127.0.0.1:{self.port}?transport=tcp"
        self.log = directory / "turnserver.log"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    def start(self) -> None:
        command = find_turnserver()
        assert command is not None
        options = {
            "listening-ip": "127.0.0.1",
            "relay-ip": "127.0.0.1",
            "listening-port": self.port,
            "realm": "relay.example.org",
            "static-auth-secret": SECRET,
            "denied-peer-ip": "0.0.0.0-255.255.255.255",
            "allowed-peer-ip": "127.0.0.1",
            "pidfile": self._directory / "turnserver.pid",
            "userdb": self._directory / "turndb",
            "cli-password": "unused",
            "relay-threads": 1,
        }
        flags = ["use-auth-secret", "allow-loopback-peers", "no-cli", "no-udp", "no-tls", "no-dtls"]
        flags += ["no-tcp-relay", "no-multicast-peers"]
        given = [f"--{name}={value}" for name, value in options.items()]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [command, "-n", "--log-file=stdout", *given, *(f"--{each}" for each in flags)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_open(self._process)

    def kill(self) -> None:
        """End it without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _wait_until_open(self, process: "subprocess.Popen[bytes]") -> None:
        until = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < until and process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0):
                return
            time.sleep(0.05)
        raise RuntimeError(self.log.read_text("utf-8", "replace"))
