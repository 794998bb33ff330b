"""A process is killed in the middle of a sitting, and the next one goes on with what it finds."""

import hashlib
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy.exc import OperationalError

from proctor import events
from proctor.identity.tables import TypingSample
from proctor.incidents.tables import IncidentRow
from proctor.live.invigilation import SittingOver
from proctor.live.register import LiveSittings
from proctor.live.sitting import LiveSitting
from proctor.media.backfill import BackfillRefused
from proctor.media.pace import Pace
from proctor.media.recorder import broken_seals
from proctor.media.tables import Recording
from proctor.observations import Track
from proctor.sittings.tables import SittingState
from tests.proctor.live.conftest import MIDS, Room, until
from tests.support.sittings import FRAME_RATE, pictures

pytestmark = pytest.mark.db

Restart = Callable[[Room, float], Awaitable[Room]]
Interrupted = Callable[[float, float], Awaitable[Room]]


@pytest.fixture
async def restart(room: Room) -> AsyncIterator[Restart]:
    """Kill the process of a room; the next one is up so many seconds later."""
    rooms: list[Room] = []

    async def kill(killed: Room, down_s: float) -> Room:
        # what was handed to the recorders a second ago is on disk
        live = await killed.open()
        recorders = live._capture._recorders.values()
        await until(lambda: all(each._written_bytes == each._taken_bytes for each in recorders))
        copy = killed.killed()
        killed.clock.advance(down_s)
        # the process that is up now began after the time it was away
        copy.live_sittings = LiveSittings(copy.line)
        rooms.append(copy)
        return copy

    yield kill
    for each in rooms:
        await each.live_sittings.close()
        each.line.db.close()


@pytest.fixture
def interrupted(room: Room, restart: Restart) -> Interrupted:
    """Record an exam for so many seconds and kill its process, as ``restart`` does."""

    async def interrupt(recorded_s: float, down_s: float) -> Room:
        await room.begin()
        room.stream(recorded_s)
        await room.look()
        return await restart(room, down_s)

    return interrupt


async def come_back(room: Room) -> LiveSitting:
    """The page is connected again."""
    live = await room.open()
    await live.connect("offer", MIDS)
    return live


async def test_running_exam_goes_on_where_it_was(room: Room, restart: Restart) -> None:
    live = await room.begin()
    room.stream(4.0)
    await live.take_batch(room.batch(1, "page_hidden", keys=6))
    room.stream(2.0)
    await room.look()
    await room.settle()
    before_s = live.exam_now_s

    after = await restart(room, 10.0)
    again = await after.open()

    assert again.is_running
    assert again.last_batch == 1
    assert again.exam_now_s == pytest.approx(before_s + 10.0)
    assert again.remaining_s == pytest.approx(60.0 - 16.0)
    (span,) = [s for (kind, _), s in again._journal.state.spans.items() if kind == "page_hidden"]
    assert span == live._journal.state.spans[("page_hidden", "")]  # type: ignore[index]
    await again.take_batch(after.batch(1, keys=6))
    await again.take_batch(after.batch(2, "page_shown", keys=4))
    assert [row.n_keys for row in after.rows(TypingSample)] == [10]
    (row,) = [row for row in after.rows(IncidentRow) if row.kind == "page_hidden"]
    assert (row.start_s, row.end_s) == (pytest.approx(4.0), pytest.approx(16.0))
    after.told()


async def test_every_second_over_a_restart_is_accounted_for(interrupted: Interrupted) -> None:
    after = await interrupted(10.0, 8.0)
    # the service is up; the page needs a while to come back
    after.clock.advance(3.0)
    again = await come_back(after)
    after.stream(10.0)
    await again.finish("student_finished")

    assert after.sitting().exam_s == pytest.approx(31.0)
    for track in Track:
        parts = after.recordings(track)
        assert [row.part for row in parts] == [1, 2]
        assert sum(row.recorded_s for row in parts) == pytest.approx(20.0, abs=1.5)
        assert after.accounted_s(track) == pytest.approx(31.0, abs=0.01)
        gaps = [(gap.cause, gap.end_s) for gap in after.gaps(track) if gap.end_s - gap.start_s > 1]
        assert gaps == [
            ("server_restart", pytest.approx(18.0, abs=0.01)),
            ("no_packets", pytest.approx(21.2, abs=0.1)),
        ]
        for row in parts:
            path = after.line.settings.recordings_dir / row.path
            assert hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256
            assert broken_seals(path) == ()
    assert "media_gap" in {row.kind for row in after.rows(IncidentRow)}
    after.told()


