from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.shares.calculator import (
    Outcome,
    Share,
    ShareEvent,
    by_count,
    by_weight,
    design_by_count,
    design_by_weight,
    share_met,
)
from proctor.shares.packs import Basis, ZeroWeight, pack

pytestmark = pytest.mark.unit

KZ = pack("KZ-137-2016")
KZ_COUNTING_ZERO = replace(KZ, zero_weight=ZeroWeight.INCLUDE)

LETTERS = {
    "v": Outcome.VERIFIED,
    "u": Outcome.UNVERIFIED,
    "d": Outcome.VOIDED,
    "p": Outcome.PENDING,
    "c": Outcome.CANCELLED,
    "e": Outcome.EXCUSED,
    "a": Outcome.ABSENT,
}


def scheme(text: str) -> list[ShareEvent]:
    """``"5x2:v 20:u"``: two verified events of weight 5 and one unverified of weight 20."""
    events = []
    for part in text.split():
        size, letter = part.split(":")
        weight, _, times = size.partition("x")
        events += [
            ShareEvent(f"e{len(events)}-{n}", Fraction(weight), True, LETTERS[letter])
            for n in range(int(times or 1))
        ]
    return events


T1 = "5x10:u 20:v 30:v"
VECTORS = {
    "T1": (T1, "50.00", True, "16.66", False, "16.66", False),
    "T2": ("5x2:v 5x8:u 20:v 30:v", "60.00", True, "33.33", True, "33.33", True),
    "T3": ("40x2:u 20:v", "20.00", False, "33.33", True, "33.33", True),
    "T4": ("10x3:v 10x7:u", "30.00", True, "30.00", True, "30.00", True),
    "T5": ("1x2:v 1x5:u", "28.57", False, "28.57", False, "28.57", False),
    "T6": ("1x3:v 1x4:u", "42.85", True, "42.85", True, "42.85", True),
    "T7": ("29.999:v 70.001:u", "29.99", False, "50.00", True, "50.00", True),
    "T8": ("0x2:u 100:v", "100.00", True, "100.00", True, "33.33", True),
    "T9": ("0x17:u 100:v", "100.00", True, "100.00", True, "5.55", False),
    "T10": ("5x10:u 20:d 30:v", "30.00", True, "8.33", False, "8.33", False),
    "T11": ("5x10:u 20:v 30:d", "20.00", False, "8.33", False, "8.33", False),
    "T12": (T1, "50.00", True, "16.66", False, "16.66", False),
    "T13": ("5x6:c 5x4:u 20:v 30:v", "71.42", True, "33.33", True, "33.33", True),
    "T14": ("5x10:u 20:v 30:p", "20.00", False, "8.33", False, "8.33", False),
}


@pytest.mark.parametrize("name", VECTORS)
def test_published_vector(name: str) -> None:
    text, weight, weight_met, count, count_met, count_zero, count_zero_met = VECTORS[name]
    events = scheme(text)
    shares = by_weight(events).low, by_count(events, KZ).low, by_count(events, KZ_COUNTING_ZERO).low
    assert [(share.percent_floored, share.met(KZ)) for share in shares] == [
        (weight, weight_met),
        (count, count_met),
        (count_zero, count_zero_met),
    ]


def test_pending_final_gives_a_range_whose_low_end_leaves_it_out() -> None:
    events = scheme("5x10:u 20:v 30:p")
    weight, count = by_weight(events), by_count(events, KZ)
    assert (weight.low.percent_floored, weight.high.percent_floored) == ("20.00", "50.00")
    assert (count.low.percent_floored, count.high.percent_floored) == ("8.33", "16.66")
    assert (weight.low.met(KZ), weight.high.met(KZ)) == (False, True)


def test_cancelled_quizzes_renormalise_the_weights_to_fifty_of_seventy() -> None:
    share = by_weight(scheme("5x6:c 5x4:u 20:v 30:v")).low
    assert share == Share(Fraction(50), Fraction(70))
    assert share.integers == (50, 70)


