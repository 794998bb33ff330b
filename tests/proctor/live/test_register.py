"""All sittings of a process: opened once, ended when their time is over, each on its own."""

import asyncio
import hashlib
import threading
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from proctor.live import register
from proctor.live.loading import Line, Loaded, NoSuchSitting, load
from proctor.live.register import LiveSittings
from proctor.live.sitting import LiveSitting
from proctor.media import files
from proctor.media.recorder import broken_seals
from proctor.media.tables import Recording
from proctor.observations import Track
from proctor.sittings import desk
from proctor.sittings.tables import Sitting, SittingState
from tests.proctor.live.conftest import MIDS, Room, until

pytestmark = pytest.mark.db


@dataclass
class Sweeps:
    """Those that began."""

    begun: int = 0

    async def pass_by(self, room: Room) -> None:
        """Until a sweep that began after this has done all it will do."""
        seen = self.begun
        await until(lambda: self.begun > seen + 1 and not room.live_sittings._ending)


@pytest.fixture(autouse=True)
def sweeps(monkeypatch: pytest.MonkeyPatch) -> Sweeps:
    sweeps, overdue = Sweeps(), register._overdue

    def counted(line: Line) -> list[str]:
        sweeps.begun += 1
        return overdue(line)

    monkeypatch.setattr(register, "SWEEP_PERIOD_S", 0.01)
    monkeypatch.setattr(register, "_overdue", counted)
    return sweeps


def run_without_media(room: Room, sitting_id: str) -> None:
    """Put a sitting in its exam though nothing ever arrived."""
    with room.line.db.transaction() as tx:
        sitting = tx.get_one(Sitting, sitting_id)
        sitting.state = SittingState.RUNNING
        sitting.started_at = room.clock.now()
        sitting.deadline_at = room.clock.now() + timedelta(seconds=60)
        sitting.exam_offset_s = 10.0


def bobs(room: Room) -> str:
    with room.line.db.transaction() as tx:
        return desk.open_sitting(
            tx, room.cast.final.id, room.cast.bob.id, "1" * 32, room.clock.now()
        ).id


def is_finished(room: Room, sitting_id: str) -> bool:
    with room.line.db.transaction() as tx:
        return tx.get_one(Sitting, sitting_id).state is SittingState.FINISHED


async def test_unknown_sitting_is_not_found(room: Room) -> None:
    for _ in range(2):
        with pytest.raises(NoSuchSitting):
            await room.live_sittings.open("unknown")


async def test_requests_at_once_share_one_sitting(room: Room) -> None:
    found = await asyncio.gather(*(room.open() for _ in range(5)))
    assert len(set(map(id, found))) == 1


