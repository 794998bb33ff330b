from datetime import timedelta
from fractions import Fraction

import pytest

from proctor.reports.build import NoScheme, build_report, stream_report
from proctor.reports.document import as_json, canonical, sha256_of
from proctor.shares import evidence, outcomes
from proctor.shares.calculator import Outcome, Share
from tests.support.exam_course import MEASURED, NOW, ExamCourse

pytestmark = pytest.mark.db


def test_design_counts_events_with_an_identity_plan(made: ExamCourse) -> None:
    design = build_report(made.tx, made.course.id, NOW).design
    assert design.count == Share(Fraction(3), Fraction(5))
    assert design.weight == Share(Fraction(80), Fraction(100))
    assert design.met is True


def test_learner_with_all_planned_events_verified_meets_the_share(held: ExamCourse) -> None:
    learners = {row.number: row for row in build_report(held.tx, held.course.id, NOW).learners}
    alice = learners["S-0001"]
    assert [o.decision.outcome for o in alice.outcomes] == [
        Outcome.NOT_PLANNED,
        Outcome.NOT_PLANNED,
        Outcome.VERIFIED,
        Outcome.VERIFIED,
        Outcome.VERIFIED,
    ]
    assert alice.count.low == alice.count.high == Share(Fraction(3), Fraction(5))
    assert (alice.met, alice.met_if_pending_verified) == (True, True)


def test_learner_under_review_has_a_range_and_is_judged_by_its_low_end(held: ExamCourse) -> None:
    learners = {row.number: row for row in build_report(held.tx, held.course.id, NOW).learners}
    bob = learners["S-0002"]
    assert (bob.weight.low.num, bob.weight.high.num) == (0, 60)
    assert (bob.met, bob.met_if_pending_verified) == (False, True)


def test_course_without_a_scheme_has_no_report(made: ExamCourse) -> None:
    for event in made.events.values():
        made.tx.delete(event)
    made.tx.flush()
    made.tx.delete(made.scheme)
    made.tx.flush()
    with pytest.raises(NoScheme):
        build_report(made.tx, made.course.id, NOW)


def test_document_carries_numerators_denominators_and_what_they_rest_on(
    held: ExamCourse,
) -> None:
    document = as_json(build_report(held.tx, held.course.id, NOW))
    assert document["pack"]["edition"] == "2016-05-30"
    assert document["design"]["weight"] == {
        "num": 80,
        "den": 100,
        "percent": "80.00",
        "met": True,
    }
    bob = next(row for row in document["learners"] if row["number"] == "S-0002")
    assert bob["count"] == {
        "low": {"num": 0, "den": 5, "percent": "0.00", "met": False},
        "high": {"num": 2, "den": 5, "percent": "40.00", "met": True},
    }
    final = bob["events"][4]
    assert (final["outcome"], final["sitting"]["recording"]) == (
        "pending",
        {
            "camera_seconds": 88.0,
            "screen_seconds": 88.0,
            "exam_seconds": 90.0,
            "gaps": [
                {"track": track, "start": 88.0, "end": 90.0, "cause": "no_packets"}
                for track in ("camera", "screen")
            ],
        },
    )
    assert final["sitting"]["incidents"] == [
        {"kind": "face_mismatch", "start": 44.0, "end": 86.0, "decision": None},
        {"kind": "paste", "start": 51.0, "end": 51.0, "decision": "confirmed"},
    ]
    assert final["sitting"]["verdicts"][0]["by"] == "Рауан Ахметов"
    assert final["sitting"]["keystroke"]["measured"] == MEASURED
    assert final["sitting"]["models"] == ["keystroke-plda-1", "sface/2021dec-int8bq"]
    assert document["models"] == ["keystroke-plda-1", "sface/2021dec-int8bq"]


def test_share_without_a_denominator_is_null_in_the_document(made: ExamCourse) -> None:
    for event in made.events.values():
        event.weight *= 0
    made.tx.flush()
    document = as_json(build_report(made.tx, made.course.id, NOW))
    assert document["design"] == {
        "count": {"num": 0, "den": 0, "percent": None, "met": None},
        "weight": {"num": 0, "den": 0, "percent": None, "met": None},
        "met": None,
    }


def test_same_facts_give_the_same_text(held: ExamCourse) -> None:
    texts = [canonical(as_json(build_report(held.tx, held.course.id, NOW))) for _ in range(2)]
    later = canonical(as_json(build_report(held.tx, held.course.id, NOW + timedelta(hours=1))))
    assert texts[0] == texts[1]
    assert sha256_of(texts[0]) != sha256_of(later)


def test_term_read_through_gives_what_rows_found_one_by_one_give(
    held: ExamCourse, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = as_json(build_report(held.tx, held.course.id, NOW))
    monkeypatch.setattr(evidence, "_MANY", 0)
    monkeypatch.setattr(outcomes, "_FEW", 0)
    assert as_json(stream_report(held.tx, held.course.id, NOW)) == found
