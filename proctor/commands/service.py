"""The service as a process of its own, started and watched by a demonstration."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx2

from proctor.errors import Unavailable
from proctor.settings import Settings

STARTS_WITHIN_S: Final = 60.0
STOPS_WITHIN_S: Final = 20.0


class PortTaken(Unavailable):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(port=port)
        self.args = (f"port {port} is taken by another program; set PROCTOR_PORT to a free one",)


class DiskLow(Unavailable):
    """There is too little room on the disk."""

    def __init__(self, directory: Path, needed_mib: int, free_mib: int) -> None:
        super().__init__(needed_mib=needed_mib, free_mib=free_mib)
        self.args = (f"{directory} has {free_mib} MiB free, {needed_mib} MiB are needed",)


class ServiceDown(Unavailable):
    """The service did not start or ended by itself."""

    def __init__(self, log_path: Path) -> None:
        super().__init__()
        self.args = (f"the service did not start; its output is in {log_path}",)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def require_port(host: str, port: int) -> None:
    """Raise PortTaken unless the service could listen there."""
    with socket.socket() as listener:
        # a port in TIME_WAIT after the last run is free for a listener
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as failure:
            raise PortTaken(port) from failure


def require_disk(directory: Path, needed_mib: int) -> None:
    """Raise DiskLow unless that much is free where *directory* lies."""
    directory.mkdir(parents=True, exist_ok=True)
    free_mib = shutil.disk_usage(directory).free // 2**20
    if free_mib < needed_mib:
        raise DiskLow(directory, needed_mib, free_mib)


@contextmanager
def running(settings: Settings, log_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """``proctor serve`` with these settings, healthy; ended when the block is left."""
    environment = os.environ | {
        f"PROCTOR_{name.upper()}": str(value)
        for name, value in settings.model_dump().items()
        if value is not None
    }
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "proctor", "serve"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C goes to the demonstration, which then ends the service
            start_new_session=True,
        )
        try:
            _wait_until_healthy(settings.url, process, log_path)
            yield process
        finally:
            _end(process)


def _wait_until_healthy(url: str, process: "subprocess.Popen[bytes]", log_path: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx2.get(f"{url}/healthz", timeout=2.0).status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            time.sleep(0.2)
    raise ServiceDown(log_path)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
