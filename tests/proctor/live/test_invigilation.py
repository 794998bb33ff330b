import json

import pytest

from proctor.incidents.tables import IncidentRow
from proctor.live.invigilation import NotPaused, SittingOver
from proctor.observations import Track
from proctor.sittings.desk import NotRunning
from proctor.sittings.interventions import ASKED_FOR, SecondColleague, WordsMissing, said_in
from proctor.sittings.tables import Act, SittingState
from tests.proctor.live.conftest import EXAM_S, Room, until

pytestmark = pytest.mark.db
REASON = "The fire alarm rings."


def acts(room: Room) -> list[tuple[str, str, str]]:
    with room.line.db.reading() as tx:
        said = said_in(tx, room.line.vault, room.sitting())
    return [(each.act.value, each.author, each.words) for each in said]


async def test_message_is_told_with_its_words_and_written_with_its_author(room: Room) -> None:
    live = await room.begin()
    page = await live.subscribe()
    await live.invigilation.say(room.cast.paula, Act.MESSAGE, "Please turn  on the light")
    told = page.get_nowait()
    assert (told["type"], told["act"], told["number"]) == ("said", "message", 1)
    assert told["words"] == "Please turn on the light"
    assert acts(room) == [("message", "Paula", "Please turn on the light")]
    (event,) = room.told("intervention")
    assert event.payload == {"number": 1, "act": "message", "by": room.cast.paula.id}


async def test_words_are_not_readable_in_the_database(room: Room) -> None:
    live = await room.begin()
    await live.invigilation.say(room.cast.alice, Act.REPLY, "my lamp is broken")
    stored = (room.line.settings.data_dir / "tanu.db").read_bytes()
    stored += (room.line.settings.data_dir / "tanu.db-wal").read_bytes()
    assert b"my lamp is broken" not in stored


async def test_page_that_opens_hears_what_was_said_before_but_no_request_to_end(
    room: Room,
) -> None:
    live = await room.begin()
    await live.invigilation.say(room.cast.paula, Act.WARNING, "", "screen")
    await live.invigilation.end_early(room.cast.paula, REASON)
    talk = await live.invigilation.talk_message()
    assert [(each["act"], each["phrase"]) for each in talk["said"]] == [("warning", "screen")]


async def test_time_stands_still_in_a_pause(room: Room) -> None:
    live = await room.begin()
    room.stream(10.0)
    page = await live.subscribe()
    await live.invigilation.pause(room.cast.paula, REASON)
    left_s = live.remaining_s
    assert left_s == pytest.approx(EXAM_S - 10.0)
    assert [page.get_nowait()["type"] for _ in range(2)] == ["said", "timing"]
    room.stream(300.0, Track.CAMERA)
    assert (room.sitting().state, live.remaining_s) == (SittingState.SUSPENDED, left_s)
    await live.invigilation.resume(room.cast.paula)
    assert live.remaining_s == left_s
    assert room.sitting().state is SittingState.RUNNING


async def test_student_does_not_end_a_pause_by_starting_again(room: Room) -> None:
    live = await room.begin()
    room.stream(10.0)
    await live.invigilation.pause(room.cast.paula, REASON)
    before = room.sitting()
    assert await live.start() == live.remaining_s == pytest.approx(EXAM_S - 10.0)
    after = room.sitting()
    assert (after.state, after.paused_at) == (SittingState.SUSPENDED, before.paused_at)
    assert (after.started_at, after.deadline_at) == (before.started_at, before.deadline_at)


async def test_nothing_seen_in_a_pause_is_an_incident(room: Room) -> None:
    live = await room.begin()
    await live.take_batch(room.batch(1, "page_hidden"))
    room.stream(10.0)
    await live.take_batch(room.batch(2))
    await live.invigilation.pause(room.cast.paula, REASON)
    room.stream(60.0)
    await live.take_batch(room.batch(3, "screen_ended"))
    await live.invigilation.resume(room.cast.paula)
    room.stream(20.0)
    await room.settle()
    await live.finish("student_finished")
    found = {row.kind: row for row in room.rows(IncidentRow)}
    assert found["page_hidden"].end_s == pytest.approx(10.0, abs=0.5)
    assert "screen_share_lost" not in found


async def test_what_is_missing_of_a_pause_is_the_pause(room: Room) -> None:
    live = await room.begin()
    room.stream(5.0)
    await live.invigilation.pause(room.cast.paula, REASON)
    room.stream(30.0, Track.CAMERA)
    await live.invigilation.resume(room.cast.paula)
    room.stream(5.0)
    await room.settle()
    await live.finish("student_finished")
    assert "paused" in {gap.cause for gap in room.gaps(Track.SCREEN)}
    assert room.sitting().exam_s == pytest.approx(40.0)
    for track in Track:
        assert room.accounted_s(track) == pytest.approx(40.0, abs=1.0)


