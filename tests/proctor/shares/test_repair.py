"""Events verified afterwards by another technology; cases are named by their numbers."""

from datetime import datetime, timedelta

import pytest

from proctor.exams.tables import Technology
from proctor.identity.tables import CheckResult
from proctor.reports.build import build_report
from proctor.reports.document import as_json
from proctor.reports.issue import document_of, issue
from proctor.review.tables import Decision
from proctor.shares.calculator import Outcome
from proctor.shares.outcomes import REPAIRED, EventOutcome, course_outcomes
from proctor.shares.repair import (
    BeforeItIsOver,
    Chance,
    NotAnother,
    NothingToRepair,
    Published,
    begin,
    chances_of,
    end_window,
    open_window,
    second_technologies,
)
from proctor.sittings.desk import AlreadyFinished
from proctor.sittings.tables import RepairWindow, Sitting, SittingState
from tests.support.exam_course import EXAM_S, NOW, ExamCourse

pytestmark = pytest.mark.db

KEYS, CENTRE = Technology.KEYSTROKE, Technology.TEST_CENTRE
NO_MATCH = CheckResult.NO_MATCH
LATER = NOW + timedelta(hours=1)


def opened(made: ExamCourse, technology: Technology = KEYS) -> RepairWindow:
    """A window of the midterm, which closed five days ago."""
    midterm, until = made.events["midterm"], NOW + timedelta(days=2)
    return open_window(
        made.tx, made.course, midterm, technology, midterm.closes_at, until, made.office, NOW
    )


def chances(made: ExamCourse, learner: int = 0, at: datetime = NOW) -> list[Chance]:
    return chances_of(made.tx, made.course, made.learners[learner], at)


def again(made: ExamCourse, learner: int = 0, at: datetime = NOW) -> Sitting:
    person, midterm = made.learners[learner], made.events["midterm"]
    return begin(made.tx, made.course, midterm, person, "1" * 32, at)


def held(
    made: ExamCourse, sitting: Sitting, keys: CheckResult | None = CheckResult.MATCH
) -> Sitting:
    """*sitting* as it was held, with the evidence of one that was held before."""
    other = made.sit(made.learners[2], "final", keys=keys, faces=())
    sitting.state, sitting.exam_s = SittingState.FINISHED, EXAM_S
    sitting.started_at, sitting.finished_at = NOW, LATER
    sitting.identified_via = "face"
    for table in ("recordings", "media_gaps", "identity_checks"):
        made.tx.connection().exec_driver_sql(
            f"UPDATE {table} SET sitting_id = '{sitting.id}' WHERE sitting_id = '{other.id}'"
        )
    made.tx.delete(other)
    made.tx.flush()
    made.tx.expire_all()
    return sitting


def midterm(made: ExamCourse, learner: int = 0, at: datetime = LATER) -> EventOutcome:
    person = made.learners[learner]
    outcomes = course_outcomes(made.tx, made.course, [person], at)[person.id]
    return next(each for each in outcomes if each.code == "midterm")


def test_a_window_is_of_another_technology_after_the_event_and_before_publication(
    made: ExamCourse,
) -> None:
    tx, course, midterm = made.tx, made.course, made.events["midterm"]
    assert second_technologies(course, midterm) == (KEYS, CENTRE)
    # typed elsewhere: nobody can be watched in it here
    assert second_technologies(course, made.events["essay"]) == (CENTRE,)
    assert second_technologies(course, made.events["quiz-1"]) == ()
    over, until = midterm.closes_at, NOW + timedelta(days=2)
    with pytest.raises(NotAnother):
        open_window(tx, course, midterm, Technology.BIOMETRICS, over, until, made.office, NOW)
    for first, last in [
        (over - timedelta(seconds=1), until),
        (until, until),
        (over, NOW),
    ]:
        with pytest.raises(BeforeItIsOver):
            open_window(tx, course, midterm, KEYS, first, last, made.office, NOW)
    # a report issued before the event was over does not name its outcome
    issue(tx, course.id, made.office.id, over - timedelta(seconds=1))
    opened(made)
    issue(tx, course.id, made.office.id, NOW)
    with pytest.raises(Published):
        opened(made)


def test_e08_what_was_verified_in_the_window_counts_with_its_technology_named(
    made: ExamCourse,
) -> None:
    made.sit(made.learners[0], "midterm", faces=(NO_MATCH,) * 3)
    assert midterm(made).decision.outcome is Outcome.PENDING
    opened(made)
    held(made, again(made))
    found = midterm(made)
    assert (found.decision.outcome, found.attempt) == (Outcome.VERIFIED, 2)
    assert [(each.technology, each.result) for each in found.decision.methods] == [(KEYS, "pass")]
    assert found.decision.reasons == (REPAIRED,)
    report = as_json(build_report(made.tx, made.course.id, LATER))
    (alice,) = [each for each in report["learners"] if each["number"] == "S-0001"]
    (event,) = [each for each in alice["events"] if each["code"] == "midterm"]
    assert (event["outcome"], event["reasons"]) == ("verified", [REPAIRED])
    assert [each["technology"] for each in event["methods"]] == ["keystroke"]


