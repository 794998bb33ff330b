import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biometrics.types import Gaze
from proctor.identity.challenge import Ask, Challenge, choose

pytestmark = pytest.mark.unit

AHEAD = Gaze(2.0, 0.0, 0.42)
# of a camera that does not mirror: a person's own left is the picture's right
DOES = {
    Ask.TURN_LEFT: Gaze(24.0, 0.0, 0.45),
    Ask.TURN_RIGHT: Gaze(-21.0, 0.0, 0.40),
    Ask.LOOK_LEFT: Gaze(4.0, 0.0, 0.52),
    Ask.LOOK_RIGHT: Gaze(0.0, 0.0, 0.33),
    Ask.CLOSE_EYES: Gaze(2.0, 0.0, None),
}
MIRRORED = {
    ask: Gaze(-gaze.yaw_deg, 0.0, None if gaze.iris is None else 0.84 - gaze.iris)
    for ask, gaze in DOES.items()
}


def begun(*asked: Ask, seed: int = 0) -> Challenge:
    return Challenge(asked, 0.0, random.Random(seed))


def play(challenge: Challenge, does: dict[Ask, Gaze], seconds: int = 120) -> list[Ask]:
    """Whoever sits there follows, a second behind; what was asked, in order."""
    asked: list[Ask] = []
    doing = AHEAD
    for s in range(seconds):
        challenge.take(doing, float(s))
        ask = challenge.ask
        if ask is not None and (not asked or doing == AHEAD):
            asked.append(ask)
        doing = AHEAD if ask is None else does[ask]
        if challenge.outcome != "asked":
            break
    return asked


@given(st.integers(1, 5), st.integers(0, 10_000))
def test_whoever_follows_passes_with_either_camera(steps: int, seed: int) -> None:
    asked = choose(steps, random.Random(seed))
    for does in (DOES, MIRRORED):
        challenge = begun(*asked)
        play(challenge, does)
        assert challenge.outcome == "passed"


@given(st.integers(1, 5), st.integers(0, 10_000))
def test_what_is_asked_turns_a_head_and_never_repeats_at_once(steps: int, seed: int) -> None:
    asked = choose(steps, random.Random(seed))
    assert len(asked) == steps
    assert {Ask.TURN_LEFT, Ask.TURN_RIGHT} & set(asked)
    assert all(one != other for one, other in pairwise(asked))


def test_every_movement_comes_up() -> None:
    chance = random.Random(0)
    seen = Counter(ask for _ in range(200) for ask in choose(3, chance))
    assert set(seen) == set(Ask)


def test_a_person_who_sits_still_does_not_pass() -> None:
    challenge = begun(
        Ask.TURN_LEFT,
    )
    for s in range(30):
        challenge.take(AHEAD, float(s))
    assert challenge.outcome == "failed"


def test_eyes_that_merely_blink_are_not_closed() -> None:
    challenge = begun(
        Ask.CLOSE_EYES,
    )
    for s in range(30):
        challenge.take(DOES[Ask.CLOSE_EYES] if s % 2 else AHEAD, float(s))
    assert challenge.outcome != "passed"


def test_the_other_side_fails_once_the_camera_is_known() -> None:
    challenge = begun(Ask.TURN_LEFT, Ask.TURN_RIGHT)
    play(challenge, {Ask.TURN_LEFT: DOES[Ask.TURN_LEFT], Ask.TURN_RIGHT: DOES[Ask.TURN_LEFT]})
    assert challenge.outcome == "failed"


def test_a_turned_head_is_no_answer_to_closed_eyes() -> None:
    challenge = begun(
        Ask.CLOSE_EYES,
    )
    play(challenge, {Ask.CLOSE_EYES: DOES[Ask.TURN_LEFT]})
    assert challenge.outcome == "failed"


def test_nothing_is_asked_before_a_face_looks_ahead() -> None:
    challenge = begun(
        Ask.TURN_LEFT,
    )
    for s in range(15):
        challenge.take(None, float(s))
    assert (challenge.ask, challenge.outcome) == (None, "asked")
    for s in range(15, 25):
        challenge.take(None, float(s))
    assert challenge.outcome == "failed"


@pytest.mark.parametrize(("steps", "share"), [(3, 0.08), (5, 0.02)])
def test_a_film_that_moves_in_every_way_all_the_time_rarely_passes(
    steps: int, share: float
) -> None:
    """The worst replay: it does all that is asked, only not when."""
    film = [AHEAD] * 4 + [DOES[Ask.TURN_LEFT]] * 3 + [AHEAD] * 4 + [DOES[Ask.CLOSE_EYES]] * 2
    film += [AHEAD] * 4 + [DOES[Ask.TURN_RIGHT]] * 3 + [AHEAD] * 3 + [DOES[Ask.LOOK_LEFT]] * 2
    outcomes = Counter[str]()
    for seed in range(400):
        chance = random.Random(seed)
        challenge, offset = begun(*choose(steps, chance), seed=seed), chance.randrange(len(film))
        for s in range(200):
            challenge.take(film[(s + offset) % len(film)], float(s))
        outcomes[challenge.outcome] += 1
    assert outcomes["passed"] <= share * 400
    assert outcomes["asked"] == 0