async def test_paused_exam_can_be_handed_in(room: Room) -> None:
    live = await room.begin()
    room.stream(5.0)
    await live.invigilation.pause(room.cast.paula, REASON)
    room.stream(EXAM_S * 2)
    await live.finish("student_finished")
    sitting = room.sitting()
    assert (sitting.state, sitting.paused_at) == (SittingState.FINISHED, None)
    assert sitting.exam_s == pytest.approx(5.0 + EXAM_S * 2)


async def test_extension_moves_the_end(room: Room) -> None:
    live = await room.begin()
    await live.invigilation.extend(room.cast.paula, 10, "Ten minutes were lost.")
    assert live.remaining_s == EXAM_S + 600
    assert acts(room) == [("extension", "Paula", "Ten minutes were lost.")]


async def test_exam_ends_early_when_a_second_person_agrees(room: Room) -> None:
    live = await room.begin()
    room.stream(5.0)
    assert not await live.invigilation.end_early(room.cast.paula, REASON)
    with pytest.raises(SecondColleague):
        await live.invigilation.end_early(room.cast.paula, REASON)
    assert room.sitting().state is SittingState.RUNNING
    page = await live.subscribe()
    assert await live.invigilation.end_early(room.cast.rita, "I saw the same.")
    assert room.sitting().state is SittingState.FINISHED
    heard = [page.get_nowait() for _ in range(page.qsize())]
    assert heard[-1] == {"type": "ended", "reason": "ended_by_proctors"}
    assert [act for act, _, _ in acts(room)] == ["end_asked", "end"]


async def test_request_to_end_does_not_wait_for_ever(room: Room) -> None:
    live = await room.begin()
    await live.invigilation.extend(room.cast.paula, 60, "A long exam it is.")
    await live.invigilation.end_early(room.cast.paula, REASON)
    room.clock.advance(ASKED_FOR.total_seconds())
    assert not await live.invigilation.end_early(room.cast.rita, REASON)
    assert room.sitting().state is SittingState.RUNNING


@pytest.mark.parametrize("reason", ["", "too short", "x" * 1001])
async def test_what_is_done_to_an_exam_has_a_reason(room: Room, reason: str) -> None:
    live = await room.begin()
    with pytest.raises(WordsMissing):
        await live.invigilation.pause(room.cast.paula, reason)
    with pytest.raises(WordsMissing):
        await live.invigilation.end_early(room.cast.paula, reason)
    assert (room.sitting().state, acts(room)) == (SittingState.RUNNING, [])


async def test_acts_out_of_their_time_are_refused(room: Room) -> None:
    live = await room.check_in()
    with pytest.raises(NotRunning):
        await live.invigilation.pause(room.cast.paula, REASON)
    with pytest.raises(NotRunning):
        await live.invigilation.extend(room.cast.paula, 5, REASON)
    room.stream(3.0)
    await live.start()
    with pytest.raises(NotPaused):
        await live.invigilation.resume(room.cast.paula)
    await live.finish("student_finished")
    with pytest.raises(SittingOver):
        await live.invigilation.say(room.cast.paula, Act.MESSAGE, "Hello")
    assert acts(room) == []


async def test_failed_commit_changes_nothing(room: Room, commits_fail: list[int]) -> None:
    live = await room.begin()
    await room.settle()
    page = await live.subscribe()
    commits_fail[0] = 1
    with pytest.raises(Exception, match="disk I/O error"):
        await live.invigilation.pause(room.cast.paula, REASON)
    assert (room.sitting().state, live.is_running) == (SittingState.RUNNING, True)
    assert (acts(room), page.empty()) == ([], True)


async def test_pause_outlives_the_process(room: Room) -> None:
    live = await room.begin()
    room.stream(5.0)
    await live.invigilation.pause(room.cast.paula, REASON)
    await room.settle()
    after = room.killed()
    again = await after.open()
    room.clock.advance(100.0)
    assert again.remaining_s == pytest.approx(EXAM_S - 5.0)
    await again.invigilation.resume(room.cast.paula)
    assert again.is_running
    await after.live_sittings.close()


async def test_pause_that_everybody_forgot_ends(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.live.register.SWEEP_PERIOD_S", 0.01)
    live = await room.begin()
    await live.invigilation.pause(room.cast.paula, REASON)
    room.clock.advance(86_401.0)
    room.live_sittings.begin()
    await until(lambda: live.is_finished)
    (ended,) = room.told("sitting_finished")
    assert json.loads(ended.body)["reason"] == "time_over"
