import threading
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from proctor.identity import nightly
from proctor.settings import Settings
from web.app import create_app

pytestmark = pytest.mark.media


def test_the_service_measures_impostors_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured, threads = threading.Event(), set[int]()

    def round(*_: Any) -> None:
        threads.add(threading.get_ident())
        measured.set()

    monkeypatch.setattr(nightly, "EVERY_S", 0.05)
    monkeypatch.setattr(nightly, "round", round)
    with TestClient(
        create_app(Settings(data_dir=tmp_path, min_free_mib=0, media_port=0))
    ) as client:
        loop = client.portal.call(threading.get_ident) if client.portal else 0
        assert measured.wait(30)
    assert loop not in threads
