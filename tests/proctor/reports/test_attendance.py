import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest
from pypdf import PdfReader

from proctor.exams.tables import Venue
from proctor.reports.attendance import (
    NothingHeld,
    Part,
    attendance,
    attendance_form,
    declarations,
    declarations_form,
)
from proctor.reports.forms import form_csv, form_pdf
from proctor.sittings.declarations import declare
from proctor.sittings.tables import SittingState
from tests.support.exam_course import NOW, ExamCourse

pytestmark = pytest.mark.db

TODAY = NOW.date()


def week(made: ExamCourse, first: date, last: date) -> dict[str, Any]:
    return attendance(made.tx, made.course, Part.ATTESTATION_1, first, last, NOW)


def marks(made: ExamCourse, code: str) -> dict[str, Any]:
    """Marks of the learners in one event."""
    data = week(made, TODAY - timedelta(days=40), TODAY + timedelta(days=5))
    place = [event["code"] for event in data["events"]].index(code)
    return {row["number"]: row["marks"][place] for row in data["learners"]}


def test_only_events_of_the_days_are_on_the_list(held: ExamCourse) -> None:
    # the window of the midterm ends five days ago in the afternoon and began the day before
    day = TODAY - timedelta(days=5)
    assert [each["code"] for each in week(held, day, day)["events"]] == ["midterm"]
    earlier = day - timedelta(days=1)
    assert [each["code"] for each in week(held, earlier, earlier)["events"]] == ["midterm"]
    with pytest.raises(NothingHeld):
        week(held, day + timedelta(days=1), day + timedelta(days=1))
    with pytest.raises(NothingHeld):
        week(held, day, earlier)


def test_who_came_is_present_whatever_became_of_the_identity(held: ExamCourse) -> None:
    final = marks(held, "final")
    # under review is not absent
    assert (final["S-0002"]["attended"], final["S-0002"]["outcome"]) == (True, "pending")
    assert final["S-0002"]["at"] == "2026-05-20T10:00:00Z"
    assert (final["S-0003"]["attended"], final["S-0003"]["not_held"]) == (None, True)
    assert marks(held, "midterm")["S-0002"]["attended"] is False


def test_a_suspended_exam_was_attended(made: ExamCourse) -> None:
    made.sit(made.learners[0], "final", state=SittingState.SUSPENDED)
    assert marks(made, "final")["S-0001"]["attended"] is True


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("kk", "қатысты, 20.05 15:00, тұлға: тексерілуде"),
        ("ru", "явился(лась), 20.05 15:00, личность: на проверке"),
        ("en", "present, 20.05 15:00, identity: under review"),
    ],
)
def test_list_is_read_in_three_languages(held: ExamCourse, locale: str, words: str) -> None:
    form = attendance_form(week(held, TODAY, TODAY), locale)
    (bob,) = [row for row in form.rows if row[0] == "S-0002"]
    assert bob[2] == words
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(form_pdf(form))).pages)
    assert "Бауыржан Өтеғұлов" in text
    assert form.sha256 in text


def test_declared_learner_is_on_the_list_and_sits_the_final_on_site(made: ExamCourse) -> None:
    day = made.course.starts_on - timedelta(days=1)
    declare(made.tx, made.course, made.learners[2], day, made.office, NOW)
    data = declarations(made.tx, made.course, NOW)
    assert [row["number"] for row in data["learners"]] == ["S-0003"]
    lines = list(
        csv.reader(io.StringIO(form_csv(declarations_form(data, "kk")).decode("utf-8-sig")))
    )
    assert lines[1][:3] == ["S-0003", "Дана Һәкімқызы", "31.01.2026"]
    assert marks(made, "final")["S-0003"]["venue"] == Venue.ON_SITE
    assert marks(made, "final")["S-0001"]["venue"] == Venue.ONLINE
