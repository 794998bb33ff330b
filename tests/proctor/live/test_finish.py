"""The end of an exam: once, whole or not at all, and every second accounted for."""

import asyncio
import errno
import hashlib
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import av
import pytest
import structlog
from sqlalchemy.exc import OperationalError

from proctor.identity.tables import IdentityCheck, Modality
from proctor.incidents.tables import ClipRow, IncidentRow
from proctor.live.invigilation import SittingOver
from proctor.media import files, ledger
from proctor.media.capture import DiskFull
from proctor.media.pace import Pace
from proctor.media.recorder import broken_seals
from proctor.media.tables import MediaGap
from proctor.observations import Check, Observation, Track
from proctor.sittings.tables import SittingState
from tests.proctor.live.conftest import MIDS, Room, until
from tests.support.sittings import FRAME_RATE

pytestmark = pytest.mark.db


def clips_on_disk(room: Room) -> set[str]:
    root = room.line.settings.recordings_dir
    return {str(path.relative_to(root)) for path in root.rglob("clip*") if path.is_file()}


def holds_what_it_says(room: Room) -> None:
    """Recordings and clips are the bytes of their hashes, and a decoder reads them."""
    root = room.line.settings.recordings_dir
    rows = [*(row for track in Track for row in room.recordings(track)), *room.rows(ClipRow)]
    assert clips_on_disk(room) == {row.path for row in room.rows(ClipRow)}
    for row in rows:
        path = root / row.path
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256
        if path.stat().st_size:
            with av.open(str(path)) as container:
                assert sum(1 for _ in container.decode(video=0)) > 0


async def test_whole_exam_is_recorded(room: Room) -> None:
    live = await room.begin()
    room.stream(8.0)
    await live.take_batch(room.batch(1, "page_hidden", keys=3))
    room.stream(5.0)
    await live.finish("student_finished")

    sitting = room.sitting()
    assert (sitting.state, sitting.exam_s) == (SittingState.FINISHED, pytest.approx(13.0))
    for track in Track:
        (row,) = room.recordings(track)
        assert row.recorded_s == pytest.approx(13.0, abs=0.1)
        assert row.starts_s == pytest.approx(-5.0, abs=0.3)
        assert room.accounted_s(track) == pytest.approx(13.0, abs=0.01)
    (incident,) = room.rows(IncidentRow)
    assert incident.end_s == pytest.approx(13.0)
    assert {clip.track for clip in room.rows(ClipRow)} == set(Track)
    (finished,) = room.told("sitting_finished")
    assert len(finished.payload["recordings"]) == 2
    holds_what_it_says(room)


async def test_finishing_again_changes_nothing(room: Room) -> None:
    live = await room.begin()
    room.stream(5.0)
    await live.finish("student_finished")
    before = room.told()
    room.clock.advance(5.0)
    await live.finish("time_over")
    assert [event.id for event in room.told()] == [event.id for event in before]
    assert room.sitting().exam_s == pytest.approx(5.0)


async def test_student_and_sweep_end_the_exam_once(room: Room) -> None:
    live = await room.begin()
    room.stream(5.0)
    queue = await live.subscribe()
    reasons = ("student_finished", "time_over", "student_finished")
    await asyncio.gather(*(live.finish(reason) for reason in reasons))
    (finished,) = room.told("sitting_finished")
    assert finished.payload["reason"] == "student_finished"
    told = [queue.get_nowait() for _ in range(queue.qsize())]
    assert [each["reason"] for each in told if each["type"] == "ended"] == ["student_finished"]


