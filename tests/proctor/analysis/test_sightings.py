import pytest

from biometrics.types import Box, Thing
from proctor.analysis.sightings import Sightings, is_phone

pytestmark = pytest.mark.unit

BOX = Box(10, 10, 40, 80)


def test_one_hit_is_no_sighting_and_two_of_five_looks_are() -> None:
    seen = Sightings()
    looks = [True, False, False, False, True, False]
    assert [seen.take(found=look) for look in looks] == [False] * 4 + [True, False]


def test_looks_stay_open_until_five_have_found_nothing() -> None:
    seen = Sightings()
    assert not seen.are_open
    seen.take(found=True)
    open_after = []
    for _ in range(5):
        seen.take(found=False)
        open_after.append(seen.are_open)
    assert open_after == [True] * 4 + [False]


@pytest.mark.parametrize(
    ("kind", "score", "counts"),
    [("phone", 0.15, True), ("phone", 0.14, False), ("remote", 0.2, True), ("laptop", 0.9, False)],
)
def test_what_is_like_a_telephone(kind: str, score: float, counts: bool) -> None:
    assert is_phone((Thing(kind, BOX, score),)) is counts
