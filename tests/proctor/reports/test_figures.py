"""Figures of the overview: the same people and seconds as the report of the course has."""

from datetime import date, timedelta
from fractions import Fraction

import pytest

from proctor.exams.roster import roster_of
from proctor.identity.enrolment import FACE_SAMPLES, KEY_SAMPLES, count_pending
from proctor.identity.tables import Modality, Reference, ReferenceState
from proctor.reports.build import build_report
from proctor.reports.figures import (
    CourseFigures,
    Month,
    Tally,
    changed_stands,
    course_body,
    course_figures,
    institution_body,
    institution_figures,
    keep,
    keep_stands,
    learners_who_stand,
    of_course,
    of_institution,
)
from proctor.reports.issue import issue
from proctor.reports.overview import CourseState, overview
from proctor.reports.tables import Stand
from proctor.review.tables import Decision
from proctor.vault import SubjectKey
from tests.support.exam_course import EXAM_S, NOW, ExamCourse

pytestmark = pytest.mark.db

DAY = date(2026, 5, 20)


def gather(made: ExamCourse, part: int = 2) -> CourseFigures:
    """As the bookkeeper does it, *part* learners at a time."""
    tally, learners = Tally(made.course, NOW), roster_of(made.tx, made.course.id)
    for start in range(0, len(learners), part):
        stands = tally.add(made.tx, learners[start : start + part])
        if changed := changed_stands(made.tx, made.course.id, stands):
            keep_stands(made.tx, made.course.id, changed)
    keep(made.tx, of_course(made.course.id), course_body(made.tx, tally), NOW)
    made.tx.flush()
    return course_figures(made.tx, [made.course.id])[made.course.id]


def enrol(made: ExamCourse, modality: Modality, samples: int, **other: object) -> None:
    given = {"state": ReferenceState.PENDING, "created_at": NOW, "account_id": made.learners[0].id}
    row = Reference(
        modality=modality,
        model_id="m/1",
        samples=samples,
        sealed=b"",
        expires_at=NOW + timedelta(days=365),
        **(given | other),
    )
    made.tx.add(row)
    made.tx.flush()


def test_everybody_stands_as_the_report_says(held: ExamCourse) -> None:
    found = gather(held)
    expected = {
        (True, True): Stand.MET,
        (False, True): Stand.OPEN,
        (False, False): Stand.BELOW,
    }
    of_report = {
        each.number: expected[each.met or False, each.met_if_pending_verified or False]
        for each in build_report(held.tx, held.course.id, NOW).learners
    }
    listed = {
        person.learner_number: stand
        for stand in Stand
        for person in learners_who_stand(held.tx, held.course.id, stand, skip=0, most=9)
    }
    assert listed == of_report
    assert listed == {"S-0001": Stand.MET, "S-0002": Stand.OPEN, "S-0003": Stand.OPEN}
    assert found.stands == {Stand.MET: 1, Stand.OPEN: 2}
    # only what changed is written again
    stands = Tally(held.course, NOW).add(held.tx, roster_of(held.tx, held.course.id))
    assert changed_stands(held.tx, held.course.id, stands) == {}


def test_coverage_reviews_and_recordings_add_up(held: ExamCourse) -> None:
    found = gather(held)
    by_event = {each.event: each for each in found.coverage}
    assert {each.day for each in by_event.values()} == {DAY}
    final = by_event["final"]
    # both tracks; Bob's has 88 of 90 seconds on each
    assert (final.sittings, final.exam_s, final.recorded_s) == (2, 4 * EXAM_S, 2 * (90 + 88))
    assert by_event["essay"].sittings == 3
    # Bob's final: an undecided incident about identity beside a decided one
    assert found.waiting == {DAY: 1}
    files = found.recordings
    assert (files.files, files.bytes, files.first, files.last) == (12, 12_000_000, DAY, DAY)


