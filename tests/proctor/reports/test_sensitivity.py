"""What a stricter operating point of the face model would change, from the scores on record."""

import pytest
from sqlalchemy import update

from proctor.catalogue import LOCALES
from proctor.identity import calibrations
from proctor.identity.tables import IdentityCheck
from proctor.inference.opened import face_comparison
from proctor.reports.build import build_report
from proctor.reports.document import Json, as_json
from proctor.reports.wording import printed
from proctor.review.tables import Decision
from proctor.shares.calculator import Outcome
from proctor.sittings.tables import Sitting
from tests.support.exam_course import NOW, ExamCourse

pytestmark = pytest.mark.db

STRICTER = face_comparison("opencv").operating_points["enrolment"].threshold
BELOW = STRICTER - 0.001


def scored(made: ExamCourse, sitting: Sitting, score: float | None) -> None:
    made.tx.execute(
        update(IdentityCheck)
        .where(IdentityCheck.sitting_id == sitting.id, IdentityCheck.modality == "face")
        .values(score=score)
    )


def sensitivity(made: ExamCourse) -> Json:
    found: Json = as_json(build_report(made.tx, made.course.id, NOW))["sensitivity"]
    return found


@pytest.fixture
def alice(made: ExamCourse) -> list[Sitting]:
    """Alice has exactly 40 of 100 by weight and 2 of 5 by count: the essay and the midterm."""
    return [made.sit(made.learners[0], code) for code in ("essay", "midterm")]


def test_scores_at_the_stricter_point_change_nothing(
    made: ExamCourse, alice: list[Sitting]
) -> None:
    scored(made, alice[1], STRICTER)
    assert sensitivity(made) == {
        "points": [
            {
                "model": "sface/2021dec-int8bq",
                "fmr_percent": "0.01",
                "threshold": "0.428",
                "stricter_fmr_percent": "0.001",
                "stricter_threshold": "0.479",
            }
        ],
        "reason": None,
        "met": 1,
        "met_stricter": 1,
        "events_pending": 0,
        "learners_unknown": 0,
    }


def test_scores_below_it_take_the_event_and_the_share_away(
    made: ExamCourse, alice: list[Sitting]
) -> None:
    scored(made, alice[1], BELOW)
    report = build_report(made.tx, made.course.id, NOW)
    learner = next(each for each in report.learners if each.number == "S-0001")
    assert [each.stricter for each in learner.outcomes][2:4] == [Outcome.VERIFIED, Outcome.PENDING]
    # what the report says of the learner stays as it was decided
    assert (learner.outcomes[3].decision.outcome, learner.met) == (Outcome.VERIFIED, True)
    found = sensitivity(made)
    assert (found["met"], found["met_stricter"], found["events_pending"]) == (1, 0, 1)


def test_event_without_face_comparison_in_its_plan_stays(
    made: ExamCourse, alice: list[Sitting]
) -> None:
    scored(made, alice[0], BELOW)
    assert sensitivity(made)["met_stricter"] == 1


def test_what_a_person_decided_stays(made: ExamCourse, alice: list[Sitting]) -> None:
    scored(made, alice[1], BELOW)
    made.decide(alice[1], 0, Decision.VERIFIED)
    assert sensitivity(made)["met_stricter"] == 1
    scored(made, alice[1], None)
    assert sensitivity(made)["learners_unknown"] == 0


def test_learner_without_scores_is_counted_apart(made: ExamCourse, alice: list[Sitting]) -> None:
    scored(made, alice[1], None)
    found = sensitivity(made)
    assert (found["met"], found["met_stricter"], found["learners_unknown"]) == (1, 0, 1)


def test_model_without_operating_points_is_not_guessed_at(
    made: ExamCourse, alice: list[Sitting]
) -> None:
    made.tx.execute(update(IdentityCheck).values(model_id="other/1"))
    found = sensitivity(made)
    assert (found["reason"], found["met_stricter"]) == ("no_operating_point", None)


def test_course_without_comparisons_says_so(made: ExamCourse) -> None:
    found = sensitivity(made)
    assert (found["points"], found["reason"], found["met"]) == ([], "no_comparison", None)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_line_has_words(made: ExamCourse, alice: list[Sitting], locale: str) -> None:
    scored(made, alice[1], None)
    document = as_json(build_report(made.tx, made.course.id, NOW))
    said = printed(document, locale).sensitivity
    assert len(said) == 4
    for reason in ("no_comparison", "no_operating_point"):
        document["sensitivity"]["reason"] = reason
        assert len(printed(document, locale).sensitivity) == 1


def test_report_of_before_it_was_computed_prints_without(made: ExamCourse) -> None:
    document = as_json(build_report(made.tx, made.course.id, NOW))
    del document["sensitivity"]
    assert printed(document, "en").sensitivity == ()


def test_an_own_calibration_has_the_points_of_its_model_and_is_named(
    made: ExamCourse, alice: list[Sitting]
) -> None:
    scored(made, alice[1], BELOW)
    own = "sface/2021dec-int8bq+own2"
    made.tx.execute(
        update(IdentityCheck).where(IdentityCheck.modality == "face").values(model_id=own)
    )
    card, home = face_comparison("opencv"), made.course.institution_id
    measured = {"centred": {"verification": {"fmr": 0.00005}}}
    for threshold in (None, 0.45):
        calibrations.put_in_force(made.tx, card, home, measured, NOW, threshold=threshold)
    document = as_json(build_report(made.tx, made.course.id, NOW))
    (point,) = document["sensitivity"]["points"]
    assert (point["model"], point["threshold"], point["fmr_percent"]) == (own, "0.45", "0.005")
    assert point["stricter_threshold"] == "0.479"
    assert (document["sensitivity"]["met"], document["sensitivity"]["met_stricter"]) == (1, 0)
    for locale in LOCALES:
        (line,) = [line for line in printed(document, locale).models if "own2" in line]
        assert len(line) > len(own)
        lines = len(printed(document, locale).sensitivity)
        same = {**document["sensitivity"], "points": [{**point, "threshold": "0.479"}]}
        # of two thresholds that are one there is nothing to say
        assert len(printed({**document, "sensitivity": same}, locale).sensitivity) == lines - 1
