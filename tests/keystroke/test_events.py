import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystroke.events import KeyBatch, KeyEvent, KeyEventError, KeyFlag, parse_batch, repair
from keystroke.zones import Zone

pytestmark = pytest.mark.unit


def wire(*events: Any, step: Any = 1.0) -> dict[str, Any]:
    return {"v": 1, "clock_step_ms": step, "events": list(events)}


def test_a_batch_is_read_in_order() -> None:
    batch = parse_batch(wire([0, 9, 80.5, 0], [120.4, 13, -1, 2]))
    assert batch == KeyBatch(
        1.0,
        (
            KeyEvent(0.0, Zone.LEFT_INDEX_TOP, 80.5),
            KeyEvent(120.4, Zone.RIGHT_INDEX_HOME, None, KeyFlag.LOST_RELEASE),
        ),
    )


def test_a_clock_not_yet_measured_is_absent() -> None:
    assert parse_batch(wire(step=None)) == KeyBatch(None, ())


def test_a_release_that_was_not_seen_is_marked_lost() -> None:
    (event,) = parse_batch(wire([0, 9, -1, 0])).events
    assert (event.hold_ms, event.flags) == (None, KeyFlag.LOST_RELEASE)


def test_a_hold_with_a_lost_release_is_not_believed() -> None:
    (event,) = parse_batch(wire([0, 9, 80, 2])).events
    assert event.hold_ms is None


def test_a_repeat_is_dropped_and_its_time_kept() -> None:
    events = parse_batch(wire([0, 25, 600, 0], [500, 25, -1, 1], [30, 25, -1, 1], [90, 9, 80, 0]))
    assert [(e.dt_ms, e.zone) for e in events.events] == [
        (0.0, Zone.BACKSPACE),
        (620.0, Zone.LEFT_INDEX_TOP),
    ]


def test_overlapping_keys_are_left_as_they_are() -> None:
    rows = [[0, 9, 150, 0], [60, 13, 90, 0]]
    assert [e.hold_ms for e in parse_batch(wire(*rows)).events] == [150.0, 90.0]


def test_presses_of_a_program_are_not_human() -> None:
    batch = parse_batch(wire([0, 9, 80, 4], [100, 9, 80, 0], [100, 9, 80, 12]))
    assert [e.is_human for e in batch.events] == [False, True, False]


@pytest.mark.parametrize(
    ("obj", "reason"),
    [
        ([], "a batch is an object"),
        ({"v": 1, "events": []}, "members"),
        ({**wire(), "text": "secret"}, "members"),
        ({**wire(), "v": 2}, "version 1"),
        ({**wire(), "v": True}, "version 1"),
        ({**wire(), "events": {}}, "events is a list"),
        ({**wire(), "events": [[0, 9, 80, 0]] * 5001}, "at most 5000"),
        (wire(step="1"), "clock_step_ms is a number"),
        (wire(step=0), "above zero"),
        (wire(step=math.nan), "at most 10000"),
        (wire([0, 9, 80]), "event 0 is"),
        (wire([0, 9, 80, 0], "KeyA"), "event 1 is"),
        (wire([-1, 9, 80, 0]), "dt_ms is between"),
        (wire([math.inf, 9, 80, 0]), "dt_ms is between"),
        (wire([10**400, 9, 80, 0]), "dt_ms is between"),
        (wire([True, 9, 80, 0]), "dt_ms is a number"),
        (wire([0, 31, 80, 0]), "zone is between 0 and 30"),
        (wire([0, "KeyA", 80, 0]), "zone is an integer"),
        (wire([0, 9.0, 80, 0]), "zone is an integer"),
        (wire([0, 9, -2, 0]), "hold_ms is between"),
        (wire([0, 9, None, 0]), "hold_ms is a number"),
        (wire([0, 9, 80, 32]), "flags is between 0 and 31"),
    ],
)
def test_a_malformed_batch_is_refused_with_the_reason(obj: object, reason: str) -> None:
    with pytest.raises(KeyEventError, match=reason):
        parse_batch(obj)


def test_the_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(KeyEventError) as refused:
        parse_batch(wire(["my password", 9, 80, 0]))
    assert "password" not in str(refused.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@given(json_values)
def test_any_value_is_read_or_refused(value: object) -> None:
    for obj in (value, wire(value), wire([0, value, 80, 0]), wire(step=value)):
        try:
            parse_batch(obj)
        except KeyEventError:
            continue


@given(st.lists(st.tuples(st.integers(0, 2000), st.booleans())))
def test_repair_keeps_the_total_time_up_to_the_last_press(rows: list[tuple[int, bool]]) -> None:
    events = [
        KeyEvent(float(dt), Zone.SPACE, 80.0, KeyFlag.REPEAT if repeat else KeyFlag(0))
        for dt, repeat in rows
    ]
    last = max((i for i, (_, repeat) in enumerate(rows) if not repeat), default=-1)
    assert sum(e.dt_ms for e in repair(events)) == sum(dt for dt, _ in rows[: last + 1])
