"""What is due when: never early, never while something holds it, always after."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.retention.rules import HOLDS, Facts, Why, due_at, term_of, why_not_yet

pytestmark = pytest.mark.unit
DAY = timedelta(days=1)
START = datetime(2026, 6, 1, tzinfo=UTC)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))
facts = st.builds(
    Facts,
    counts_from=moments,
    term=st.integers(0, 400).map(lambda days: timedelta(days=days)),
    open_until=moments,
    holds=st.frozensets(st.sampled_from(sorted(HOLDS))),
)


def test_a_month_after_the_period_and_not_a_second_earlier() -> None:
    of = Facts(START, 31 * DAY, START + 10 * DAY)
    assert due_at(of) == datetime(2026, 7, 2, tzinfo=UTC)
    assert why_not_yet(of, due_at(of) - timedelta(seconds=1)) == {Why.TERM}
    assert why_not_yet(of, due_at(of)) == set()


def test_a_decision_after_the_term_gives_the_time_to_appeal() -> None:
    of = Facts(START, 31 * DAY, START + 50 * DAY)
    assert why_not_yet(of, START + 40 * DAY) == {Why.APPEALABLE}
    assert due_at(of) == START + 50 * DAY


@given(facts, moments)
def test_never_early_never_held_always_after(of: Facts, now: datetime) -> None:
    is_due = not why_not_yet(of, now)
    over = now >= of.counts_from + of.term and now >= of.open_until
    assert is_due == (over and not of.holds)


@given(facts, moments, st.sampled_from(sorted(HOLDS)))
def test_a_hold_is_told_whatever_the_time(of: Facts, now: datetime, why: Why) -> None:
    held = Facts(of.counts_from, of.term, of.open_until, of.holds | {why})
    assert why in why_not_yet(held, now)


@pytest.mark.parametrize(
    ("promised", "since", "days"),
    [(31, [60], 31), (60, [31], 31), (100, [10, 90], 10), (31, [], 31)],
)
def test_nothing_is_kept_longer_than_was_promised(
    promised: int, since: list[int], days: int
) -> None:
    assert term_of(promised, since) == timedelta(days=days)
