from collections.abc import Callable

import numpy as np
import pytest

from keystroke.events import KeyBatch, KeyEvent
from keystroke.features import FourMeasurements, measure
from keystroke.zones import Zone

pytestmark = pytest.mark.unit

Prose = Callable[..., KeyBatch]


def test_a_steady_hand_measures_as_it_types() -> None:
    zones = [Zone.LEFT_INDEX_HOME, Zone.RIGHT_INDEX_HOME, Zone.SPACE] * 20
    typed = KeyBatch(1.0, tuple(KeyEvent(200.0, z, 80.0) for z in zones))
    measured = measure([typed])
    assert measured.typing_speed_kpm == 300.0
    assert measured.key_press_ms == pytest.approx(80.0, rel=1e-3)
    assert measured.pause_within_words_ms == 120.0
    assert measured.pause_between_words_ms == 120.0
    assert measured.rhythm_variation == 0.0


def test_nothing_typed_measures_nothing() -> None:
    assert measure([]) == FourMeasurements(None, None, None, None, None)


def test_one_key_gives_its_hold_alone() -> None:
    measured = measure([KeyBatch(1.0, (KeyEvent(0.0, Zone.SPACE, 100.0),))])
    assert measured.key_press_ms == pytest.approx(100.0, rel=1e-3)
    assert measured.typing_speed_kpm is None


def test_shuffled_pauses_change_pauses_and_rhythm_but_not_speed() -> None:
    words = [Zone.LEFT_INDEX_HOME, Zone.RIGHT_INDEX_HOME, Zone.LEFT_RING_TOP, Zone.SPACE] * 50
    events = tuple(KeyEvent(400.0 if z is Zone.SPACE else 120.0, z, 80.0) for z in words)
    order = np.random.default_rng(3).permutation(len(events) - 1) + 1
    shuffled = (
        events[0],
        *(e._replace(dt_ms=events[i].dt_ms) for e, i in zip(events[1:], order, strict=True)),
    )
    before, after = measure([KeyBatch(1.0, events)]), measure([KeyBatch(1.0, shuffled)])
    assert after.typing_speed_kpm == before.typing_speed_kpm
    assert after.key_press_ms == before.key_press_ms
    assert before.pause_within_words_ms == 40.0
    assert after.pause_within_words_ms is not None
    assert after.pause_within_words_ms > 80.0
    assert before.rhythm_variation == 0.0
    assert after.rhythm_variation is not None
    assert after.rhythm_variation > 0.3


def test_a_faster_hand_measures_faster(seeded_typist: Prose) -> None:
    slow = measure([seeded_typist(interval_ms=240.0)])
    fast = measure([seeded_typist(interval_ms=120.0)])
    assert slow.typing_speed_kpm is not None
    assert fast.typing_speed_kpm == pytest.approx(2 * slow.typing_speed_kpm, rel=0.01)
