"""What guards the recordings is switched off, one guard at a time: the tests of it turn red."""

from collections.abc import Callable
from typing import Any

import pytest

from proctor.media import webm
from proctor.media.port import MediaPort, Source
from proctor.media.watch import SilenceWatch
from tests.proctor.media import test_ingest, test_peer, test_recorder

pytestmark = pytest.mark.media


def is_red(test: Callable[..., None], *values: Any) -> bool:
    """Whether *test* fails."""
    try:
        test(*values)
    # whatever a test raises is red
    except (Exception, pytest.fail.Exception):  # noqa: BLE001
        return True
    return False


def test_without_the_watchdog_silence_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SilenceWatch, "check", lambda self, now: [])

    assert is_red(test_peer.test_silence_is_noticed_per_track_and_ends_with_the_next_frame)


def test_without_the_filter_strangers_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    def anybody(port: MediaPort, datagram: bytes, source: Source) -> Any:
        return next(iter(port._endpoints.values()), None)

    monkeypatch.setattr(MediaPort, "_introduced", anybody)

    assert is_red(test_ingest.test_stranger_is_not_heard, test_ingest.DTLS_ALERT, "stranger")


def test_without_the_sync_a_failing_device_is_missed(
    monkeypatch: pytest.MonkeyPatch, tmp_path, frames
) -> None:
    monkeypatch.setattr(webm.WebmWriter, "sync", lambda self: None)

    with pytest.MonkeyPatch.context() as inner:
        assert is_red(
            test_recorder.test_failing_device_fails_the_recording, tmp_path, frames, inner
        )


def test_with_the_guards_on_the_same_tests_are_green(tmp_path, frames) -> None:
    with pytest.MonkeyPatch.context() as inner:
        test_recorder.test_failing_device_fails_the_recording(tmp_path, frames, inner)
    test_ingest.test_stranger_is_not_heard(test_ingest.DTLS_ALERT, "stranger")