async def test_stills_of_a_thin_line_are_a_gap_that_says_so(room: Room) -> None:
    live = await room.begin()
    room.stream(10.0)
    live.keep_pace(Pace.LOW)
    room.stream(4.0)
    live.keep_pace(Pace.STILLS)
    room.stills(24)
    assert all(live.live_tracks.values())
    live.keep_pace(Pace.FULL)
    room.stream(10.0)
    await room.settle()
    await live.finish("student_finished")

    assert room.media_facts()[:-1] == [("pace", "", "")] * 3
    for track in Track:
        (gap,) = room.gaps(track)
        assert gap.cause == "stills_only"
        assert (gap.start_s, gap.end_s) == (
            pytest.approx(14.2, abs=0.3),
            pytest.approx(38.2, abs=0.3),
        )
        assert room.accounted_s(track) == pytest.approx(48.2, abs=0.01)
    assert "media_gap" not in {row.kind for row in room.rows(IncidentRow)}
    holds_what_it_says(room)


async def test_line_that_breaks_under_stills_has_its_own_cause(room: Room) -> None:
    live = await room.begin()
    room.stream(5.0)
    live.keep_pace(Pace.STILLS)
    room.stills(8)
    room.network.peers[-1].on_silence(Track.CAMERA, room.clock.monotonic())
    room.clock.advance(10.0)
    await live.finish("student_finished")

    causes = [(gap.cause, gap.end_s) for gap in room.gaps(Track.CAMERA)]
    assert causes == [
        ("stills_only", pytest.approx(13.2, abs=0.3)),
        ("no_packets", pytest.approx(23.2, abs=0.3)),
    ]


async def test_pace_from_before_the_exam_is_a_fact_of_it(room: Room) -> None:
    live = await room.check_in()
    live.keep_pace(Pace.STILLS)
    room.stills(6)
    await room.settle()
    await live.start()
    await room.settle()
    (told,) = room.told("observation")
    assert told.payload["values"] == {"pace": "stills", "kbit_s": 48}


async def test_finish_before_the_exam_leaves_the_identity_check_at_work(room: Room) -> None:
    live = await room.check_in()
    await live.finish("student_finished")
    assert room.sitting().state is SittingState.CHECKING
    room.stream(2.0)
    await room.look()


async def test_finish_that_was_not_written_leaves_nothing_and_can_be_asked_again(
    room: Room, commits_fail: list[int]
) -> None:
    live = await room.begin()
    await live.take_batch(room.batch(1, "page_hidden", keys=3))
    room.stream(10.0)
    await room.settle()
    commits_fail[0] = 1
    with pytest.raises(OperationalError):
        await live.finish("student_finished")
    assert room.sitting().state is SittingState.RUNNING
    assert room.rows(MediaGap) == room.rows(ClipRow) == []
    assert not list(room.line.settings.recordings_dir.rglob("clip-*"))
    assert room.told("sitting_finished") == []

    room.clock.advance(4.0)
    await live.finish("student_finished")

    assert room.sitting().exam_s == pytest.approx(14.0)
    for track in Track:
        assert room.accounted_s(track) == pytest.approx(14.0, abs=0.01)
        (gap,) = [gap for gap in room.gaps(track) if gap.end_s - gap.start_s > 0.5]
        assert (gap.cause, gap.end_s) == ("no_packets", pytest.approx(14.0))
    typing = [row for row in room.rows(IdentityCheck) if row.modality is Modality.KEYSTROKE]
    assert [row.n_keys for row in typing] == [3]
    assert len(room.told("sitting_finished")) == 1
    assert len(room.told("incident_closed")) == 1
    holds_what_it_says(room)


