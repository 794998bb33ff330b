"""Cohen's kappa on tables worked by hand, and its properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.review.agreement import Agreement, agreement_of

pytestmark = pytest.mark.unit

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40)


def table(both: int, first: int, second: int, neither: int) -> list[tuple[bool, bool]]:
    return (
        [(True, True)] * both
        + [(True, False)] * first
        + [(False, True)] * second
        + [(False, False)] * neither
    )


def test_kappa_of_tables_worked_by_hand() -> None:
    # 35 of 50 alike; by chance 0.5 x 0.6 + 0.5 x 0.4 = 0.5
    assert agreement_of(table(20, 5, 10, 15)) == Agreement(50, 35, pytest.approx(0.4))
    assert agreement_of(table(3, 0, 0, 4)).kappa == 1
    assert agreement_of(table(1, 1, 1, 1)).kappa == 0
    assert agreement_of(table(0, 2, 2, 0)).kappa == -1


def test_nothing_can_be_said_of_none_or_of_one_answer_alone() -> None:
    assert agreement_of([]) == Agreement(0, 0, None)
    assert agreement_of(table(9, 0, 0, 0)) == Agreement(9, 9, None)


@given(PAIRS)
def test_kappa_does_not_depend_on_who_is_first_or_what_is_called_yes(
    pairs: list[tuple[bool, bool]],
) -> None:
    kappa = agreement_of(pairs)
    assert agreement_of([(b, a) for a, b in pairs]) == kappa
    assert agreement_of([(not a, not b) for a, b in pairs]) == kappa
    assert kappa.kappa is None or -1 <= kappa.kappa <= 1
