"""What an exam that was over, ran or stood still comes to when all are sent on site."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from proctor.centres import on_site
from proctor.centres.tables import Cause, OnSiteSitting
from proctor.people.tables import Account
from proctor.shares.outcomes import course_outcomes
from proctor.sittings import desk, fallback
from proctor.sittings.tables import Act, Intervention, Sitting, SittingState
from tests.support.exam_course import NOW, ExamCourse, exam_course

pytestmark = pytest.mark.db

REASON = "The line of the campus is down."
MINUTE = timedelta(minutes=1)


@pytest.fixture
def made(tx: Session) -> ExamCourse:
    return exam_course(tx)


def all_moved(made: ExamCourse) -> list[str]:
    event, by = made.events["final"], made.office
    return fallback.move_everybody(made.tx, made.course, event, Cause.OUTAGE, REASON, by, NOW)


def told(made: ExamCourse, learner: Account) -> OnSiteSitting | None:
    rows = desk.exams_of(made.tx, learner.id, NOW)
    return next(row.on_site for row in rows if row.event.code == "final")


def outcome(made: ExamCourse, learner: Account) -> tuple[str, tuple[str, ...]]:
    found = course_outcomes(made.tx, made.course, [learner], NOW)[learner.id]
    decision = next(each.decision for each in found if each.code == "final")
    return decision.outcome.value, decision.reasons


def act(made: ExamCourse, sitting: Sitting, number: int, act: Act) -> None:
    made.tx.add(
        Intervention(
            sitting_id=sitting.id,
            number=number,
            act=act,
            author_id=made.office.id,
            at=NOW - timedelta(hours=2) + timedelta(seconds=40 + number),
        )
    )
    made.tx.flush()


def finish(made: ExamCourse, sitting: Sitting) -> None:
    sitting.state, sitting.finished_at = SittingState.FINISHED, NOW + MINUTE
    made.tx.flush()


def test_who_was_done_before_is_not_told_to_sit_again(made: ExamCourse) -> None:
    alice, bob = made.learners[:2]
    made.sit(alice, "final")
    all_moved(made)
    assert (told(made, alice), outcome(made, alice)[0]) == (None, "verified")
    assert told(made, bob) is not None
    assert outcome(made, bob) == ("pending", ("on_site",))


def test_what_stood_still_then_and_never_went_on_is_sat_on_site(made: ExamCourse) -> None:
    alice, bob = made.learners[:2]
    ended, resumed = (
        made.sit(each, "final", state=SittingState.SUSPENDED) for each in (alice, bob)
    )
    for each in (ended, resumed):
        act(made, each, 1, Act.PAUSE)
    all_moved(made)
    act(made, resumed, 2, Act.RESUME)
    for each in (ended, resumed):
        finish(made, each)
    assert told(made, alice) is not None
    assert outcome(made, alice) == ("pending", ("on_site",))
    assert (told(made, bob), "on_site" in outcome(made, bob)[1]) == (None, False)


def test_all_are_moved_once_however_often_it_is_declared(made: ExamCourse) -> None:
    sitting = made.sit(made.learners[0], "final", state=SittingState.RUNNING)
    assert [all_moved(made) for _ in range(2)] == [[sitting.id]] * 2
    assert len(on_site.rows_of(made.tx, made.course.id)) == 1


def test_an_exam_that_was_cut_short_is_not_held_online_again(made: ExamCourse) -> None:
    tx, sitting = made.tx, made.sit(made.learners[0], "final")
    fallback.decide_on_site(tx, made.course, sitting, REASON, made.office, NOW)
    (row,) = on_site.rows_of(tx, made.course.id)
    with pytest.raises(fallback.CutShort):
        fallback.hold_online(tx, row, made.office, NOW)
    assert outcome(made, made.learners[0]) == ("pending", ("on_site",))


def test_a_decision_whose_exam_could_not_be_ended_is_made_once_or_changed(
    made: ExamCourse,
) -> None:
    tx, course = made.tx, made.course
    sitting = made.sit(made.learners[0], "final", state=SittingState.SUSPENDED)
    for _ in range(2):
        fallback.decide_on_site(tx, course, sitting, REASON, made.office, NOW)
    assert len(on_site.rows_of(tx, course.id)) == 1
    fallback.decide_resume(tx, course, sitting, REASON, made.office, NOW)
    assert on_site.rows_of(tx, course.id) == []
