from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.analysis.browser import BatchRefused, observe

pytestmark = pytest.mark.unit


def test_events_are_placed_by_their_age() -> None:
    raw = [
        {"name": "paste", "ms": 9_500.0, "values": {"chars": 312}},
        {"name": "inserted", "ms": 9_000.0, "values": {"chars": 20}},
        {"name": "page_hidden", "ms": 8_000.0, "values": {}},
    ]
    seen = observe(raw, 10_000.0, at_s=60.0)
    assert [(o.name, o.at_s, o.values) for o in seen] == [
        ("page_hidden", 58.0, {}),
        ("inserted", 59.0, {"chars": 20}),
        ("paste", 59.5, {"chars": 312}),
    ]


def test_the_page_cannot_place_an_event_in_the_future() -> None:
    (seen,) = observe([{"name": "focus_lost", "ms": 99_000.0, "values": {}}], 10_000.0, 60.0)
    assert seen.at_s == 60.0


@pytest.mark.parametrize(
    ("raw", "now_ms"),
    [
        ("text", 1.0),
        ([{"name": "unknown", "ms": 1.0}], 1.0),
        ([{"name": "paste", "ms": 1.0}], 1.0),
        ([{"name": "paste", "ms": 1.0, "values": {"chars": "many"}}], 1.0),
        ([{"name": "focus_lost", "ms": float("nan")}], 1.0),
        ([{"name": "focus_lost", "ms": 1.0}], None),
        ([{"name": "focus_lost", "ms": 1.0}] * 201, 1.0),
        (["focus_lost"], 1.0),
    ],
)
def test_what_is_not_understood_is_refused(raw: object, now_ms: object) -> None:
    with pytest.raises(BatchRefused):
        observe(raw, now_ms, 1.0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(json_values, json_values)
def test_anything_is_either_understood_or_refused(raw: object, now_ms: object) -> None:
    with suppress(BatchRefused):
        observe(raw, now_ms, 1.0)