async def test_failed_commit_of_the_end_itself_is_undone(
    room: Room, commits_fail: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await room.begin()
    await live.take_batch(room.batch(1, "page_hidden"))
    room.stream(5.0)
    close_files = ledger.close_files

    def close_then_fail(*values: Any) -> dict[str, str]:
        commits_fail[0] = 1
        return close_files(*values)

    with monkeypatch.context() as failing:
        failing.setattr(ledger, "close_files", close_then_fail)
        with pytest.raises(OperationalError):
            await live.finish("student_finished")
    assert room.rows(MediaGap) == room.rows(ClipRow) == []
    assert room.told("sitting_finished") == []
    await live.finish("student_finished")
    for track in Track:
        assert room.accounted_s(track) == pytest.approx(room.sitting().exam_s, abs=0.01)
    assert {clip.track for clip in room.rows(ClipRow)} == set(Track)
    # clips that no row names are shown to nobody and would be deleted by nobody
    holds_what_it_says(room)


async def test_exam_goes_on_after_a_finish_that_was_not_written(
    room: Room, commits_fail: list[int]
) -> None:
    live = await room.begin()
    room.stream(5.0)
    await room.settle()
    commits_fail[0] = 1
    with pytest.raises(OperationalError):
        await live.finish("student_finished")
    await live.connect("offer", MIDS)
    room.stream(5.0)
    await room.look()
    await live.finish("student_finished")
    for track in Track:
        assert sum(row.recorded_s for row in room.recordings(track)) == pytest.approx(10, abs=0.3)
        assert room.accounted_s(track) == pytest.approx(10.0, abs=0.01)


async def test_offer_that_comes_while_the_exam_is_ended_is_refused(room: Room) -> None:
    live = await room.begin()
    room.stream(5.0)
    ending = asyncio.create_task(live.finish("student_finished"))
    await asyncio.sleep(0)
    with pytest.raises(SittingOver):
        await live.connect("offer", MIDS)
    await ending
    assert room.network.open_peers == []
    assert all(len(room.recordings(track)) == 1 for track in Track)


async def test_connection_under_way_is_ended_with_the_exam(room: Room) -> None:
    live = await room.begin()
    room.stream(5.0)
    room.network.gate.clear()
    joining = asyncio.create_task(live.connect("offer", MIDS))
    await asyncio.sleep(0.05)
    ending = asyncio.create_task(live.finish("student_finished"))
    await asyncio.sleep(0.05)
    room.network.gate.set()
    assert await joining == "answer"
    await ending
    assert room.network.open_peers == []
    assert live._looking._task is None
    for track in Track:
        assert [len(row.sha256) for row in room.recordings(track)] == [64, 64]
    assert room.told()[-1].kind == "sitting_finished"


async def test_reconnection_is_a_gap_of_its_length(room: Room) -> None:
    live = await room.begin()
    room.stream(5.0)
    room.network.peers[-1].on_closed("failed")
    room.clock.advance(6.0)
    await live.connect("offer", MIDS)
    room.stream(4.0)
    await live.finish("student_finished")
    for track in Track:
        assert [row.part for row in room.recordings(track)] == [1, 2]
        (gap,) = [gap for gap in room.gaps(track) if gap.end_s - gap.start_s > 0.5]
        assert gap.cause == "connection_failed"
        assert gap.end_s - gap.start_s == pytest.approx(6.0, abs=0.3)
        assert room.accounted_s(track) == pytest.approx(15.0, abs=0.01)
    holds_what_it_says(room)


def small_disk(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """From now on nothing more fits into files whose name begins with *name*."""
    write = os.write

    def write_unless_full(file: int, data: bytes) -> int:
        if Path(os.readlink(f"/proc/self/fd/{file}")).name.startswith(name):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(files.os, "write", write_unless_full)


async def test_recorder_that_fails_is_a_gap_with_its_cause_and_the_exam_goes_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await room.begin()
    room.stream(5.0)
    recorder = live._capture._recorders[Track.CAMERA]
    # the recorder has written what it was given before the disk is full
    await until(lambda: recorder._written_bytes == recorder._taken_bytes)
    small_disk(monkeypatch, "camera-")
    room.stream(2.0)
    recorder.visit()
    room.stream(8.0)
    room.network.peers[-1].on_resume(Track.CAMERA, 0.0)
    assert await live.take_batch(room.batch(1)) == 1
    await live.finish("student_finished")

    (gap,) = [gap for gap in room.gaps(Track.CAMERA) if gap.end_s - gap.start_s > 0.5]
    assert gap.cause == "recorder_ENOSPC"
    assert (gap.start_s, gap.end_s) == (pytest.approx(5.0, abs=1.5), pytest.approx(15.0, abs=0.3))
    assert room.recordings(Track.SCREEN)[0].recorded_s == pytest.approx(15.0, abs=0.1)
    for track in Track:
        assert room.accounted_s(track) == pytest.approx(15.0, abs=0.01)
    assert room.media_facts()[0] == ("silent", "camera", "recorder_ENOSPC")
    # frames that arrive and are not recorded are no return
    assert ("resumed", "camera", "") not in room.media_facts()
    assert "media_gap" in {row.kind for row in room.rows(IncidentRow)}
    holds_what_it_says(room)


async def test_next_connection_records_again_after_a_failure(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await room.begin()
    recorder = live._capture._recorders[Track.CAMERA]
    small_disk(monkeypatch, "camera-001")
    room.stream(2.0)
    recorder.visit()
    room.stream(3.0)
    await live.connect("offer", MIDS)
    room.stream(5.0)
    room.network.peers[-1].on_closed("failed")
    room.clock.advance(5.0)
    await live.finish("student_finished")

    camera = [gap for gap in room.gaps(Track.CAMERA) if gap.end_s - gap.start_s > 0.5]
    # a disk that was full once explains nothing later
    assert [gap.cause for gap in camera] == ["recorder_ENOSPC", "connection_failed"]
    assert camera[1].start_s == pytest.approx(10.0, abs=0.3)
    for track in Track:
        assert room.accounted_s(track) == pytest.approx(15.0, abs=0.01)


async def test_full_disk_refuses_a_connection_and_keeps_the_old_one(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await room.begin()
    touch = Path.touch

    def full(path: Path, mode: int = 0o666, exist_ok: bool = True) -> None:
        if path.name.startswith("screen-"):
            raise OSError(errno.ENOSPC, "No space left on device")
        touch(path, mode, exist_ok)

    monkeypatch.setattr(Path, "touch", full)
    with pytest.raises(DiskFull):
        await live.connect("offer", MIDS)
    assert room.network.open_peers == room.network.peers[:1]
    assert [path.name for path in live._capture.paths.values()] == [
        "camera-001.webm",
        "screen-001.webm",
    ]


async def test_exam_ends_though_no_clip_can_be_cut(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await room.begin()
    await live.take_batch(room.batch(1, "page_hidden"))
    room.stream(5.0)

    small_disk(monkeypatch, "clip-")
    await live.finish("student_finished")
    assert room.sitting().state is SittingState.FINISHED
    assert room.rows(ClipRow) == []
    assert clips_on_disk(room) == set()
    (finished,) = room.told("sitting_finished")
    assert finished.payload["clips_not_cut"] == "ENOSPC"


@pytest.mark.parametrize("lose", [Path.unlink, lambda path: path.write_bytes(bytes(500))])
async def test_exam_ends_though_a_file_is_gone_or_cannot_be_read(
    room: Room, lose: Callable[[Path], object]
) -> None:
    live = await room.begin()
    await live.take_batch(room.batch(1, "page_hidden"))
    room.stream(5.0)
    await live.leave("server_stopped")
    for track in Track:
        lose(room.line.settings.recordings_dir / room.recordings(track)[0].path)
    after = room.killed()
    again = await after.open()
    await again.finish("time_over")
    for track in Track:
        (row,) = after.recordings(track)
        assert (row.sha256, row.recorded_s) == ("", 0.0)
        assert after.accounted_s(track) == pytest.approx(5.0, abs=0.01)
    await after.live_sittings.close()
    after.line.db.close()


async def test_leaving_seals_the_recordings_and_the_exam_stays(room: Room) -> None:
    live = await room.begin()
    room.stream(5.0)
    await live.leave("server_stopped")

    assert room.sitting().state is SittingState.RUNNING
    assert room.network.open_peers == []
    silent = [("silent", track.value, "server_stopped") for track in Track]
    assert room.media_facts() == [*silent, ("connection_ended", "", "server_stopped")]
    for track in Track:
        path = room.line.settings.recordings_dir / room.recordings(track)[0].path
        assert files.scan(path).header.is_finished
        assert broken_seals(path) == ()
    assert len(live._tasks) == len(live._capture._tasks) == 0
    assert live._looking._task is None


async def test_what_was_lost_on_the_way_is_counted_over_all_processes(room: Room) -> None:
    live = await room.begin()
    queue = await live.subscribe()
    peer = room.network.peers[-1]
    peer.dropped.update(malformed=3, unknown_codec=2)
    peer.given_up = 7
    room.stream(5.0)
    for _ in range(queue.maxsize + 2):
        live._page.tell({"type": "media"})
    looked_past = live._capture.newest.dropped
    await live.leave("server_stopped")
    after = room.killed()
    again = await after.open()
    await again.connect("offer", MIDS)
    after.network.peers[-1].given_up = 1
    after.stream(2.0)
    looked_past += again._capture.newest.dropped
    with structlog.testing.capture_logs() as logged:
        await again.finish("student_finished")

    (first, second) = (event.payload for event in after.told("dropped"))
    assert looked_past > 0
    assert first["message_not_sent"] >= 2
    assert second == {"packet_not_repaired": 1, "picture_not_looked_at": ANY}
    assert [each for each in logged if each["event"] == "dropped"] == [
        {"event": "dropped", "log_level": "warning", "sitting": room.sitting_id, **second}
    ]
    with after.line.db.transaction() as tx:
        total = ledger.dropped_of(tx, after.sitting_id)
        assert ledger.unaccounted_of(tx, after.sitting_id) == {}
    del total["message_not_sent"]
    assert total == {
        "datagram_malformed": 3,
        "datagram_unknown_codec": 2,
        "packet_not_repaired": 8,
        "picture_not_looked_at": looked_past,
    }
    await after.live_sittings.close()
    after.line.db.close()


async def test_pictures_that_are_not_recorded_are_counted(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await room.begin()
    room.stream(2.0)
    monkeypatch.setattr(room.line.disk, "takes", lambda track: track is Track.CAMERA)
    room.stream(3.0)
    await live.finish("student_finished")
    (counted,) = (event.payload for event in room.told("dropped"))
    assert counted["picture_not_recorded"] == 3 * FRAME_RATE


async def test_ledger_that_tells_a_second_twice_is_told_of(room: Room) -> None:
    live = await room.begin()
    room.stream(5.0)
    with room.line.db.transaction() as tx:
        twice = {"start_s": 1.0, "end_s": 2.5, "cause": "unknown"}
        tx.add(MediaGap(sitting_id=room.sitting_id, track=Track.SCREEN, **twice))
    with structlog.testing.capture_logs() as logged:
        await live.finish("student_finished")
    facts = {"track": "screen", "off_s": pytest.approx(1.5, abs=0.001)}
    assert [event.payload for event in room.told("seconds_unaccounted")] == [facts]
    (told,) = [each for each in logged if each["event"] == "seconds_unaccounted"]
    assert told == {"event": ANY, "log_level": "error", "sitting": room.sitting_id, **facts}
    with room.line.db.transaction() as tx:
        assert set(ledger.unaccounted_of(tx, room.sitting_id)) == {Track.SCREEN}


async def test_facts_that_no_database_took_are_counted(
    room: Room, commits_fail: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.live.journal._MOST_UNKEPT", 3)
    live = await room.begin()
    room.stream(2.0)
    await room.settle()
    live._journal._unkept = deque(maxlen=3)
    for number in range(5):
        live._journal.note(Observation(Check.MEDIA, "pace", float(number), {"pace": "low"}))
    commits_fail[0] = 1
    with pytest.raises(OperationalError):
        await live.take_batch(room.batch(1, "page_hidden"))
    await live.finish("student_finished")
    (counted,) = (event.payload for event in room.told("dropped"))
    # two of the five, and one more for the end of the connection
    assert counted["fact_not_kept"] == 3
