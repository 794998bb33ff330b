from collections.abc import Callable

import pytest

from keystroke.events import KeyBatch, KeyEvent
from keystroke.revision import revision
from keystroke.template import Sums
from keystroke.zones import Zone

pytestmark = pytest.mark.unit

WORD = [Zone.LEFT_INDEX_HOME, Zone.RIGHT_INDEX_HOME, Zone.LEFT_RING_TOP, Zone.SPACE]


def typed(words: int, *, pause_every: int = 10**9, mend_every: int = 10**9) -> Sums:
    events = []
    for i in range(words):
        events += [KeyEvent(150.0, zone, 80.0) for zone in WORD]
        if i % pause_every == 0:
            events.append(KeyEvent(1500.0, Zone.RIGHT_MIDDLE_HOME, 80.0))
        if i % mend_every == 0:
            events.append(KeyEvent(150.0, Zone.BACKSPACE, 80.0))
    return Sums.from_batch(KeyBatch(1.0, tuple(events)))


def test_pauses_and_corrections_are_counted_in_a_hundred_keys() -> None:
    found = revision(typed(200, pause_every=4, mend_every=2))
    assert found is not None
    assert found.n_keys == 950
    assert found.pauses == pytest.approx(100 * 50 / 949)
    assert found.corrections == pytest.approx(100 * 100 / 950)
    assert not found.is_little


def test_an_even_run_without_mending_is_told() -> None:
    found = revision(typed(200))
    assert found is not None
    assert found.is_little


def test_few_keys_say_nothing(seeded_typist: Callable[..., KeyBatch]) -> None:
    assert revision(Sums.from_batch(seeded_typist(599))) is None
