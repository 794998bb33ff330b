"""The movements asked for before an exam: followed, not followed and declined."""

from dataclasses import replace

import pytest

from biometrics.types import Gaze
from proctor.exams.policies import rules_json
from proctor.exams.tables import AssessmentEvent, ExamPolicy
from proctor.exams.thresholds import ExamRules
from proctor.identity.challenge import Ask
from proctor.live.sitting import LiveSitting, NotIdentified
from tests.proctor.live.conftest import ALICE, MIDS, Room, showing

pytestmark = pytest.mark.db

AHEAD = Gaze(0.0, 0.0, 0.45)
DOES = {
    None: AHEAD,
    Ask.TURN_LEFT: Gaze(25.0, 0.0, 0.45),
    Ask.TURN_RIGHT: Gaze(-25.0, 0.0, 0.45),
    Ask.LOOK_LEFT: Gaze(0.0, 0.0, 0.58),
    Ask.LOOK_RIGHT: Gaze(0.0, 0.0, 0.32),
    Ask.CLOSE_EYES: Gaze(0.0, 0.0, None),
}


async def with_movements(room: Room) -> LiveSitting:
    """The sitting under a policy that asks for three movements; its media have arrived."""
    with room.line.db.transaction() as tx:
        home = room.cast.institution.id
        rules = rules_json(ExamRules(challenge_steps=3))
        policy = ExamPolicy(institution_id=home, name="moving", version=1, rules=rules)
        tx.add(policy)
        tx.flush()
        tx.get_one(AssessmentEvent, room.cast.final.id).policy_id = policy.id
    live = await room.open()
    await live.connect("offer", MIDS)
    return live


async def watch(room: Room, live: LiveSitting, *, follows: bool) -> list[str]:
    """States on the way to the end of the check, each once in a row."""
    states: list[str] = []
    for _ in range(200):
        message = live.identification.message()
        ask = message.get("ask") if follows else None
        room.inference.shows = replace(showing(ALICE), gaze=DOES[ask])
        if not states or states[-1] != message["state"]:
            states.append(message["state"])
        if states[-1] in ("verified", "manual"):
            return states
        room.stream(1.0)
        await room.look()
    raise AssertionError(states)


async def test_whoever_moves_as_asked_begins(room: Room) -> None:
    live = await with_movements(room)
    assert await watch(room, live, follows=True) == ["looking", "challenge", "verified"]
    await live.start()
    (started,) = room.told("sitting_started")
    assert started.payload["identified_via"] == "face"


async def test_whoever_does_not_move_waits_for_a_person_and_is_accused_of_nothing(
    room: Room,
) -> None:
    live = await with_movements(room)
    states = await watch(room, live, follows=False)
    assert states[-1] == "manual"
    with pytest.raises(NotIdentified):
        await live.start()
    await live.admit(room.cast.paula.id)
    await live.start()
    (started,) = room.told("sitting_started")
    assert started.payload["identified_via"] == "proctor"
    assert room.told("incident_opened") == []


async def test_whoever_declines_waits_for_a_person(room: Room) -> None:
    live = await with_movements(room)
    room.stream(1.0)
    await room.look()
    live.decline_challenge()
    assert live.identification.message()["state"] == "manual"


async def test_without_the_rule_nothing_is_asked(room: Room) -> None:
    live = await room.open()
    await live.connect("offer", MIDS)
    assert await watch(room, live, follows=False) == ["looking", "verified"]