def test_absent_stays_in_the_denominator_and_excused_leaves_it() -> None:
    events = scheme("40:v 30:a 30:e")
    assert by_weight(events).low == Share(Fraction(40), Fraction(70))
    assert by_count(events, KZ).low == Share(Fraction(1), Fraction(2))


def test_fractional_weights_are_shown_as_whole_numbers() -> None:
    assert by_weight(scheme("29.999:v 70.001:u")).low.integers == (29_999, 100_000)


def test_nothing_that_forms_the_assessment_is_not_applicable() -> None:
    share = by_count(scheme("0x3:v"), KZ).low
    assert (share.num, share.den) == (0, 0)
    assert share.percent_floored is None
    assert share.met(KZ) is None
    assert share_met(share, by_weight([]).low, KZ) is None


def test_design_counts_plans_whatever_came_of_them() -> None:
    events = [
        ShareEvent("quiz", Fraction(60), False, Outcome.NOT_PLANNED),
        ShareEvent("midterm", Fraction(10), True, Outcome.VOIDED),
        ShareEvent("final", Fraction(30), True, Outcome.ABSENT),
        ShareEvent("dropped", Fraction(10), True, Outcome.CANCELLED),
    ]
    assert design_by_count(events, KZ) == Share(Fraction(2), Fraction(3))
    assert design_by_weight(events) == Share(Fraction(40), Fraction(100))


@pytest.mark.parametrize(
    ("basis", "met"), [(Basis.BOTH, False), (Basis.COUNT, True), (Basis.WEIGHT, False)]
)
def test_basis_names_the_readings_that_must_reach_the_threshold(basis: Basis, met: bool) -> None:
    events = scheme("40x2:u 20:v")
    rules = replace(KZ, basis=basis)
    assert share_met(by_count(events, rules).low, by_weight(events).low, rules) is met


@pytest.mark.parametrize(("n", "needed"), [(3, 1), (4, 2), (6, 2), (10, 3), (11, 4), (20, 6)])
def test_smallest_number_of_verified_equal_events(n: int, needed: int) -> None:
    assert by_count(scheme(f"1x{needed}:v 1x{n - needed}:u"), KZ).low.met(KZ) is True
    below = scheme(f"1x{needed - 1}:v 1x{n - needed + 1}:u")
    assert by_count(below, KZ).low.met(KZ) is False


def test_negative_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        ShareEvent("e", Fraction(-1), True, Outcome.VERIFIED)


weights = st.decimals(0, 1000, places=6).map(Fraction)
events_strategy = st.lists(
    st.builds(ShareEvent, st.just("e"), weights, st.booleans(), st.sampled_from(Outcome)),
    max_size=20,
)


@given(events_strategy)
def test_low_is_never_above_high_and_both_lie_between_nothing_and_all(
    events: list[ShareEvent],
) -> None:
    for share in (by_count(events, KZ), by_weight(events)):
        assert 0 <= share.low.num <= share.high.num <= share.high.den == share.low.den


@given(events_strategy.flatmap(lambda es: st.tuples(st.just(es), st.permutations(es))))
def test_order_of_events_does_not_matter(
    both: tuple[list[ShareEvent], list[ShareEvent]],
) -> None:
    events, shuffled = both
    assert by_count(events, KZ) == by_count(shuffled, KZ)
    assert by_weight(events) == by_weight(shuffled)
    assert design_by_weight(events) == design_by_weight(shuffled)


@given(st.integers(1, 10**9), st.integers(1, 10**6))
def test_exactly_three_tenths_passes_and_a_millionth_less_does_not(size: int, parts: int) -> None:
    whole = Fraction(size, parts)
    assert Share(whole * Fraction(3, 10), whole).met(KZ) is True
    assert Share(whole * Fraction(299_999, 1_000_000), whole).met(KZ) is False


@given(st.fractions(0, 1), st.integers(1, 10**6))
def test_shown_percent_never_exceeds_the_share(part: Fraction, den: int) -> None:
    shown = Share(part * den, Fraction(den)).percent_floored
    assert shown is not None
    assert 0 <= part * 100 - Fraction(shown) < Fraction(1, 100)
