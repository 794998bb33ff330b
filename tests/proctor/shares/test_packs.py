from datetime import date
from fractions import Fraction

import pytest

from proctor.exams.tables import Technology
from proctor.shares.packs import Basis, UnknownPack, ZeroWeight, pack, pack_names

pytestmark = pytest.mark.unit


def test_pack_of_order_137_asks_for_thirty_percent_by_both_readings() -> None:
    rules = pack("KZ-137-2016")
    assert rules.edition == date(2016, 5, 30)
    assert rules.threshold == Fraction(3, 10)
    assert (rules.basis, rules.zero_weight) == (Basis.BOTH, ZeroWeight.EXCLUDE)
    assert (rules.coverage, rules.longest_gap_s) == (Fraction(95, 100), 60)
    assert rules.technologies == frozenset(Technology)
    assert rules.text.keys() == {"kk", "ru", "en"}


@pytest.mark.parametrize("name", ["", "KZ-137-2030", "../editions/KZ-137-2016"])
def test_unknown_pack_is_refused(name: str) -> None:
    with pytest.raises(UnknownPack):
        pack(name)


def test_every_pack_can_be_read() -> None:
    assert [pack(name).name for name in sorted(pack_names())] == ["KZ-137-2016"]
