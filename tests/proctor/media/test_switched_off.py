"""What guards the recordings is switched off, one guard at a time: the tests of it turn red."""

from typing import Any

import pytest

from proctor.media import files, recorder
from proctor.media.port import MediaPort, Source
from proctor.media.watch import SilenceWatch
from tests.proctor.media import test_ingest, test_peer, test_recorder

pytestmark = pytest.mark.media


def test_without_the_watchdog_silence_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SilenceWatch, "check", lambda self, now: [])
    monkeypatch.setattr(test_peer, "LIMIT_S", 4.0)

    with pytest.raises(TimeoutError):
        test_peer.test_silence_is_noticed_per_track_and_ends_with_the_next_frame()


def test_without_the_filter_strangers_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    def anybody(port: MediaPort, datagram: bytes, source: Source) -> Any:
        return next(iter(port._endpoints.values()), None)

    monkeypatch.setattr(MediaPort, "_introduced", anybody)

    with pytest.raises(AssertionError, match=r"== \(\[\], \[\], 0\)"):
        test_ingest.test_stranger_is_not_heard(test_ingest.DTLS_ALERT, "stranger")


def test_without_the_sync_a_failing_device_is_missed(
    monkeypatch: pytest.MonkeyPatch, tmp_path, frames
) -> None:
    monkeypatch.setattr(files.Writer, "sync", lambda self: None)

    with (
        pytest.MonkeyPatch.context() as inner,
        pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"),
    ):
        test_recorder.test_failing_device_holds_what_it_held_at_the_last_seal_and_has_no_hash(
            tmp_path, frames, inner
        )


def test_without_the_sync_a_lost_seal_is_missed(
    monkeypatch: pytest.MonkeyPatch, tmp_path, frames
) -> None:
    monkeypatch.setattr(recorder.TrackRecorder, "_keep", lambda self, path: None)

    with (
        pytest.MonkeyPatch.context() as inner,
        pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"),
    ):
        test_recorder.test_device_that_lost_a_seal_seals_nothing_afterwards(tmp_path, frames, inner)


def test_with_the_guards_on_the_same_tests_are_green(tmp_path, frames) -> None:
    with pytest.MonkeyPatch.context() as inner:
        test_recorder.test_failing_device_holds_what_it_held_at_the_last_seal_and_has_no_hash(
            tmp_path, frames, inner
        )
    with pytest.MonkeyPatch.context() as inner:
        test_recorder.test_device_that_lost_a_seal_seals_nothing_afterwards(tmp_path, frames, inner)
    test_peer.test_silence_is_noticed_per_track_and_ends_with_the_next_frame()
    test_ingest.test_stranger_is_not_heard(test_ingest.DTLS_ALERT, "stranger")
