"""What a learner is granted: the newest counts, for a course before for all."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from proctor.exams.accommodations import (
    Accommodation,
    AccommodationInvalid,
    Effect,
    accommodation_of,
    grant,
)
from tests.support.cast import NOON, Cast

pytestmark = pytest.mark.db


def test_without_a_grant_nothing_is_left_out(tx: Session, cast: Cast) -> None:
    found = accommodation_of(tx, cast.alice.id, cast.course.id)

    assert found == Accommodation()
    assert found.extra_of(3600) == timedelta(0)


def test_the_newest_counts_and_one_for_the_course_before_one_for_all(
    tx: Session, cast: Cast
) -> None:
    grant(tx, cast.olga, cast.alice, None, [Effect.GAZE_OFF], 0, NOON)
    grant(tx, cast.olga, cast.alice, cast.course.id, [Effect.BREAKS], 25, NOON)
    later = NOON + timedelta(days=1)
    grant(tx, cast.olga, cast.alice, None, [Effect.SCREEN_READER, Effect.GAZE_OFF], 50, later)

    in_course = accommodation_of(tx, cast.alice.id, cast.course.id)
    elsewhere = accommodation_of(tx, cast.alice.id, cast.other_course.id)

    assert in_course == Accommodation(frozenset({Effect.BREAKS}), 25)
    assert in_course.extra_of(3600) == timedelta(minutes=15)
    assert elsewhere.effects == {Effect.SCREEN_READER, Effect.GAZE_OFF}
    assert accommodation_of(tx, cast.bob.id, cast.course.id) == Accommodation()


def test_an_empty_grant_ends_it(tx: Session, cast: Cast) -> None:
    grant(tx, cast.olga, cast.alice, cast.course.id, [Effect.BREAKS], 25, NOON)
    grant(tx, cast.olga, cast.alice, cast.course.id, [], 0, NOON + timedelta(days=1))

    assert accommodation_of(tx, cast.alice.id, cast.course.id) == Accommodation()


@pytest.mark.parametrize("percent", [-1, 201])
def test_extra_time_has_bounds(tx: Session, cast: Cast, percent: int) -> None:
    with pytest.raises(AccommodationInvalid):
        grant(tx, cast.olga, cast.alice, None, [], percent, NOON)