async def test_loading_one_sitting_keeps_no_other_waiting(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await room.open()
    bob, released = bobs(room), threading.Event()

    def slow(*values: object) -> Loaded:
        assert released.wait(10.0)
        return load(*values)  # type: ignore[arg-type]

    monkeypatch.setattr(register, "load", slow)
    opening = asyncio.create_task(room.live_sittings.open(bob))
    await asyncio.sleep(0.05)
    assert await asyncio.wait_for(room.open(), 1.0) is live
    released.set()
    assert (await opening).id == bob


async def test_overdue_exam_ends_though_nobody_was_ever_connected(
    room: Room, sweeps: Sweeps
) -> None:
    run_without_media(room, room.sitting_id)
    room.clock.advance(64.0)
    room.live_sittings.begin()
    await sweeps.pass_by(room)
    # the page may still hand in by itself
    assert not is_finished(room, room.sitting_id)
    room.clock.advance(2.0)
    await until(lambda: is_finished(room, room.sitting_id))

    assert room.sitting().exam_s == 60.0
    assert room.rows(Recording) == []
    for track in Track:
        assert room.accounted_s(track) == pytest.approx(60.0)
    (finished,) = room.told("sitting_finished")
    assert finished.payload["reason"] == "time_over"


async def test_overdue_exam_ends_while_its_camera_is_running(room: Room) -> None:
    await room.begin()
    room.live_sittings.begin()
    room.stream(66.0)
    await until(lambda: is_finished(room, room.sitting_id))
    for track in Track:
        assert sum(row.recorded_s for row in room.recordings(track)) == pytest.approx(60, abs=0.5)
        assert room.accounted_s(track) == pytest.approx(60.0, abs=0.01)
    room.told()


async def test_student_hands_in_while_the_sweep_does(room: Room) -> None:
    live = await room.begin()
    room.stream(60.0)
    room.clock.advance(6.0)
    room.live_sittings.begin()
    await asyncio.gather(
        live.finish("student_finished"), until(lambda: is_finished(room, room.sitting_id))
    )
    assert len(room.told("sitting_finished")) == 1


async def test_sitting_that_cannot_be_ended_does_not_stop_the_others(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = bobs(room)
    for sitting_id in (room.sitting_id, bob):
        run_without_media(room, sitting_id)
    broken = min(bob, room.sitting_id)
    whole = max(bob, room.sitting_id)
    tries: list[str] = []

    def load_or_fail(line: Line, sitting_id: str, *more: object) -> Loaded:
        if sitting_id == broken:
            tries.append(sitting_id)
            raise RuntimeError
        return load(line, sitting_id, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(register, "load", load_or_fail)
    room.clock.advance(70.0)
    room.live_sittings.begin()
    await until(lambda: is_finished(room, whole))
    await until(lambda: len(tries) > 1)
    monkeypatch.setattr(register, "load", load)
    await until(lambda: is_finished(room, broken))


async def test_sweep_outlives_a_database_that_is_away(room: Room, commits_fail: list[int]) -> None:
    run_without_media(room, room.sitting_id)
    room.clock.advance(70.0)
    commits_fail[0] = 3
    room.live_sittings.begin()
    await until(lambda: not commits_fail[0])
    await until(lambda: is_finished(room, room.sitting_id))
    room.told("sitting_finished")


async def test_finished_sitting_is_forgotten_when_its_page_is_gone(
    room: Room, sweeps: Sweeps
) -> None:
    live = await room.begin()
    queue = await live.subscribe()
    await live.finish("student_finished")
    room.live_sittings.begin()
    room.clock.advance(30.0)
    await sweeps.pass_by(room)
    assert await room.open() is live
    live.unsubscribe(queue)
    await until(lambda: not room.live_sittings._open)
    again = await room.open()
    await again.finish("time_over")
    assert len(room.told("sitting_finished")) == 1


async def test_sitting_that_never_began_is_forgotten_after_its_window(
    room: Room, sweeps: Sweeps
) -> None:
    live = await room.check_in()
    room.network.peers[-1].on_closed("left")
    room.live_sittings.begin()
    room.clock.advance(600.0)
    await sweeps.pass_by(room)
    # its identity check and admission would be forgotten with it
    assert await room.open() is live
    room.clock.advance(3 * 3600.0)
    await until(lambda: not room.live_sittings._open)
    await until(lambda: live._looking._task is None)


@pytest.mark.parametrize("is_killed", [True, False])
async def test_files_of_a_sitting_that_never_began_are_closed_after_its_window(
    room: Room, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    monkeypatch.setattr(register, "LEFTOVERS_PERIOD_S", 0.01)
    live = await room.check_in()
    recorders = live._capture._recorders.values()
    await until(lambda: all(each._written_bytes == each._taken_bytes for each in recorders))
    for recorder in recorders:
        recorder._flushed = 0.0
        recorder.visit()
    if is_killed:
        after = room.killed()
    else:
        await live.leave("server_stopped")
        after = replace(room)
    after.live_sittings = register.LiveSittings(after.line)
    after.live_sittings.begin()
    # the student may come back
    await asyncio.sleep(0.1)
    assert {row.sha256 for row in after.rows(Recording)} == {""}
    after.clock.advance(3 * 3600.0)
    await until(lambda: all(row.sha256 for row in after.rows(Recording)))

    (told,) = after.told("recordings_closed")
    root = after.line.settings.recordings_dir
    for row in after.rows(Recording):
        content = (root / row.path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row.sha256
        assert told.payload["recordings"][row.path] == row.sha256
        assert files.scan(root / row.path).header.is_finished
        assert files.scan(root / row.path).clusters
        assert broken_seals(root / row.path) == ()
    await after.live_sittings.close()


async def test_files_of_a_sitting_that_is_held_are_left_alone(
    room: Room, sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "LEFTOVERS_PERIOD_S", 0.01)
    live = await room.check_in()
    room.clock.advance(3 * 3600.0)
    room.stream(2.0)
    await until(lambda: all(path.stat().st_size for path in live.paths.values()))
    room.live_sittings.begin()
    await sweeps.pass_by(room)
    await asyncio.sleep(0.1)
    assert await room.open() is live
    assert {row.sha256 for row in room.rows(Recording)} == {""}
    for path in live.paths.values():
        assert not files.scan(path).header.is_finished


async def test_sitting_that_cannot_be_left_keeps_no_exam_from_its_end(
    room: Room, sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    stalled, leaving = asyncio.Event(), asyncio.Event()

    async def leave(live: LiveSitting, cause: str) -> None:
        leaving.set()
        await stalled.wait()

    live = await room.begin()
    await live.finish("student_finished")
    bob = bobs(room)
    run_without_media(room, bob)
    monkeypatch.setattr(LiveSitting, "leave", leave)
    room.clock.advance(30.0)
    room.live_sittings.begin()
    await leaving.wait()
    room.clock.advance(70.0)
    await until(lambda: is_finished(room, bob))
    stalled.set()
    await sweeps.pass_by(room)


async def test_closing_waits_for_an_exam_that_is_being_ended(room: Room) -> None:
    live = await room.begin()
    room.stream(5.0)
    ending = asyncio.create_task(live.finish("student_finished"))
    await asyncio.sleep(0)
    await room.live_sittings.close()
    await ending
    assert room.told()[-1].kind == "sitting_finished"
    assert all(row.sha256 for track in Track for row in room.recordings(track))


async def test_closing_leaves_every_sitting_though_one_cannot_be_left(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = bobs(room)
    await room.begin()
    other = await room.live_sittings.open(bob)
    leave = LiveSitting.leave

    async def leave_or_fail(live: LiveSitting, cause: str) -> None:
        if live is other:
            raise RuntimeError
        await leave(live, cause)

    monkeypatch.setattr(LiveSitting, "leave", leave_or_fail)
    await room.live_sittings.close()
    assert room.network.open_peers == []


async def test_silence_of_a_page_is_known(room: Room) -> None:
    assert room.live_sittings.is_silent(room.sitting_id)
    live = await room.open()
    await live.connect("offer", MIDS)
    room.stream(2.0)
    assert not room.live_sittings.is_silent(room.sitting_id)
    room.clock.advance(21.0)
    assert room.live_sittings.is_silent(room.sitting_id)


def test_closing_before_anything_began_is_quiet(room: Room) -> None:
    asyncio.run(LiveSittings(room.line).close())