async def test_what_the_page_kept_meanwhile_fills_the_gap_once(
    room: Room, restart: Restart
) -> None:
    live = await room.begin()
    room.stream(10.0)
    await room.look()
    sent_s = live._capture.now_s + 1.0
    after = await restart(room, 8.0)
    again = await come_back(after)
    after.stream(2.0)
    sent = kept(seconds=9.0, start_ms=1_000.0)
    now_ms = 1_000.0 + 1000 * (again._capture.now_s - sent_s)

    taken = [await again.take_backfill(track, sent, now_ms) for track in Track]
    repeated = [await again.take_backfill(track, sent, now_ms) for track in Track]
    after.stream(3.0)
    await again.finish("student_finished")

    assert taken == [pytest.approx(36, abs=2)] * 2
    assert repeated == [0, 0]
    for track in Track:
        rows = after.recordings(track)
        assert [row.source.value for row in rows] == ["live", "live", "backfill"]
        assert rows[-1].recorded_s == pytest.approx(7.2, abs=0.4)
        assert after.accounted_s(track) == pytest.approx(23.0, abs=0.01)
        assert sum(gap.end_s - gap.start_s for gap in after.gaps(track)) < 3.0
        path = after.line.settings.recordings_dir / rows[-1].path
        assert hashlib.sha256(path.read_bytes()).hexdigest() == rows[-1].sha256
    facts = [event.payload for event in after.told("backfill_kept")]
    assert [fact["track"] for fact in facts] == ["camera", "screen"]
    assert [fact["pictures"] for fact in facts] == taken


async def test_what_filled_a_gap_is_taken_from_no_page_again_after_a_restart(
    restart: Restart, interrupted: Interrupted
) -> None:
    after = await interrupted(5.0, 8.0)
    again = await come_back(after)
    after.stream(2.0)
    now_ms = 10_000.0
    sent = kept(seconds=6.0, start_ms=now_ms - 9_000.0)
    assert await again.take_backfill(Track.CAMERA, sent, now_ms) > 0
    (row,) = [row for row in after.rows(Recording) if row.source.value == "backfill"]
    file = after.line.settings.recordings_dir / row.path
    before = file.read_bytes()

    last = await restart(after, 0.0)
    third = await last.open()
    other = kept(seconds=6.0, start_ms=now_ms - 9_000.0, begin=1)
    taken = await third.take_backfill(Track.CAMERA, other, now_ms)

    assert taken == 0
    assert file.read_bytes() == before
    assert len(last.told("backfill_kept")) == 1


async def test_pictures_of_a_try_that_was_not_noted_are_taken_again(
    interrupted: Interrupted, commits_fail: list[int]
) -> None:
    after = await interrupted(5.0, 8.0)
    again = await come_back(after)
    after.stream(2.0)
    sent = kept(seconds=6.0, start_ms=1_000.0)
    commits_fail[0] = 1
    with pytest.raises(OperationalError):
        await again.take_backfill(Track.CAMERA, sent, 10_000.0)

    assert await again.take_backfill(Track.CAMERA, sent, 10_000.0) > 0
    assert await again.take_backfill(Track.CAMERA, sent, 10_000.0) == 0
    assert len(after.told("backfill_kept")) == 1


async def test_backfill_of_another_time_or_of_the_future_is_not_kept(room: Room) -> None:
    live = await room.begin()
    room.stream(3.0)
    sent = kept(seconds=2.0, start_ms=1_000.0)

    # nothing is missing of these seconds, and those lie before the exam
    assert await live.take_backfill(Track.CAMERA, sent, 3_500.0) == 0
    assert await live.take_backfill(Track.CAMERA, sent, 9e9) == 0
    for now_ms in (2_000.0, float("nan"), float("-inf")):
        with pytest.raises(BackfillRefused):
            await live.take_backfill(Track.CAMERA, sent, now_ms)
    await live.finish("student_finished")
    with pytest.raises(SittingOver):
        await live.take_backfill(Track.CAMERA, sent, 3_500.0)
    assert {row.source.value for row in room.rows(Recording)} == {"live"}


def kept(seconds: float, start_ms: float, begin: int = 0) -> bytes:
    """What a page sends: pictures at five a second, from the key frame of that number on."""
    shown = pictures()[begin * FRAME_RATE :]
    parts = [shown[n % len(shown)] for n in range(round(seconds * FRAME_RATE))]
    return b"".join(
        struct.pack("!dI", start_ms + 1000 * n / FRAME_RATE, len(data)) + data
        for n, data in enumerate(parts)
    )


async def test_answer_saved_before_the_page_is_back_does_not_hide_the_restart(
    interrupted: Interrupted,
) -> None:
    """Answers are saved without opening the sitting: they say nothing of its media."""
    after = await interrupted(10.0, 8.0)
    after.clock.advance(2.0)
    with after.line.db.transaction() as tx:
        events.append(tx, after.sitting_id, "answer_saved", {}, after.clock.now())
    again = await after.open()
    await again.finish("student_finished")
    for track in Track:
        found = {gap.cause: gap for gap in after.gaps(track)}
        assert found["server_restart"].end_s == pytest.approx(18.0, abs=0.01)
        assert found["no_packets"].end_s == pytest.approx(20.0, abs=0.01)


