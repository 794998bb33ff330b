import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biometrics.types import Box, Gaze
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


FACE = Box(0.4, 0.3, 0.2, 0.3)


def look(
    challenge: Challenge,
    gaze: Gaze | None,
    at_s: float,
    face: Box | None = FACE,
    *,
    same: bool = True,
) -> None:
    """As the sitting takes a look: compared unless the head is turned."""
    compared = gaze is not None and challenge.compares(gaze)
    challenge.take(gaze, at_s, None if gaze is None else face, same if compared else None)


def begun(*asked: Ask, seed: int = 0) -> Challenge:
    return Challenge(asked, 0.0, random.Random(seed))


def play(challenge: Challenge, does: dict[Ask, Gaze], seconds: int = 120) -> list[Ask]:
    """Whoever sits there follows, a second behind; what was asked, in order."""
    asked: list[Ask] = []
    doing = AHEAD
    for s in range(seconds):
        look(challenge, doing, float(s))
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
        look(challenge, AHEAD, float(s))
    assert challenge.outcome == "failed"


def test_eyes_that_merely_blink_are_not_closed() -> None:
    challenge = begun(
        Ask.CLOSE_EYES,
    )
    for s in range(30):
        look(challenge, DOES[Ask.CLOSE_EYES] if s % 2 else AHEAD, float(s))
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
        look(challenge, None, float(s))
    assert (challenge.ask, challenge.outcome) == (None, "asked")
    for s in range(15, 25):
        look(challenge, None, float(s))
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
            look(challenge, film[(s + offset) % len(film)], float(s))
        outcomes[challenge.outcome] += 1
    assert outcomes["passed"] <= share * 400
    assert outcomes["asked"] == 0


def play_another(challenge: Challenge, face: Box, does: dict[Ask, Gaze]) -> str:
    """Another face, in the place *face*, makes each movement; how it ends."""
    for s in range(120):
        ask = challenge.ask
        if ask is None:
            look(challenge, AHEAD, float(s))
        else:
            look(challenge, does[ask], float(s), face, same=False)
    return challenge.outcome


@pytest.mark.parametrize("ask", list(Ask))
def test_a_face_elsewhere_that_moves_for_another_fails_the_try(ask: Ask) -> None:
    assert play_another(begun(ask), Box(0.05, 0.2, 0.3, 0.4), DOES) == "failed"


@pytest.mark.parametrize("ask", [Ask.LOOK_LEFT, Ask.LOOK_RIGHT, Ask.CLOSE_EYES])
def test_another_face_in_the_same_place_fails_where_it_is_compared(ask: Ask) -> None:
    assert play_another(begun(ask), FACE, DOES) == "failed"


def test_a_turn_is_over_when_the_enrolled_face_looks_ahead_again() -> None:
    challenge = begun(Ask.TURN_LEFT)
    at_s = 0.0
    while challenge.ask is None:
        look(challenge, AHEAD, at_s)
        at_s += 1
    for _ in range(2):
        look(challenge, DOES[Ask.TURN_LEFT], at_s)
        at_s += 1
    assert (challenge.ask, challenge.outcome) == (None, "asked")
    for _ in range(15):
        look(challenge, AHEAD, at_s, same=False)
        at_s += 1
    assert challenge.outcome == "asked"
    for _ in range(2):
        look(challenge, AHEAD, at_s)
    assert challenge.outcome == "passed"


def test_whoever_turns_the_head_to_the_dot_is_not_compared_then() -> None:
    challenge = begun(Ask.LOOK_LEFT)
    play(challenge, {Ask.LOOK_LEFT: DOES[Ask.TURN_LEFT]})
    assert challenge.outcome == "passed"
