"""One sitting from its first connection to its exam: what is refused, what is kept, and once."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy.exc import OperationalError

from proctor.analysis import keys
from proctor.exams.accommodations import Effect, grant
from proctor.exams.external_tests import AddressRefused, set_address
from proctor.identity.tables import CheckResult, IdentityCheck, Modality, TypingSample
from proctor.incidents import builder
from proctor.incidents.tables import IncidentRow
from proctor.live.away import NoBreaks, NoTest
from proctor.live.invigilation import SittingOver
from proctor.live.page import REPLACED
from proctor.live.sitting import MediaNotLive, NotIdentified, Replaced, WrongBatch
from proctor.media.offers import OfferRefused
from proctor.observations import NotAssessed, Track
from proctor.people import consents
from proctor.people.tables import Purpose
from proctor.sittings import codes
from proctor.sittings.codes import NoSuchCode
from proctor.sittings.desk import NotRunning, OutsideWindow
from proctor.sittings.tables import Sitting, SittingState
from tests.proctor.live.conftest import EXAM_S, MIDS, STRANGER, Room, showing, until
from tests.support.cast import NOON

pytestmark = pytest.mark.db


async def test_exam_does_not_begin_without_media(room: Room) -> None:
    live = await room.open()
    await live.admit(room.cast.paula.id)
    with pytest.raises(MediaNotLive):
        await live.start()
    await live.connect("offer", MIDS)
    room.stream(2.0, Track.CAMERA)
    with pytest.raises(MediaNotLive):
        await live.start()


async def test_exam_does_not_begin_before_identity(room: Room) -> None:
    room.inference.shows = showing(STRANGER)
    live = await room.open()
    await live.connect("offer", MIDS)
    room.stream(2.0)
    with pytest.raises(NotIdentified):
        await live.start()
    assert room.sitting().state is SittingState.CHECKING


async def test_face_that_matches_three_times_begins_the_exam(room: Room) -> None:
    live = await room.open()
    await live.connect("offer", MIDS)
    for _ in range(3):
        assert live.identification.message()["state"] == "looking"
        # longer than the plan waits between two calm comparisons
        room.stream(8.0)
        await room.look()
    await live.start()

    sitting = room.sitting()
    assert (sitting.state, sitting.identified_via) == (SittingState.RUNNING, "face")
    checks = room.rows(IdentityCheck)
    assert [check.result for check in checks] == [CheckResult.MATCH] * 3
    assert all(check.at_s <= 0 for check in checks)
    room.told("sitting_started")


async def test_proctor_lets_a_person_in(room: Room) -> None:
    live = await room.check_in()
    assert live.identification.message()["state"] == "verified"
    room.stream(3.0)
    assert await live.start() == 60.0
    assert await live.start() == 60.0
    assert [event.payload["identified_via"] for event in room.told("sitting_started")] == [
        "proctor"
    ]
    assert room.sitting().exam_offset_s == pytest.approx(15.0)


async def test_admission_that_was_not_written_admits_nobody(
    room: Room, commits_fail: list[int]
) -> None:
    live = await room.open()
    commits_fail[0] = 1
    with pytest.raises(OperationalError):
        await live.admit(room.cast.paula.id)
    assert live.identification.message()["state"] != "verified"
    assert room.told("admitted") == []


async def test_exam_does_not_begin_after_its_window(room: Room) -> None:
    live = await room.check_in()
    room.clock.advance(3 * 3600.0)
    room.send(*Track)
    with pytest.raises(OutsideWindow):
        await live.start()


async def test_start_that_was_not_written_can_be_asked_again(
    room: Room, commits_fail: list[int]
) -> None:
    live = await room.check_in()
    room.stream(1.0)
    await room.look()
    commits_fail[0] = 1
    with pytest.raises(OperationalError):
        await live.start()
    assert room.sitting().state is SittingState.CHECKING

    room.stream(1.0)
    await live.start()

    # two seconds before the exam, not two and the offset of the attempt that failed
    (check,) = room.rows(IdentityCheck)
    assert check.at_s == pytest.approx(-2.0, abs=1.1)
    assert len(room.told("sitting_started")) == 1


async def test_look_that_began_before_the_exam_is_placed_before_it(room: Room) -> None:
    live = await room.check_in()
    room.inference.gate.clear()
    asked = room.inference.asked
    room.stream(1.0)
    await until(lambda: room.inference.asked > asked)
    await live.start()
    room.inference.gate.set()
    await until(lambda: room.told("observation"))

    for event in room.told("observation"):
        assert -1.0 <= event.payload["at_s"] <= 0.0


async def test_what_the_page_saw_becomes_incidents(room: Room) -> None:
    live = await room.begin()
    room.stream(4.0)
    await live.take_batch(room.batch(1, "page_hidden", ago_s=2.0))
    room.stream(5.0)
    await live.take_batch(room.batch(2, "page_shown", ago_s=1.0))

    (row,) = [row for row in room.rows(IncidentRow) if row.kind == "page_hidden"]
    assert (row.start_s, row.end_s) == (pytest.approx(2.0), pytest.approx(8.0))
    kinds = [event.kind for event in room.told()]
    assert kinds.count("incident_opened") == kinds.count("incident_closed") == 1


async def test_face_that_is_gone_becomes_an_incident(room: Room) -> None:
    await room.begin()
    room.inference.shows = showing()
    for _ in range(7):
        room.stream(1.0)
        await room.look()
    (row,) = [row for row in room.rows(IncidentRow) if row.kind == "face_absent"]
    assert row.end_s is None
    assert [event.payload["kind"] for event in room.told("incident_opened")] == ["face_absent"]


@pytest.mark.parametrize(
    ("shows", "reason"),
    [(RuntimeError(), "crashed"), (NotAssessed("face", "timeout"), "timeout")],
)
async def test_failed_analysis_is_not_assessed(
    room: Room, shows: Exception | NotAssessed, reason: str
) -> None:
    await room.begin()
    room.inference.shows = shows
    for _ in range(2):
        room.stream(1.0)
        await room.look()
    facts = [event.payload for event in room.told("not_assessed")]
    assert {fact["reason"] for fact in facts} == {reason}
    # beside the dearer looks that were due then
    assert [fact["check"] for fact in facts].count("face") == 2


async def test_analysis_outlives_a_database_that_is_away(
    room: Room, commits_fail: list[int]
) -> None:
    await room.begin()
    room.stream(1.0)
    await room.look()
    commits_fail[0] = 2
    room.stream(1.0)
    await room.look()
    assert commits_fail[0] == 0
    room.stream(1.0)
    await room.look()

    reasons = [event.payload["reason"] for event in room.told("not_assessed")]
    # what could not be written then is written with what came next
    assert reasons == ["crashed"]
    assert max(event.payload["at_s"] for event in room.told("observation")) > 2.0


async def test_batch_that_was_not_written_is_taken_again_and_counted_once(
    room: Room, commits_fail: list[int]
) -> None:
    live = await room.begin()
    await live.take_batch(room.batch(1, keys=4))
    commits_fail[0] = 1
    second = room.batch(2, "page_hidden", keys=5)
    with pytest.raises(OperationalError):
        await live.take_batch(second)
    assert live.last_batch == 1

    assert await live.take_batch(second) == 2
    assert await live.take_batch(second) == 2

    assert [row.n_keys for row in room.rows(TypingSample)] == [9]
    assert len([row for row in room.rows(IncidentRow) if row.kind == "page_hidden"]) == 1
    assert [event.payload["seq"] for event in room.told("batch_kept")] == [1, 2]


async def test_pairs_of_sums_kept_one_after_the_other_lie_many_keys_apart(room: Room) -> None:
    live = await room.begin()
    kept = []
    for seq in range(1, 101):
        await live.take_batch(room.batch(seq, keys=8))
        with room.line.db.transaction() as tx:
            kept.append(keys.stored(tx, room.line.vault, tx.get_one(Sitting, room.sitting_id)))
    await live.finish("student_finished")

    # all that was acknowledged is counted
    assert [sums.n_keys for sums in kept] == list(range(8, 801, 8))
    steps = np.unique([sums.pairs[:, 0].sum() for sums in kept])
    assert len(steps) == 5
    assert np.diff(steps).min() >= 190
    # what was compared is all of it
    (check,) = [row for row in room.rows(IdentityCheck) if row.modality is Modality.KEYSTROKE]
    assert check.n_keys == 800


async def test_batch_with_a_hole_before_it_is_refused(room: Room) -> None:
    live = await room.begin()
    with pytest.raises(WrongBatch):
        await live.take_batch(room.batch(2))
    assert room.told("batch_kept") == []


async def test_a_batch_that_cannot_be_read_is_skipped_and_that_is_a_fact(room: Room) -> None:
    live = await room.begin()
    slept = room.batch(1, "page_hidden", keys=2)
    # held through a night
    slept["keys"]["events"][0][2] = 40_000_000
    assert await live.take_batch(slept) == 1
    assert await live.take_batch(room.batch(2, "no such fact", keys=3)) == 2
    assert await live.take_batch(room.batch(3, keys=4)) == 3

    assert [row.kind for row in room.rows(IncidentRow)] == ["page_hidden"]
    assert [event.payload for event in room.told("batch_kept")] == [
        {"seq": 1, "keys": 0, "unread": ["keys"]},
        {"seq": 2, "keys": 3, "unread": ["browser"]},
        {"seq": 3, "keys": 4},
    ]
    assert [row.n_keys for row in room.rows(TypingSample)] == [7]


async def test_typing_kept_through_an_outage_has_the_time_it_was_typed(room: Room) -> None:
    live = await room.begin()
    room.stream(100.0)
    kept = room.batch(1, keys=80)
    for row in kept["keys"]["events"]:
        row[2] = 1
    # closed a minute before it could be sent
    await live.take_batch(kept | {"ms": 9000.0 - 60_000})

    (told,) = [e.payload for e in room.told("observation") if e.payload["check"] == "keys"]
    assert told["name"] == "hands"
    assert told["at_s"] == pytest.approx(live.exam_now_s - 60, abs=1.0)


async def test_batch_after_the_end_is_refused_and_nothing_follows_the_end(room: Room) -> None:
    live = await room.begin()
    await live.take_batch(room.batch(1, keys=2))
    await live.finish("student_finished")
    with pytest.raises(SittingOver):
        await live.take_batch(room.batch(2, keys=2))
    assert await live.take_batch(room.batch(1, keys=2)) == 1
    assert room.told()[-1].kind == "sitting_finished"


async def test_silence_is_a_fact_even_when_the_database_was_away(
    room: Room, commits_fail: list[int]
) -> None:
    await room.begin()
    room.stream(2.0)
    await room.look()
    commits_fail[0] = 1
    room.network.peers[-1].on_silence(Track.SCREEN, room.clock.monotonic())
    await room.settle()
    assert room.media_facts() == []
    room.stream(4.0, Track.CAMERA)
    room.network.peers[-1].on_silence(Track.CAMERA, room.clock.monotonic())
    await room.settle()
    assert room.media_facts() == [
        ("silent", "screen", "no_packets"),
        ("silent", "camera", "no_packets"),
    ]


async def test_refused_offer_leaves_the_connection_as_it_was(room: Room) -> None:
    live = await room.begin()
    with pytest.raises(OfferRefused):
        await live.connect("bad", MIDS)
    room.stream(1.0)
    assert all(live._capture.live_tracks().values())
    assert len(room.told("media_connected")) == 1


async def test_without_consent_nothing_is_recorded(room: Room) -> None:
    at = room.clock.now()
    with room.line.db.transaction() as tx:
        given = {Purpose.RECORDING: False}
        consents.record(tx, room.line.vault, room.cast.alice.id, given, "en", at)
    live = await room.open()
    with pytest.raises(consents.ConsentMissing):
        await live.connect("offer", MIDS)
    assert room.network.peers == []


async def test_connection_that_was_not_written_is_closed(
    room: Room, commits_fail: list[int]
) -> None:
    live = await room.open()
    commits_fail[0] = 1
    with pytest.raises(OperationalError):
        await live.connect("offer", MIDS)
    assert room.network.open_peers == []
    await live.connect("offer", MIDS)
    assert [len(room.recordings(track)) for track in Track] == [1, 1]


async def test_of_two_connections_at_once_one_stays(room: Room) -> None:
    live = await room.begin()
    await asyncio.gather(*(live.connect("offer", MIDS) for _ in range(3)))
    assert len(room.network.peers) == 4
    assert len(room.network.open_peers) == 1
    for track in Track:
        paths = [row.path for row in room.recordings(track)]
        assert len(set(paths)) == len(paths) == 4


async def test_old_connection_that_ends_late_does_not_end_the_new_one(room: Room) -> None:
    live = await room.begin()
    old = room.network.peers[-1]
    await live.connect("offer", MIDS)
    room.stream(1.0)
    old.on_closed("failed")
    await asyncio.gather(*live._capture._tasks)
    assert len(room.network.open_peers) == 1
    assert all(live._capture.live_tracks().values())


async def test_connection_that_fails_is_told_to_the_page(room: Room) -> None:
    live = await room.begin()
    queue = await live.subscribe()
    room.network.peers[-1].on_closed("failed")
    await until(lambda: not queue.empty())
    assert queue.get_nowait() == {"type": "media", "camera": False, "screen": False}
    await room.settle()
    assert room.media_facts() == ended("connection_failed")


def ended(cause: str) -> list[tuple[str, str, str]]:
    """What is told of an end that nobody asked for."""
    silent = [("silent", track.value, cause) for track in Track]
    return [*silent, ("connection_ended", "", cause)]


def media_gaps(room: Room) -> list[tuple[str, float, float | None, dict[str, Any]]]:
    """Of each: the track, from when to when, and what a reviewer is told of it."""
    rows = [row for row in room.rows(IncidentRow) if row.kind == "media_gap"]
    found = [(row.evidence["track"], row.start_s, row.end_s, row.evidence) for row in rows]
    return sorted(found, key=lambda each: each[:2])


@pytest.mark.parametrize("end", ["left", "failed"])
async def test_connection_that_ends_however_properly_opens_a_gap_with_its_cause(
    room: Room, end: str
) -> None:
    live = await room.begin()
    room.stream(5.0)
    room.network.peers[-1].on_closed(end)
    await room.settle()
    room.clock.advance(6.0)
    await live.connect("offer", MIDS)
    room.stream(2.0)
    await live.finish("student_finished")
    found = [
        (track, pytest.approx(5.0, abs=0.3), pytest.approx(11.0, abs=0.3), evidence)
        for track in Track
        for evidence in ({"track": track, "cause": f"connection_{end}"},)
    ]
    assert media_gaps(room) == found


async def test_sender_that_takes_its_connection_back_leaves_a_gap(room: Room) -> None:
    live = await room.check_in()
    connection = await live.connections.publish("offer")
    room.stream(2.0)
    await live.start()
    room.stream(2.0)
    assert await live.connections.unpublish(connection.id)
    room.clock.advance(5.0)
    await live.finish("student_finished")
    assert [each[3]["cause"] for each in media_gaps(room)] == ["connection_left"] * 2


async def test_gap_opens_while_nothing_at_all_is_heard(room: Room) -> None:
    await room.begin()
    room.stream(5.0)
    room.network.peers[-1].on_closed("left")
    await room.settle()
    room.live_sittings.begin()
    room.clock.advance(2.0)
    (await room.open()).note_what_lasts()
    await room.settle()
    assert media_gaps(room) == []
    room.clock.advance(2.0)
    await until(lambda: media_gaps(room))
    assert [each[0] for each in media_gaps(room)] == ["camera", "screen"]
    (await room.open()).note_what_lasts()
    await room.settle()
    assert [fact[0] for fact in room.media_facts()].count("lasting") == 1


async def test_page_that_connects_anew_at_once_opens_no_gap(room: Room) -> None:
    live = await room.begin()
    room.stream(3.0)
    await live.connect("offer", MIDS)
    room.clock.advance(1.0)
    room.stream(3.0)
    room.network.peers[-1].on_closed("left")
    await room.settle()
    room.clock.advance(2.0)
    await live.connect("offer", MIDS)
    room.stream(3.0)
    await live.finish("student_finished")
    assert ("silent", "camera", "reconnected") in room.media_facts()
    assert media_gaps(room) == []


async def test_end_that_was_asked_for_opens_no_gap(room: Room) -> None:
    live = await room.begin()
    room.stream(3.0)
    await live.heed(frozenset({Purpose.FACE, Purpose.TYPING}))
    room.clock.advance(10.0)
    live.note_what_lasts()
    await room.settle()
    await live.finish("student_finished")
    assert media_gaps(room) == []
    assert room.media_facts() == [
        ("connection_ended", "", "consent_withdrawn"),
        *room.media_facts()[1:],
    ]
    for track in Track:
        assert [gap.cause for gap in room.gaps(track) if gap.end_s > 4.0] == ["consent_withdrawn"]


async def test_gap_that_goes_on_for_another_reason_tells_both(room: Room) -> None:
    live = await room.begin()
    room.stream(3.0)
    await live.connect("offer", MIDS)
    room.clock.advance(2.0)
    room.network.peers[-1].on_silence(Track.CAMERA, room.clock.monotonic() - 2.0)
    room.clock.advance(4.0)
    await live.finish("student_finished")
    told = {track: evidence for track, _, _, evidence in media_gaps(room)}
    assert told == {
        "camera": {"track": "camera", "cause": "reconnected", "later_cause": "no_packets"},
        "screen": {"track": "screen", "cause": "reconnected"},
    }


async def test_socket_that_was_replaced_is_told_and_heard_no_more(room: Room) -> None:
    live = await room.begin()
    old = await live.subscribe()
    assert await live.take_batch(room.batch(1), old) == 1
    new = await live.subscribe()
    assert old.get_nowait() is REPLACED
    with pytest.raises(Replaced):
        await live.take_batch(room.batch(2, "page_hidden"), old)
    live.unsubscribe(old)
    assert await live.take_batch(room.batch(2), new) == 2
    await live.admit(room.cast.paula.id)
    assert not new.empty()


async def test_file_that_could_not_be_named_is_named_with_the_end(
    room: Room, commits_fail: list[int]
) -> None:
    live = await room.begin()
    room.stream(5.0)
    await room.settle()
    commits_fail[0] = 1
    begun = room.line.settings.recordings_dir / room.sitting_id / "camera-009.webm"
    begun.touch()
    live._files.begun(Track.CAMERA, begun)
    await until(lambda: not commits_fail[0])
    await live.finish("student_finished")
    assert room.recordings(Track.CAMERA)[-1].path.endswith("camera-009.webm")


async def test_slow_socket_keeps_the_newest_messages(room: Room) -> None:
    live = await room.open()
    queue = await live.subscribe()
    for _ in range(100):
        await live.admit(room.cast.paula.id)
    assert queue.qsize() == 64
    live.unsubscribe(queue)


async def test_write_under_way_holds_the_lock_though_its_task_is_cancelled(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await room.begin()
    entered, released, record = threading.Event(), threading.Event(), builder.record

    def slow(*values: object) -> object:
        entered.set()
        assert released.wait(10.0)
        return record(*values)  # type: ignore[arg-type]

    monkeypatch.setattr(builder, "record", slow)
    batch = asyncio.create_task(live.take_batch(room.batch(1, "page_hidden")))
    assert await asyncio.to_thread(entered.wait, 10.0)
    batch.cancel()
    ending = asyncio.create_task(live.finish("student_finished"))
    await asyncio.sleep(0.1)
    assert live._lock.locked()
    assert not ending.done()
    released.set()
    await asyncio.wait([batch, ending])

    (row,) = room.rows(IncidentRow)
    assert row.end_s is not None
    kinds = [event.kind for event in room.told()]
    assert kinds.index("batch_kept") < kinds.index("sitting_finished")


async def test_what_a_learner_is_granted_holds_from_the_start(room: Room) -> None:
    with room.line.db.transaction() as tx:
        grant(tx, room.cast.olga, room.cast.alice, None, [Effect.SCREEN_READER], 50, NOON)
    live = await room.begin()
    with room.line.db.transaction() as tx:
        grant(tx, room.cast.olga, room.cast.alice, None, [], 0, room.clock.now())

    await live.take_batch(room.batch(1, "fullscreen_left", "page_hidden"))
    room.stream(6.0)
    await live.take_batch(room.batch(2, "page_shown"))

    assert live.remaining_s == pytest.approx(1.5 * EXAM_S - 6.0, abs=0.5)
    (begun,) = room.told("sitting_started")
    assert begun.payload["suppressed"] == dict.fromkeys(
        ("focus_lost", "fullscreen_left", "looking_away"), "screen_reader"
    )
    kinds = [event.payload["kind"] for event in room.told("incident_opened")]
    assert kinds == ["page_hidden"]
    (suppressed,) = room.told("incident_suppressed")
    assert suppressed.payload["kind"] == "fullscreen_left"


async def test_extra_time_goes_beyond_the_window(room: Room) -> None:
    with room.line.db.transaction() as tx:
        grant(tx, room.cast.olga, room.cast.alice, None, [], 50, NOON)
        closes_at = room.clock.now() + timedelta(seconds=EXAM_S)
        tx.merge(room.cast.final).closes_at = closes_at
    await room.begin()

    # it begins some seconds after the window has opened, and ends as much too early
    assert room.sitting().deadline_at == closes_at + timedelta(seconds=0.5 * EXAM_S)


async def test_an_absence_is_expected_in_a_break_and_at_no_other_time(room: Room) -> None:
    live = await room.open()
    with room.line.db.transaction() as tx:
        grant(tx, room.cast.olga, room.cast.bob, None, [Effect.BREAKS], 0, NOON)
    with pytest.raises(NotRunning):
        await live.away.take_break(begins=True)
    await room.begin()
    with pytest.raises(NoBreaks):
        await live.away.take_break(begins=True)


async def test_a_break_that_is_granted_is_on_record_and_told_to_the_page(room: Room) -> None:
    with room.line.db.transaction() as tx:
        grant(tx, room.cast.olga, room.cast.alice, None, [Effect.BREAKS], 0, NOON)
    live = await room.begin()
    page = await live.subscribe()

    await live.away.take_break(begins=True)
    await live.away.take_break(begins=True)
    room.stream(2.0)
    await live.away.take_break(begins=False)

    begun, ended = [event.payload for event in room.told("break")]
    assert (begun["begins"], ended["begins"]) == (True, False)
    assert ended["at_s"] - begun["at_s"] == pytest.approx(2.0, abs=0.2)
    words = [page.get_nowait() for _ in range(page.qsize())]
    assert [word["on"] for word in words if word["type"] == "break"] == [True, False]
    names = [event.payload["name"] for event in room.told("observation")]
    assert [name for name in names if name.startswith("break_")] == ["break_began", "break_ended"]


async def test_a_test_elsewhere_is_bound_to_its_sitting(room: Room) -> None:
    with room.line.db.transaction() as tx:
        course, final = room.cast.course, room.cast.final
        with pytest.raises(AddressRefused):
            set_address(tx, course.id, final.code, "http://quiz.example/7", room.cast.olga, NOON)
        url = "https://quiz.example/7?lang=kk#start"
        set_address(tx, course.id, final.code, url, room.cast.olga, NOON)
        tx.merge(room.cast.alice).learner_number = "D-26001"
    live = await room.open()
    with pytest.raises(NotRunning):
        await live.away.open_test()
    await room.begin()

    room.stream(2.0)
    first, second = [await live.away.open_test() for _ in range(2)]
    hidden = {"name": "page_hidden", "ms": 0.0, "values": {}}
    await live.take_batch({"seq": 1, "now_ms": 10.0, "browser": [hidden], "keys": None})

    start, code = second.split("tanu_code=")
    assert start == "https://quiz.example/7?lang=kk&"
    now = room.clock.now()
    with room.line.db.transaction() as tx:
        with pytest.raises(NoSuchCode):
            codes.use(tx, first.split("tanu_code=")[1].removesuffix("#start"), now)
        bound = codes.use(tx, code.removesuffix("#start"), now)
        with pytest.raises(NoSuchCode):
            codes.use(tx, code.removesuffix("#start"), now)
    assert (bound.course, bound.event, bound.learner_number) == ("MOOC-1", "final", "D-26001")
    assert bound.remaining_s == pytest.approx(EXAM_S - 2.0, abs=2.0)

    await live.away.leave_test()
    assert room.rows(IncidentRow) == []
    (told,) = room.told("incident_suppressed")
    assert (told.payload["kind"], told.payload["because"]) == ("page_hidden", "external_test")
    assert [each.payload["begins"] for each in room.told("external_test")] == [True, False]


async def test_an_exam_without_a_test_elsewhere_has_none_to_open(room: Room) -> None:
    live = await room.begin()
    with pytest.raises(NoTest):
        await live.away.open_test()
    assert not live.away.at_test


async def test_a_consent_that_is_withdrawn_ends_what_it_was_for_at_once(room: Room) -> None:
    live = await room.begin()

    await live.heed(frozenset({Purpose.TYPING, Purpose.RECORDING}))

    assert room.network.open_peers != []
    (withdrawn,) = room.told("consent_withdrawn")
    assert withdrawn.payload == {"purposes": ["face"]}
    reasons = [event.payload["reason"] for event in room.told("not_assessed")]
    assert "consent_withdrawn" in reasons

    await live.heed(frozenset())

    assert room.network.open_peers == []
    with pytest.raises(consents.ConsentMissing):
        await live.connect("offer", MIDS)
    assert live.is_running
    await live.heed(frozenset({Purpose.RECORDING}))
    await live.connect("offer", MIDS)
    await live.finish("student_finished")
    (typing,) = [row for row in room.rows(IdentityCheck) if row.modality is Modality.KEYSTROKE]
    assert typing.result is CheckResult.NOT_ASSESSED
