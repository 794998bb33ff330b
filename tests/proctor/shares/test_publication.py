from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from proctor import events
from proctor.exams.schemes import add_version, newest_scheme
from proctor.exams.tables import AssessmentEvent, CourseKind
from proctor.shares.calculator import Share
from proctor.shares.packs import Basis, pack
from proctor.shares.publication import (
    AlreadyPublished,
    BelowShare,
    NothingAssessed,
    NotReviewed,
    publication_of,
    publish,
    require_share,
)
from proctor.shares.tables import Publication
from tests.support.exam_course import NOW, ExamCourse

pytestmark = pytest.mark.db

KZ = pack("KZ-137-2016")
RECORDS = {"expertise": "№ 12, 14.01.2026", "pilot": "№ 3, 20.01.2026"}


def rescheme(made: ExamCourse, *weights: tuple[str, bool]) -> None:
    """A new version of the scheme: weight of each event and whether it has an identity plan."""
    rows = []
    for n, (weight, planned) in enumerate(weights):
        old = made.events["final" if planned else "quiz-1"]
        rows.append(
            AssessmentEvent(
                code=f"e{n}",
                title=old.title,
                kind=old.kind,
                weight=Decimal(weight),
                mode=old.mode,
                venue=old.venue,
                opens_at=old.opens_at,
                closes_at=old.closes_at,
                duration_s=90,
                identity_plan=["proctoring"] if planned else [],
            )
        )
    add_version(made.tx, made.course, rows, NOW)


def published(made: ExamCourse) -> Publication:
    return publish(made.tx, made.course, made.office, NOW, **RECORDS)


def test_a_course_at_exactly_thirty_percent_is_published(made: ExamCourse) -> None:
    rescheme(made, ("30", True), ("70", False))
    row = published(made)
    assert row.shares == {"pack": "KZ-137-2016", "count": [1, 2], "weight": [30, 100]}
    (fact,) = events.read(made.tx, f"course:{made.course.id}", "course_published")
    assert (fact.payload["weight"], fact.payload["scheme_version"]) == ([30, 100], 2)


def test_a_course_at_29_99_percent_is_refused_with_both_numbers(made: ExamCourse) -> None:
    rescheme(made, ("29.999999", True), ("70.000001", False))
    with pytest.raises(BelowShare) as refused:
        published(made)
    assert refused.value.ids == {"count": "50.00", "weight": "29.99", "needed": "30.00"}


def test_the_count_alone_below_the_share_is_refused_too(made: ExamCourse) -> None:
    rescheme(made, ("70", True), ("10", False), ("10", False), ("10", False))
    with pytest.raises(BelowShare) as refused:
        published(made)
    assert refused.value.ids["count"] == "25.00"


def test_the_basis_of_the_pack_says_which_share_must_reach_it() -> None:
    quarter, half = Share(Fraction(1), Fraction(4)), Share(Fraction(1), Fraction(2))
    require_share(quarter, half, replace(KZ, basis=Basis.WEIGHT))
    with pytest.raises(BelowShare):
        require_share(quarter, half, replace(KZ, basis=Basis.COUNT))


def test_a_scheme_in_which_nothing_counts_is_refused(made: ExamCourse) -> None:
    rescheme(made, ("0", True))
    with pytest.raises(NothingAssessed):
        published(made)


@pytest.mark.parametrize("record", ["expertise", "pilot"])
def test_expertise_and_pilot_come_before_publication(made: ExamCourse, record: str) -> None:
    with pytest.raises(NotReviewed):
        publish(made.tx, made.course, made.office, NOW, **(RECORDS | {record: " "}))


def test_a_version_is_published_once_and_the_next_one_anew(made: ExamCourse) -> None:
    published(made)
    with pytest.raises(AlreadyPublished):
        published(made)
    rescheme(made, ("50", True), ("50", False))
    scheme = newest_scheme(made.tx, made.course.id)
    assert scheme is not None and publication_of(made.tx, scheme) is None
    assert published(made).scheme_id == scheme.id


def test_only_online_courses_pass_a_gate(made: ExamCourse) -> None:
    made.course.kind = CourseKind.BLENDED
    with pytest.raises(AlreadyPublished):
        published(made)