async def test_outages_before_two_restarts_keep_their_causes(room: Room, restart: Restart) -> None:
    await room.begin()
    room.stream(4.0)
    peer = room.network.peers[-1]
    peer.on_silence(Track.SCREEN, room.clock.monotonic())
    room.stream(5.0, Track.CAMERA)
    peer.on_resume(Track.SCREEN, 0.0)
    room.stream(3.0)
    await room.look()
    for _ in range(2):
        room = await restart(room, 5.0)
        live = await come_back(room)
        room.stream(4.0)
        await room.look()
    await live.finish("student_finished")

    lost = [gap for gap in room.gaps(Track.SCREEN) if gap.end_s - gap.start_s > 1.0]
    assert [gap.cause for gap in lost] == ["no_packets", "server_restart", "server_restart"]
    for track in Track:
        assert room.accounted_s(track) == pytest.approx(room.sitting().exam_s, abs=0.01)
    room.told()


async def test_stills_before_a_restart_stay_what_they_are(room: Room, restart: Restart) -> None:
    live = await room.begin()
    room.stream(5.0)
    live.keep_pace(Pace.STILLS)
    room.stills(12)
    await room.look()
    after = await restart(room, 5.0)
    again = await come_back(after)
    again.keep_pace(Pace.FULL)
    after.stream(4.0)
    await again.finish("student_finished")

    for track in Track:
        lost = [gap for gap in after.gaps(track) if gap.end_s - gap.start_s > 1.0]
        assert [gap.cause for gap in lost] == ["stills_only", "server_restart"]
        assert after.accounted_s(track) == pytest.approx(after.sitting().exam_s, abs=0.01)


async def test_what_was_recorded_before_the_exam_in_another_process_is_before_the_exam(
    room: Room, restart: Restart
) -> None:
    await room.check_in()
    room.stream(20.0)
    await room.look()
    after = await restart(room, 5.0)
    again = await after.open()
    assert again.identification.message()["state"] == "verified"
    await again.connect("offer", MIDS)
    after.stream(2.0)
    await again.start()
    after.clock.advance(10.0)
    await again.finish("student_finished")

    for track in Track:
        first, second = after.recordings(track)
        assert first.starts_s == pytest.approx(-29.0, abs=0.3)
        assert (first.recorded_s, second.starts_s) == (0.0, pytest.approx(-2.0, abs=0.3))
        assert sum(gap.end_s - gap.start_s for gap in after.gaps(track)) > 9.5
        assert after.accounted_s(track) == pytest.approx(10.0, abs=0.01)


async def test_restart_that_cannot_be_noted_is_noted_when_asked_again(
    interrupted: Interrupted, commits_fail: list[int]
) -> None:
    after = await interrupted(5.0, 5.0)
    # loading commits once, and what is noted once more
    commits_fail[0] = 1
    with pytest.raises(OperationalError):
        await after.open()
    await after.open()
    await after.open()
    restarts = [fact for fact in after.media_facts() if fact[2] == "server_restart"]
    assert restarts == [("silent", track.value, "server_restart") for track in Track]


async def test_overdue_exam_of_a_killed_process_is_ended_with_what_it_left(
    interrupted: Interrupted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.live.register.SWEEP_PERIOD_S", 0.01)
    after = await interrupted(30.0, 600.0)
    after.live_sittings.begin()
    await until(lambda: after.sitting().state is SittingState.FINISHED)
    assert after.sitting().exam_s == 60.0
    for track in Track:
        assert after.recordings(track)[0].recorded_s == pytest.approx(30.0, abs=1.5)
        assert after.accounted_s(track) == pytest.approx(60.0, abs=0.01)
        long = [gap.cause for gap in after.gaps(track) if gap.end_s - gap.start_s > 5.0]
        assert long == ["server_restart"]
    after.told()


async def test_exam_of_a_killed_process_keeps_its_room_and_its_connection(
    interrupted: Interrupted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.live.register.SWEEP_PERIOD_S", 0.01)
    after = await interrupted(5.0, 5.0)
    disk = after.line.disk
    disk._promised.clear()
    monkeypatch.setattr(disk, "_measured", lambda: 0.0)
    after.live_sittings.begin()
    await until(lambda: disk._promised)
    ((kept, until_s),) = disk._promised.items()
    assert kept == after.line.settings.recordings_dir / after.sitting_id
    assert until_s - time.monotonic() == pytest.approx(50.0, abs=2.0)
    again = await come_back(after)
    after.stream(3.0)
    await again.finish("student_finished")
    assert disk._promised == {}
    for track in Track:
        assert sum(row.recorded_s for row in after.recordings(track)) == pytest.approx(8.0, abs=1.5)
