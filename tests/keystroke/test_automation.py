import pytest

from keystroke.automation import look_at
from keystroke.events import KeyBatch, KeyEvent, KeyFlag
from keystroke.zones import Zone

pytestmark = pytest.mark.unit


def presses(n: int, dt_ms: list[float], hold_ms: float, flags: KeyFlag) -> KeyBatch:
    zones = [Zone.LEFT_INDEX_HOME, Zone.RIGHT_INDEX_HOME]
    events = [KeyEvent(dt_ms[i % len(dt_ms)], zones[i % 2], hold_ms, flags) for i in range(n)]
    return KeyBatch(1.0, tuple(events))


HUMAN = [110.0, 180.0, 140.0, 260.0]


@pytest.mark.parametrize(
    ("dt_ms", "hold_ms", "flags", "automated"),
    [
        (HUMAN, 90.0, KeyFlag(0), False),
        ([50.0, 52.0], 90.0, KeyFlag(0), True),
        (HUMAN, 2.0, KeyFlag(0), True),
        (HUMAN, 90.0, KeyFlag.UNTRUSTED, True),
    ],
)
def test_what_no_hand_types(
    dt_ms: list[float], hold_ms: float, flags: KeyFlag, automated: bool
) -> None:
    assert look_at(presses(100, dt_ms, hold_ms, flags)).is_automated is automated


def test_a_few_even_keys_say_nothing() -> None:
    found = look_at(presses(40, [50.0], 90.0, KeyFlag(0)))
    assert (found.spread, found.is_automated) == (None, False)
