from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from proctor.commands.seed import seed_demo
from proctor.exams.policies import default_rules, rules_of
from proctor.exams.roster import learners_of, staff_of
from proctor.exams.schemes import courses_for, events_in_force, questions_of, warnings_of
from proctor.exams.tables import Course, ExamPolicy, QuestionKind
from proctor.reports.build import design_of

pytestmark = pytest.mark.db

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def test_the_demonstration_meets_the_share_by_design(tx: Session) -> None:
    seeded = seed_demo(tx, "Tanu University", NOW)
    events = events_in_force(tx, seeded.course_id)
    assert len(events) == 5
    assert warnings_of(events) == ()
    design = design_of(tx, tx.get_one(Course, seeded.course_id), events)
    assert (design.count.num, design.count.den) == (2, 5)
    assert (design.weight.num, design.weight.den) == (60, 100)
    assert design.met is True


def test_the_final_is_open_now_for_ninety_seconds(tx: Session) -> None:
    seeded = seed_demo(tx, "Tanu University", NOW)
    final = next(e for e in events_in_force(tx, seeded.course_id) if e.id == seeded.final_id)
    assert final.opens_at < NOW < final.closes_at - timedelta(hours=24)
    assert final.duration_s == 90
    assert set(final.identity_plan) == {"proctoring", "biometrics", "keystroke"}
    assert rules_of(tx.get(ExamPolicy, final.policy_id)) == default_rules()
    kinds = [question.kind for question in questions_of(tx, final.id)]
    assert sorted(set(kinds)) == [QuestionKind.CHOICE, QuestionKind.ESSAY, QuestionKind.SHORT]
    assert len(kinds) == 5


def test_people_stay_when_seeded_again(tx: Session) -> None:
    first = seed_demo(tx, "Tanu University", NOW)
    second = seed_demo(tx, "Tanu University", NOW + timedelta(seconds=1))
    assert second.learners == first.learners
    assert second.final_id != first.final_id
    assert len(courses_for(tx, second.office)) == 2
    for seeded in (first, second):
        assert set(learners_of(tx, seeded.course_id)) == set(seeded.learners)
        assert len(staff_of(tx, seeded.course_id)) == 4


def test_every_address_is_one_nobody_can_own(tx: Session) -> None:
    seeded = seed_demo(tx, "Tanu University", NOW)
    people = [seeded.office, seeded.teacher, seeded.proctor, *seeded.reviewers, *seeded.learners]
    assert all(person.email.endswith("@example.org") for person in people)