def test_a_proposal_waits_for_the_second_person(made: ExamCourse) -> None:
    # nobody can meet the share any more: what is left weighs 40 %, and is one event in five
    assert gather(made).stands == {Stand.BELOW: 3}
    sitting = made.sit(made.learners[0], "midterm")
    assert gather(made).waiting == {}
    made.decide(sitting, 0, Decision.VOID)
    assert gather(made).waiting == {DAY: 1}
    made.decide(sitting, 1, Decision.VOID, minute=1)
    assert gather(made).waiting == {}


def test_the_institution_keeps_samples_until_a_month_and_says_who_was_erased(
    made: ExamCourse,
) -> None:
    enrol(made, Modality.FACE, FACE_SAMPLES)
    enrol(made, Modality.FACE, FACE_SAMPLES, account_id=made.learners[1].id)
    enrol(made, Modality.KEYSTROKE, KEY_SAMPLES, state=ReferenceState.CONFIRMED)
    enrol(made, Modality.KEYSTROKE, KEY_SAMPLES, state=ReferenceState.REVOKED)
    made.tx.add(SubjectKey(account_id=made.learners[2].id, wrapped=b"", destroyed_at=NOW))
    made.tx.flush()
    body = institution_body(made.tx, made.institution.id)
    keep(made.tx, of_institution(made.institution.id), body, NOW)
    found = institution_figures(made.tx, made.institution.id)
    assert found is not None
    assert found.months == (Month(2027, 5, face=2, keystroke=1),)
    assert (found.revoked, found.erased) == (1, {DAY: 1})
    # two wait; one that is not complete does not
    enrol(made, Modality.KEYSTROKE, KEY_SAMPLES - 1)
    assert count_pending(made.tx, made.institution.id) == (2, NOW)
    assert count_pending(made.tx, "another") == (0, None)


def test_the_overview_shows_courses_by_state_and_reviews_by_age(held: ExamCourse) -> None:
    tx, office = held.tx, held.office
    before = overview(tx, office, "", "", NOW)
    assert (before.not_gathered, before.as_of, before.map.rows) == (1, None, ())
    gather(held)
    found = overview(tx, office, "", "", NOW)
    assert found.states == {CourseState.UNDER_WAY: 1}
    assert (found.not_gathered, found.as_of, found.ages) == (0, NOW, (1, 0, 0, 0))
    (row,) = found.map.rows
    # a Wednesday; 10 of 10 sittings but 4 of 1 080 seconds
    assert found.map.columns == (date(2026, 5, 18),)
    assert (row.whole.sittings, row.whole.percent, row.whole.level) == (6, 99, 4)
    days = [0, 1, 2, 3, 4, 7, 8, 60]
    ages = [overview(tx, office, "", "", NOW + timedelta(days=n)).ages for n in days]
    assert [age.index(1) for age in ages] == [0, 0, 1, 1, 2, 2, 3, 3]
    after = NOW + timedelta(days=12)
    assert overview(tx, office, "", "", after).states == {CourseState.OVER: 1}
    issue(tx, held.course.id, office.id, after)
    assert overview(tx, office, "", "", after).states == {CourseState.REPORTED: 1}
    # an offering alone: its events by day
    found = overview(held.tx, held.office, "2026-02-01/2026-05-31", held.course.id, NOW)
    assert [row.name for row in found.map.rows] == ["Қорытынды емтихан", "Аралық бақылау", "Эссе"]
    assert found.map.columns == (DAY,)
    percent = int(100 * Fraction(178, 180))
    assert [row.whole.percent for row in found.map.rows] == [percent, 100, 100]
    elsewhere = overview(held.tx, held.office, "2020-01-01/2020-05-31", "", NOW)
    assert (elsewhere.lines, elsewhere.ages) == ((), (0, 0, 0, 0))
    office.institution_id = "another"
    with tx.no_autoflush:
        assert overview(tx, office, "", "", NOW).lines == ()
