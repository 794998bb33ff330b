import numpy as np
import pytest

from keystroke.presses import Presses
from keystroke.sentence import REPETITIONS, Repetitions, Unusable
from keystroke.zones import Zone

pytestmark = pytest.mark.unit

ZONES = (1, 9, 12, 24, 4, 16, 13, 24, 7, 10)


def attempt(person: int, seed: int, zones: tuple[int, ...] = ZONES) -> Presses:
    """One attempt by a person, who presses every key in a way of their own."""
    n = len(zones)
    own = np.random.default_rng(person).standard_normal((2, n))
    chance = np.random.default_rng([person, seed]).standard_normal((2, n))
    dt_ms, hold_ms = np.array([[160.0], [90.0]]) * np.exp(0.2 * own + 0.08 * chance)
    dt_ms[0] = 0.0
    return Presses.of_keyboard(dt_ms, np.array(zones), hold_ms, 0.1)


def typed(presses: Presses, n_keys: int = len(ZONES)) -> Repetitions:
    found = Repetitions.one(presses, n_keys)
    assert isinstance(found, Repetitions)
    return found


def sample(person: int) -> Repetitions:
    found = typed(attempt(person, 0))
    for seed in range(1, REPETITIONS):
        found = found.followed_by(typed(attempt(person, seed)))
    return found


def test_shift_and_enter_are_no_part_of_the_sentence() -> None:
    plain = attempt(1, 0)
    zones = np.array([Zone.MODIFIER, *ZONES, Zone.ENTER])
    around = [np.concatenate([[5.0], a, [70.0]]) for a in (plain.dt_ms, plain.hold_ms)]
    found = typed(Presses.of_keyboard(around[0], zones, around[1], 0.1))
    assert found.zones == ZONES
    assert found.features == pytest.approx(typed(plain).features)


def test_what_is_no_repetition_is_told() -> None:
    good = attempt(1, 0)
    corrected = attempt(1, 0, (*ZONES[:4], Zone.BACKSPACE, *ZONES[5:]))
    lost = Presses.of_keyboard(good.dt_ms, good.zones, np.full(len(ZONES), np.nan), 0.1)
    coarse = Presses.of_keyboard(good.dt_ms, good.zones, good.hold_ms, 100.0)
    nothing = good.part(0, 0)
    found = [Repetitions.one(p, len(ZONES)) for p in (corrected, lost, coarse, nothing)]
    assert found == [
        Unusable.NOT_THE_SENTENCE,
        Unusable.LOST_KEYS,
        Unusable.COARSE_CLOCK,
        Unusable.NOT_THE_SENTENCE,
    ]


def test_the_newest_repetitions_are_kept_and_other_keys_begin_anew() -> None:
    kept = sample(1).followed_by(typed(attempt(1, 9)))
    assert len(kept) == REPETITIONS
    assert kept.pressed_ms[-1] == pytest.approx(typed(attempt(1, 9)).pressed_ms[0])
    other = typed(attempt(1, 0, ZONES[::-1]))
    assert len(kept.followed_by(other)) == 1


def test_repetitions_come_back_from_bytes_to_a_tenth_of_a_millisecond() -> None:
    before = sample(1)
    after = Repetitions.from_bytes(before.to_bytes())
    assert after.zones == before.zones
    assert after.pressed_ms == pytest.approx(before.pressed_ms, abs=0.051)
    assert after.released_ms == pytest.approx(before.released_ms, abs=0.051)
