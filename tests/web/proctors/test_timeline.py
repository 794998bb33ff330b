"""Where things lie on the drawing of a sitting."""

import pytest

from proctor.incidents.kinds import Kind
from web.proctors.timeline import LANES, WIDTH, Mark, Stretch, lanes

pytestmark = pytest.mark.unit

EXAM = Stretch(-10.0, 90.0)


def test_moments_lie_in_proportion_and_inside() -> None:
    assert [EXAM.place(at_s) for at_s in (-10, 40, 900)] == [0.0, WIDTH / 2, WIDTH]


def test_a_moment_is_wide_enough_to_see_and_stays_inside() -> None:
    assert EXAM.mark(40, 65) == (500.0, 250.0)
    assert EXAM.mark(90, 90) == (998.0, 2.0)


def test_every_kind_has_one_lane() -> None:
    placed = [kind for kinds in LANES.values() for kind in kinds]
    assert sorted(placed) == sorted(Kind)


def test_what_was_said_lies_in_the_last_lane() -> None:
    *others, messages = lanes(EXAM, [], [], [], [40.0])

    assert messages.name == "messages"
    assert messages.marks == (Mark(500.0, 2.0, is_said=True),)
    assert [lane.marks for lane in others] == [()] * 7
