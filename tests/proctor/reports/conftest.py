import pytest
from sqlalchemy.orm import Session

from proctor.identity.tables import CheckResult
from proctor.reports.issue import issue
from proctor.reports.tables import IssuedReport
from proctor.review.tables import Decision
from tests.support.exam_course import NOW, ExamCourse, exam_course


@pytest.fixture
def made(tx: Session) -> ExamCourse:
    return exam_course(tx)


@pytest.fixture
def held(made: ExamCourse) -> ExamCourse:
    """Alice is verified throughout, Bob's final is under review, Dana only wrote the essay."""
    alice, bob, dana = made.learners
    for code in ("essay", "midterm", "final"):
        made.sit(alice, code)
    final = made.sit(bob, "final", recorded_s=88.0)
    made.incident(final, "face_mismatch", 44.0, 86.0)
    paste = made.incident(final, "paste", 51.0, 51.0)
    made.decide(final, 0, Decision.CONFIRMED, incident=paste, reason='=HYPERLINK("x") қойылған')
    made.sit(bob, "essay", keys=CheckResult.NO_MATCH)
    made.sit(dana, "essay")
    return made


@pytest.fixture
def report(held: ExamCourse) -> IssuedReport:
    return issue(held.tx, held.course.id, held.office.id, NOW)
