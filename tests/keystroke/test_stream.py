import numpy as np
import pytest

from keystroke.gate import Reason
from keystroke.presses import Presses
from keystroke.stream import State, TypingStream, Window, combine
from keystroke.template import Sums
from keystroke.verifiers.free_text import OperatingPoint
from keystroke.zones import Zone
from proctor.inference import keystroke_verifier

pytestmark = pytest.mark.unit

POINT = OperatingPoint(accept=2.0, reject=-3.0)


def window(first_key: int, llr: float | None, reason: Reason | None = None) -> Window:
    return Window(first_key, 100, llr, None, reason)


def typed(n: int, seed: int, interval_ms: float = 160.0, hold_ms: float = 90.0) -> Presses:
    """Prose of five-letter words."""
    rng = np.random.default_rng(seed)
    zones = np.where(np.arange(n) % 6 == 5, Zone.SPACE, rng.integers(24, size=n))
    dt = interval_ms * np.exp(0.25 * rng.standard_normal(n))
    return Presses.of_keyboard(dt, zones, hold_ms * np.exp(0.2 * rng.standard_normal(n)), 1.0)


def test_under_two_hundred_keys_nothing_is_said() -> None:
    standing = combine([window(0, -9.0), window(50, -9.0)], POINT)
    assert (standing.state, standing.n_keys) == (State.INSUFFICIENT_DATA, 150)
    assert combine([], POINT).coverage == 0.0


def test_windows_that_err_together_count_for_less() -> None:
    standing = combine([window(i * 50, 1.5) for i in range(3)], POINT)
    # three windows count as 3 / (1 + 2 * 0.5) = 1.5
    assert (standing.llr, standing.n_keys) == (2.25, 200)
    assert standing.interval == (2.25, 2.25)
    assert standing.state is State.CONSISTENT


@pytest.mark.parametrize(
    ("llr", "state"),
    [(-3.0, State.INCONSISTENT), (0.5, State.INCONCLUSIVE), (4.0, State.CONSISTENT)],
)
def test_the_state_is_what_the_thresholds_say(llr: float, state: State) -> None:
    assert combine([window(i * 50, llr) for i in range(6)], POINT).state is state


def test_windows_that_were_not_compared_lower_the_coverage() -> None:
    windows = [window(i * 50, 4.0) for i in range(3)] + [window(150, None, Reason.NOT_PROSE)]
    assert combine(windows, POINT).coverage == 0.75


def test_windows_begin_every_fifty_keys_whatever_the_batches() -> None:
    presses = typed(320, 1)
    verifier = keystroke_verifier(with_network=False)
    stream = TypingStream(verifier, None)
    for start in range(0, 320, 37):
        stream = stream.after(presses.part(start, start + 37))
    assert [w.first_key for w in stream.windows] == [0, 50, 100, 150, 200]
    assert {w.n_keys for w in stream.windows} == {100}


def test_a_coarse_clock_is_not_compared() -> None:
    presses = typed(100, 1)
    coarse = Presses.of_keyboard(presses.dt_ms, presses.zones, presses.hold_ms, 100.0)
    verifier = keystroke_verifier(with_network=False)
    reference = verifier.profile([Sums.from_presses(typed(500, 2))])
    (only,) = TypingStream(verifier, reference).after(coarse).windows
    assert (only.llr, only.reason) == (None, Reason.COARSE_CLOCK)


def test_another_typist_after_the_start_is_a_hand_over_and_the_same_is_none() -> None:
    verifier = keystroke_verifier(with_network=False)
    for later, is_handed_over in ((typed(600, 4), False), (typed(600, 5, 240.0, 140.0), True)):
        stream = TypingStream(verifier, None).after(typed(600, 3)).after(later)
        assert stream.is_handed_over is is_handed_over
