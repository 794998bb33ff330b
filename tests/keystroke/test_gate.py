from collections.abc import Callable
from dataclasses import replace

import pytest

from keystroke.events import KeyBatch, KeyEvent
from keystroke.gate import Reason, unfit
from keystroke.template import Sums
from keystroke.zones import Zone

pytestmark = pytest.mark.unit

Prose = Callable[..., KeyBatch]


def reason(batch: KeyBatch) -> Reason | None:
    return unfit(Sums.from_batch(batch))


def in_zones(batch: KeyBatch, zone: Zone, every: int) -> KeyBatch:
    """The batch with every so many presses moved to *zone*."""
    events = (e._replace(zone=zone) if i % every == 0 else e for i, e in enumerate(batch.events))
    return replace(batch, events=tuple(events))


def test_prose_is_fit(seeded_typist: Prose) -> None:
    assert reason(seeded_typist()) is None


def test_sixty_combinations_are_enough_and_one_less_is_not(seeded_typist: Prose) -> None:
    assert reason(seeded_typist(61)) is None
    assert reason(seeded_typist(60)) is Reason.INSUFFICIENT_KEYS


def test_a_clock_above_34_ms_is_coarse(seeded_typist: Prose) -> None:
    assert reason(replace(seeded_typist(), clock_step_ms=34.0)) is None
    assert reason(replace(seeded_typist(), clock_step_ms=34.1)) is Reason.COARSE_CLOCK


def test_a_clock_never_measured_is_coarse(seeded_typist: Prose) -> None:
    assert reason(replace(seeded_typist(), clock_step_ms=None)) is Reason.COARSE_CLOCK


def test_a_table_of_numbers_is_not_prose(seeded_typist: Prose) -> None:
    assert reason(in_zones(seeded_typist(), Zone.DIGIT, 3)) is Reason.NOT_PROSE


def test_kazakh_letters_on_the_digit_row_are_prose(seeded_typist: Prose) -> None:
    assert reason(in_zones(seeded_typist(), Zone.DIGIT, 6)) is None


def test_code_is_not_prose(seeded_typist: Prose) -> None:
    assert reason(in_zones(seeded_typist(), Zone.PUNCT, 5)) is Reason.NOT_PROSE


def test_corrections_do_not_make_it_less_prose(seeded_typist: Prose) -> None:
    assert reason(in_zones(seeded_typist(), Zone.BACKSPACE, 4)) is None


def test_searching_for_every_sixth_key_is_not_prose(seeded_typist: Prose) -> None:
    typed = seeded_typist()
    halting = (
        KeyEvent(1500.0, e.zone, e.hold_ms) if i % 6 == 3 else e for i, e in enumerate(typed.events)
    )
    assert reason(replace(typed, events=tuple(halting))) is Reason.NOT_PROSE
