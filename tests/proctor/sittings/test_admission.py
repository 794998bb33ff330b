from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from proctor.exams.control import CONTROL
from proctor.exams.dispensations import DISPENSATIONS
from proctor.exams.schemes import EventNotFound
from proctor.exams.sheets import ImportRefused
from proctor.exams.tables import Demand
from proctor.reports.build import build_report
from proctor.reports.document import as_json
from proctor.reports.exam_sheet import exam_sheet, sheet_form
from proctor.reports.forms import form_xlsx
from proctor.shares.calculator import Outcome
from proctor.sittings import admission
from proctor.sittings.admission import AdmissionRing, NotAdmitted, ReasonNeeded
from tests.support.exam_course import NOW, ExamCourse, exam_course
from tests.support.intake import take_in

pytestmark = pytest.mark.db

BEFORE = ("quiz-1", "quiz-2", "essay", "midterm")


@pytest.fixture
def made(tx: Session) -> ExamCourse:
    return exam_course(tx)


def rule(made: ExamCourse, demand: Demand = Demand.SUBMITTED, *codes: str) -> None:
    asked = codes or BEFORE
    admission.set_rule(made.tx, made.course, "final", asked, demand, made.office, NOW)


def reported(made: ExamCourse, outcome: str, *codes: str) -> None:
    lines = "".join(f"DL-101,{code},S-0001,{outcome}\n" for code in codes)
    data = f"course_code,event_code,learner_number,outcome\n{lines}".encode()
    take_in(made.tx, CONTROL, made.office, data, NOW)


def lacks(made: ExamCourse) -> tuple[str, ...]:
    alice = made.learners[0].id
    return admission.lacking(made.tx, made.course, "final", [alice]).get(alice, ())


def test_without_a_rule_nobody_lacks_anything(made: ExamCourse) -> None:
    assert lacks(made) == ()


def test_one_missing_event_is_named(made: ExamCourse) -> None:
    rule(made)
    made.sit(made.learners[0], "essay")
    made.sit(made.learners[0], "midterm")
    reported(made, "submitted", "quiz-1")
    assert lacks(made) == ("quiz-2",)
    with pytest.raises(NotAdmitted) as refused:
        admission.require_admitted(made.tx, made.course, "final", made.learners[0].id)
    assert refused.value.ids == {"missing": "2-тапсырма"}
    reported(made, "not_passed", "quiz-2")
    admission.require_admitted(made.tx, made.course, "final", made.learners[0].id)


def test_passing_is_what_the_teacher_says(made: ExamCourse) -> None:
    rule(made, Demand.PASSED, "essay")
    made.sit(made.learners[0], "essay")
    reported(made, "submitted", "essay")
    assert lacks(made) == ("essay",)
    reported(made, "passed", "essay")
    assert lacks(made) == ()


def test_what_is_excused_or_cancelled_is_not_asked_for(made: ExamCourse) -> None:
    rule(made, Demand.SUBMITTED, "quiz-1", "quiz-2")
    header = "course_code,event_code,learner_number,reason\n"
    data = f"{header}DL-101,quiz-1,,№ 1\nDL-101,quiz-2,S-0001,№ 2\n".encode()
    take_in(made.tx, DISPENSATIONS, made.office, data, NOW)
    assert lacks(made) == ()


def test_an_override_lets_in_and_marks_report_and_sheet(made: ExamCourse) -> None:
    rule(made)
    alice = made.learners[0]
    with pytest.raises(ReasonNeeded):
        admission.override(made.tx, made.course, "final", alice, " short ", made.office, NOW)
    reason = "Ректордың 14 бұйрығы бойынша"
    admission.override(made.tx, made.course, "final", alice, reason, made.office, NOW)
    admission.require_admitted(made.tx, made.course, "final", alice.id)
    made.sit(alice, "final")
    report = as_json(build_report(made.tx, made.course.id, NOW, learner=alice))
    (learner,) = report["learners"]
    final = next(event for event in learner["events"] if event["code"] == "final")
    assert (final["outcome"], final["reasons"]) == (Outcome.VERIFIED, ["admitted_by_override"])
    sheet = exam_sheet(made.tx, made.course, "final", NOW)
    assert [row["number"] for row in sheet["learners"] if row["by_override"]] == ["S-0001"]
    assert form_xlsx(sheet_form(sheet, "en"))


def test_a_rule_names_events_of_the_scheme_and_can_be_ended(made: ExamCourse) -> None:
    for codes in (("final",), ("nothing",)):
        with pytest.raises(EventNotFound):
            rule(made, Demand.SUBMITTED, *codes)
    rule(made)
    later = NOW + timedelta(minutes=1)
    admission.set_rule(made.tx, made.course, "final", (), Demand.SUBMITTED, made.office, later)
    assert admission.rule_of(made.tx, made.course.id, "final") is None


def test_no_event_is_to_be_done_before_itself(made: ExamCourse) -> None:
    def ask(code: str, *requires: str) -> None:
        admission.set_rule(made.tx, made.course, code, requires, Demand.SUBMITTED, made.office, NOW)

    ask("final", "midterm", "quiz-1")
    ask("midterm", "essay")
    with pytest.raises(AdmissionRing) as refused:
        ask("essay", "quiz-1", "final")
    assert refused.value.ids == {"events": "Қорытынды емтихан"}
    assert admission.rule_of(made.tx, made.course.id, "essay") is None
    # what is asked for twice is no ring
    ask("essay", "quiz-1")


def test_a_report_of_a_stranger_or_an_unknown_event_is_refused(made: ExamCourse) -> None:
    data = b"course_code,event_code,learner_number,outcome\nDL-101,nothing,S-9,passed\n"
    with pytest.raises(ImportRefused) as refused:
        take_in(made.tx, CONTROL, made.office, data, NOW)
    assert [error.column for error in refused.value.errors] == ["event_code", "learner_number"]
