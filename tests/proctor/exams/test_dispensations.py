import pytest
from sqlalchemy.orm import Session

from proctor import catalogue
from proctor.exams.dispensations import DISPENSATIONS, dispensations_of
from proctor.exams.intake import Imported
from proctor.exams.sheets import ImportRefused
from tests.support.exam_course import NOW, ExamCourse, exam_course
from tests.support.intake import take_in

pytestmark = pytest.mark.db

FILE = """course_code,event_code,learner_number,reason
DL-101,quiz-1,,Жоспардан шығарылды
DL-101,midterm,S-0001,№ 14 анықтама
"""


@pytest.fixture
def made(tx: Session) -> ExamCourse:
    return exam_course(tx)


def test_without_a_number_an_event_is_cancelled_for_all(made: ExamCourse) -> None:
    assert take_in(made.tx, DISPENSATIONS, made.office, FILE.encode(), NOW) == Imported(2, 0, 0)
    found = dispensations_of(made.tx, made.course.id)
    assert found.cancelled == {"quiz-1": "Жоспардан шығарылды"}
    assert found.excused == {(made.learners[0].id, "midterm"): "№ 14 анықтама"}


def test_the_same_file_twice_changes_nothing(made: ExamCourse) -> None:
    take_in(made.tx, DISPENSATIONS, made.office, FILE.encode(), NOW)
    assert take_in(made.tx, DISPENSATIONS, made.office, FILE.encode(), NOW) == Imported(0, 0, 2)


def test_what_is_unknown_is_named_and_nothing_is_taken_in(made: ExamCourse) -> None:
    wrong = FILE + "DL-101,oral,S-9,x\nDL-9,final,,x\nDL-101,quiz-1,,again\n"
    with pytest.raises(ImportRefused) as refusal:
        take_in(made.tx, DISPENSATIONS, made.office, wrong.encode(), NOW)
    assert {error.key for error in refusal.value.errors} <= catalogue.known_keys()
    assert [(e.line, e.column, e.key.rsplit(".", 1)[1]) for e in refusal.value.errors] == [
        (4, "event_code", "unknown_event"),
        (4, "learner_number", "not_on_roster"),
        (5, "course_code", "unknown_course"),
        (6, "learner_number", "repeated"),
    ]
    assert dispensations_of(made.tx, made.course.id).cancelled == {}