def test_e13_the_other_technology_may_say_no_as_well(made: ExamCourse) -> None:
    made.sit(made.learners[0], "midterm", faces=(NO_MATCH,) * 3)
    opened(made)
    sitting = held(made, again(made), keys=NO_MATCH)
    assert midterm(made).decision.outcome is Outcome.PENDING
    assert midterm(made).decision.reasons == ("keystroke:no_match", REPAIRED)
    # one sitting in a window
    assert chances(made, at=LATER) == []
    # an incident about identity holds back what the technology verified
    other = held(made, again(made, learner=1))
    made.incident(other, "face_mismatch", 5.0, 9.0)
    reasons = midterm(made, learner=1).decision.reasons
    assert midterm(made, learner=1).decision.outcome is Outcome.PENDING
    assert reasons == ("identity_incident:face_mismatch", REPAIRED)
    made.decide(sitting, 0, Decision.UNVERIFIED)
    made.decide(sitting, 1, Decision.UNVERIFIED, minute=1)
    assert midterm(made).decision.outcome is Outcome.UNVERIFIED


def test_what_was_opened_and_never_begun_takes_nothings_place(made: ExamCourse) -> None:
    before = made.sit(made.learners[0], "midterm", faces=(NO_MATCH,) * 3)
    opened(made)
    sitting = again(made)
    assert again(made).id == sitting.id
    for state in (SittingState.CREATED, SittingState.CHECKING):
        sitting.state = state
        made.tx.flush()
        outcome = midterm(made)
        assert outcome.sitting is not None
        assert outcome.sitting.id == before.id
    sitting.state, sitting.started_at = SittingState.RUNNING, NOW
    made.tx.flush()
    assert midterm(made).decision.reasons == ("not_finished", REPAIRED)
    assert chances(made) == []


def test_e22_who_was_absent_may_and_who_is_verified_need_not(made: ExamCourse) -> None:
    made.sit(made.learners[1], "midterm")
    opened(made)
    assert [each.event.code for each in chances(made)] == ["midterm"]
    assert chances(made, learner=1) == []
    with pytest.raises(NothingToRepair):
        again(made, learner=1)
    held(made, again(made))
    assert midterm(made).decision.outcome is Outcome.VERIFIED
    with pytest.raises((NothingToRepair, AlreadyFinished)):
        again(made)


def test_t12_a_voided_event_sat_again_and_verified_counts(made: ExamCourse) -> None:
    voided = made.sit(made.learners[0], "midterm")
    for reviewer in (0, 1):
        made.decide(voided, reviewer, Decision.VOID, minute=reviewer)
    assert midterm(made).decision.outcome is Outcome.VOIDED
    opened(made)
    held(made, again(made))
    assert midterm(made).decision.outcome is Outcome.VERIFIED


def test_a_window_is_open_from_its_beginning_to_before_its_end(made: ExamCourse) -> None:
    window = opened(made)
    window.opens_at = NOW + timedelta(hours=1)
    made.tx.flush()
    at = [NOW, window.opens_at, window.closes_at - timedelta(seconds=1), window.closes_at]
    assert [[c.is_open for c in chances(made, at=each)] for each in at] == [
        [False], [True], [True], [],
    ]  # fmt: skip
    with pytest.raises(NothingToRepair):
        again(made, at=NOW)
    end_window(made.tx, made.course, window.id, made.office, NOW)
    assert chances(made, at=at[1]) == []
    with pytest.raises(NothingToRepair):
        end_window(made.tx, made.course, window.id, made.office, NOW)


def test_e07_after_publication_nothing_begins_and_the_report_stays(made: ExamCourse) -> None:
    made.sit(made.learners[0], "midterm", faces=(NO_MATCH,) * 3)
    opened(made)
    sitting = again(made)
    row = issue(made.tx, made.course.id, made.office.id, NOW)
    assert chances(made) == []
    with pytest.raises(NothingToRepair):
        again(made, learner=1)
    # what had begun goes on; the issued report stays as it was
    held(made, sitting)
    assert midterm(made).decision.outcome is Outcome.VERIFIED
    (alice,) = [each for each in document_of(row)["learners"] if each["number"] == "S-0001"]
    (event,) = [each for each in alice["events"] if each["code"] == "midterm"]
    assert event["outcome"] == "pending"


def test_e16_a_centre_is_an_equal_technology_that_is_not_sat_here(made: ExamCourse) -> None:
    opened(made, CENTRE)
    (chance,) = chances(made)
    assert (chance.window.technology, chance.is_open, chance.is_here) == (CENTRE, True, False)
    with pytest.raises(NothingToRepair):
        again(made)
