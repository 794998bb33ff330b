import pytest

from proctor.commands.wall_bench import dropped, waits_s

pytestmark = pytest.mark.unit


def test_a_picture_every_round_drops_nothing() -> None:
    waits = waits_s([0.4, 2.4, 4.9, 6.4, 8.4], began=0.0, until=10.0)
    assert waits == pytest.approx([0.4, 2.0, 2.5, 1.5, 2.0, 1.6])
    assert dropped(waits) == 0


def test_every_round_without_a_picture_counts() -> None:
    assert dropped(waits_s([2.0, 8.0], began=0.0, until=10.0)) == 2


def test_a_tile_that_never_had_a_picture_is_dropped_in_every_round_but_the_last() -> None:
    waits = waits_s([], began=100.0, until=160.0)
    assert (waits, dropped(waits)) == ([60.0], 29)


def test_pictures_outside_the_time_measured_do_not_count() -> None:
    assert waits_s([-3.0, 5.0, 12.0], began=0.0, until=10.0) == [5.0, 5.0]
