from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor.centres.on_site import on_site_of
from proctor.centres.tables import Cause
from proctor.events import Event
from proctor.sittings.declarations import (
    FORMAT,
    AlreadyDeclared,
    DeclaredAhead,
    DeclaredLate,
    NoFinal,
    NotDeclared,
    declare,
    declared_in,
    take_back,
)
from proctor.sittings.fallback import recording_answered
from tests.support.exam_course import NOW, ExamCourse, exam_course

pytestmark = pytest.mark.db

EVE, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def made(tx: Session) -> ExamCourse:
    return exam_course(tx)


def test_a_declaration_before_the_period_sends_the_final_on_site(made: ExamCourse) -> None:
    alice, tx, course = made.learners[0], made.tx, made.course
    declare(tx, course, alice, course.starts_on - EVE, made.office, NOW)
    ((learner, code), row) = next(iter(on_site_of(tx, course.id).single.items()))
    assert (learner, code, row.cause, row.reason) == (alice.id, "final", Cause.PLANNED, "0/0/100")
    kinds = list(tx.scalars(select(Event.kind).where(Event.stream == f"course:{course.id}")))
    assert kinds == ["format_declared", "moved_on_site"]
    with pytest.raises(AlreadyDeclared):
        declare(tx, course, alice, course.starts_on - EVE, made.office, NOW)


def test_from_the_first_day_of_the_period_it_is_refused(made: ExamCourse) -> None:
    with pytest.raises(DeclaredLate) as refused:
        declare(made.tx, made.course, made.learners[0], made.course.starts_on, made.office, NOW)
    assert refused.value.ids == {"start": "01.02.2026"}
    assert declared_in(made.tx, made.course.id) == []


def test_a_day_ahead_is_refused(made: ExamCourse) -> None:
    early = NOW - timedelta(days=200)
    with pytest.raises(DeclaredAhead):
        day = early.date() + 2 * EVE
        declare(made.tx, made.course, made.learners[0], day, made.office, early)


def test_without_a_final_there_is_nothing_to_sit_on_site(made: ExamCourse) -> None:
    made.tx.delete(made.events["final"])
    made.tx.flush()
    with pytest.raises(NoFinal):
        declare(
            made.tx, made.course, made.learners[0], made.course.starts_on - EVE, made.office, NOW
        )


def test_taken_back_it_leaves_the_final_online(made: ExamCourse) -> None:
    alice, tx, course = made.learners[0], made.tx, made.course
    declare(tx, course, alice, course.starts_on - EVE, made.office, NOW)
    (found,) = declared_in(tx, course.id)
    take_back(tx, course, found.row.id, made.office, NOW)
    assert (declared_in(tx, course.id), on_site_of(tx, course.id).single) == ([], {})
    with pytest.raises(NotDeclared):
        take_back(tx, course, found.row.id, made.office, NOW)


def test_agreeing_to_be_recorded_does_not_undo_a_declaration(made: ExamCourse) -> None:
    alice, tx, course = made.learners[0], made.tx, made.course
    recording_answered(tx, alice, False, NOW)
    declare(tx, course, alice, course.starts_on - EVE, made.office, NOW + MINUTE)
    recording_answered(tx, alice, True, NOW + MINUTE)
    (moved,) = on_site_of(tx, course.id).single.values()
    assert (moved.event_code, moved.reason) == ("final", FORMAT)
    (found,) = declared_in(tx, course.id)
    take_back(tx, course, found.row.id, made.office, NOW + MINUTE)
    assert on_site_of(tx, course.id).single == {}
