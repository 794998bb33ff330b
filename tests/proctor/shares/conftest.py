import pytest
from sqlalchemy.orm import Session

from tests.support.exam_course import ExamCourse, exam_course


@pytest.fixture
def made(tx: Session) -> ExamCourse:
    return exam_course(tx)
