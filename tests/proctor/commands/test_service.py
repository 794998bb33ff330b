"""What stands in the way of a service is said before anything is started."""

import socket
from pathlib import Path

import pytest

from proctor.commands.service import (
    DiskLow,
    PortTaken,
    ServiceDown,
    free_port,
    require_disk,
    require_port,
    running,
)
from proctor.settings import Settings

pytestmark = pytest.mark.unit


def test_a_taken_port_is_named() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is taken"):
            require_port("127.0.0.1", port)


def test_a_free_port_is_accepted() -> None:
    require_port("127.0.0.1", free_port())


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(DiskLow, match=r"has \d+ MiB free, 1000000000 MiB are needed"):
        require_disk(tmp_path / "data", 10**9)


def test_a_service_that_does_not_start_points_to_its_output(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, models_dir=tmp_path / "no-models", port=free_port())
    with (
        pytest.raises(ServiceDown, match=r"service\.log"),
        running(settings, tmp_path / "service.log"),
    ):
        pass
    assert (tmp_path / "service.log").stat().st_size > 0
