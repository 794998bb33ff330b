from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from proctor.errors import ProctorError
from proctor.sittings import desk
from proctor.sittings.tables import SittingState
from proctor.vault import Vault
from tests.support.cast import NOON, Cast, assemble

pytestmark = pytest.mark.db

VAULT = Vault(bytes(32))


def running(tx: Session, cast: Cast) -> desk.Sitting:
    sitting = desk.open_sitting(tx, cast.final.id, cast.alice.id, "one", NOON)
    sitting.state, sitting.started_at = SittingState.RUNNING, NOON
    sitting.deadline_at = NOON + timedelta(hours=1)
    return sitting


def test_a_learner_sees_the_events_of_the_own_course_only(tx: Session) -> None:
    cast = assemble(tx)
    assert [r.event.id for r in desk.exams_of(tx, cast.alice.id, NOON)] == [cast.final.id]
    assert desk.exams_of(tx, cast.charlie.id, NOON) == []


@pytest.mark.parametrize(
    ("hours", "state"), [(-2, "upcoming"), (-1, "open"), (2.99, "open"), (3, "closed")]
)
def test_the_window_opens_and_closes(tx: Session, hours: float, state: str) -> None:
    cast = assemble(tx)
    at = NOON + timedelta(hours=hours)
    assert [r.state for r in desk.exams_of(tx, cast.alice.id, at)] == [state]


def test_opening_twice_gives_the_same_sitting(tx: Session) -> None:
    cast = assemble(tx)
    first = desk.open_sitting(tx, cast.final.id, cast.alice.id, "one", NOON)
    again = desk.open_sitting(tx, cast.final.id, cast.alice.id, "two", NOON)
    assert (first.id, again.sign_in_id) == (again.id, "two")


def test_a_second_sign_in_does_not_get_a_running_sitting(tx: Session) -> None:
    cast = assemble(tx)
    sitting = running(tx, cast)
    with pytest.raises(desk.SecondSignIn):
        desk.open_sitting(tx, cast.final.id, cast.alice.id, "two", NOON)
    with pytest.raises(desk.SecondSignIn):
        desk.sitting_for(tx, sitting.id, cast.alice.id, "two")
    assert desk.sitting_for(tx, sitting.id, cast.alice.id, "one") is sitting


def test_a_student_elsewhere_finds_nothing(tx: Session) -> None:
    cast = assemble(tx)
    sitting = running(tx, cast)
    with pytest.raises(desk.NotYours):
        desk.open_sitting(tx, cast.final.id, cast.charlie.id, "x", NOON)
    with pytest.raises(desk.NotYours):
        desk.sitting_for(tx, sitting.id, cast.bob.id, "one")


def test_outside_the_window_nothing_opens(tx: Session) -> None:
    cast = assemble(tx)
    for at in (NOON - timedelta(hours=2), NOON + timedelta(hours=3)):
        with pytest.raises(desk.OutsideWindow):
            desk.open_sitting(tx, cast.final.id, cast.alice.id, "one", at)


def test_an_answer_comes_back_on_the_paper(tx: Session) -> None:
    cast = assemble(tx)
    sitting = running(tx, cast)
    desk.save_answer(tx, VAULT, sitting, cast.essay.id, 1, "Қазақша мәтін", NOON)
    desk.save_answer(tx, VAULT, sitting, cast.essay.id, 5, "толық мәтін", NOON)
    (question,) = desk.paper(tx, VAULT, sitting)
    assert (question.text, question.revision) == ("толық мәтін", 5)


@pytest.mark.parametrize("revision", [1, 2])
def test_an_older_answer_does_not_replace_a_newer_one(tx: Session, revision: int) -> None:
    cast = assemble(tx)
    sitting = running(tx, cast)
    desk.save_answer(tx, VAULT, sitting, cast.essay.id, 2, "newer", NOON)
    with pytest.raises(desk.StaleAnswer):
        desk.save_answer(tx, VAULT, sitting, cast.essay.id, revision, "older", NOON)
    assert desk.paper(tx, VAULT, sitting)[0].text == "newer"


def test_a_late_answer_is_refused_after_the_grace(tx: Session) -> None:
    cast = assemble(tx)
    sitting = running(tx, cast)
    in_time = NOON + timedelta(hours=1) + desk.LATE_GRACE
    desk.save_answer(tx, VAULT, sitting, cast.essay.id, 1, "in time", in_time)
    with pytest.raises(desk.NotRunning):
        late = in_time + timedelta(seconds=1)
        desk.save_answer(tx, VAULT, sitting, cast.essay.id, 2, "late", late)


def test_what_was_written_before_a_pause_is_saved_for_a_moment_more(tx: Session) -> None:
    cast = assemble(tx)
    sitting = running(tx, cast)
    sitting.state, sitting.paused_at = SittingState.SUSPENDED, NOON
    at_last = NOON + desk.LATE_GRACE
    assert desk.save_answer(tx, VAULT, sitting, cast.essay.id, 1, "text", at_last) == 1
    with pytest.raises(desk.Paused):
        later = at_last + timedelta(seconds=1)
        desk.save_answer(tx, VAULT, sitting, cast.essay.id, 2, "more", later)


def test_a_question_of_another_paper_is_not_answered(tx: Session) -> None:
    cast = assemble(tx)
    with pytest.raises(desk.NotYours):
        desk.save_answer(tx, VAULT, running(tx, cast), "nothing", 1, "x", NOON)


def test_there_is_no_paper_before_the_exam(tx: Session) -> None:
    cast = assemble(tx)
    sitting = desk.open_sitting(tx, cast.final.id, cast.alice.id, "one", NOON)
    with pytest.raises(desk.NotRunning):
        desk.paper(tx, VAULT, sitting)


def test_a_sign_in_is_at_its_exam_until_an_hour_after_it(tx: Session) -> None:
    cast = assemble(tx)
    sitting = running(tx, cast)
    for state in (SittingState.RUNNING, SittingState.SUSPENDED):
        sitting.state = state
        assert desk.is_at_exam(tx, "one", NOON + timedelta(hours=13))
    assert not desk.is_at_exam(tx, "two", NOON)
    sitting.state, sitting.finished_at = SittingState.FINISHED, NOON
    assert desk.is_at_exam(tx, "one", NOON + timedelta(minutes=59))
    assert not desk.is_at_exam(tx, "one", NOON + timedelta(minutes=60))


def test_a_finished_exam_does_not_open_again(tx: Session) -> None:
    cast = assemble(tx)
    running(tx, cast).state = SittingState.FINISHED
    with pytest.raises(ProctorError) as caught:
        desk.open_sitting(tx, cast.final.id, cast.alice.id, "one", NOON)
    assert type(caught.value) is desk.AlreadyFinished
