import numpy as np
import pytest

from keystroke.presses import Presses, joined, unrepeated
from keystroke.template import Sums
from keystroke.zones import Zone

pytestmark = pytest.mark.unit

F, J = Zone.LEFT_INDEX_HOME, Zone.RIGHT_INDEX_HOME


def presses(*rows: tuple[float, Zone, float]) -> Presses:
    dt, zones, holds = zip(*rows, strict=True)
    return Presses.of_keyboard(np.array(dt, float), np.array(zones), np.array(holds, float), 1.0)


def test_a_pause_a_modifier_and_the_first_press_make_no_combination() -> None:
    found = presses(
        (0, F, 80), (150, J, 90), (1500, F, 80), (150, Zone.MODIFIER, 90), (150, J, 80)
    ).timings()
    assert found.combined.tolist() == [False, True, False, False, False]
    assert found.paused.tolist() == [False, False, True, False, False]
    assert found.typed.tolist() == [True, True, True, False, True]


def test_a_keyboard_that_repeats_tells_nothing() -> None:
    found = presses((0, F, 80), (30, F, 20), (150, J, 90)).timings()
    assert found.combined.tolist() == [False, False, True]
    assert found.held.tolist() == [True, False, True]
    # the release before is the repeated key's, which is no hold
    assert found.flown.tolist() == [False, False, False]


def test_a_key_held_down_is_one_press_until_its_release() -> None:
    keys = np.array(["Backspace"] * 4 + ["KeyA", "KeyA"])
    dt, hold = [0.0, 500, 31, 30, 190, 140], [500.0, 31, 30, 12, 80, np.nan]
    pressed, since, held = unrepeated(keys, np.array(dt), np.array(hold))
    assert pressed.tolist() == [0, 4, 5]
    # the second A follows the release of the first
    assert since.tolist() == [0, 751, 140]
    assert held[:2].tolist() == [573, 80] and np.isnan(held[2])


def test_a_recording_without_repeats_stays_as_it_is() -> None:
    keys, dt = np.array([1, 1, 2, 2]), np.array([0, 90.0, 40, 300])
    hold = np.array([np.nan, 80.0, 60, 70])
    pressed, since, held = unrepeated(keys, dt, hold)
    assert (pressed.tolist(), since.tolist()) == ([0, 1, 2, 3], dt.tolist())
    assert np.array_equal(held, hold, equal_nan=True)


def test_an_unknown_hold_leaves_the_interval() -> None:
    found = presses((0, F, np.nan), (150, J, 90)).timings()
    assert (found.held.tolist(), found.combined.tolist()) == ([False, True], [False, True])


def test_parts_join_again() -> None:
    whole = presses((0, F, 80), (150, J, 90), (170, F, 85))
    again = joined([whole.part(0, 2), whole.part(2)])
    assert again.dt_ms.tolist() == [0, 150, 170]
    assert (len(again), again.clock_step_ms) == (3, 1.0)


def test_parts_that_lead_on_add_up_to_the_whole() -> None:
    rng = np.random.default_rng(4)
    rows = [(float(dt), F, 80.0) for dt in rng.uniform(20, 1200, 40)]
    whole = presses(*rows)
    halves = Sums.from_presses(whole.part(0, 20)) + Sums.from_presses(whole.part(19, lead=1))
    assert halves.to_bytes() == Sums.from_presses(whole).to_bytes()
