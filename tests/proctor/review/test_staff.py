"""What the staff of a course is told, and who of it."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from proctor.exams.tables import CourseStaff, StaffRole
from proctor.people.notices import NoticeKind, notices_of, see_all
from proctor.people.post import words_of
from proctor.people.tables import Account
from proctor.plumbing.db import Database
from proctor.review.looks import record_view
from proctor.review.precision import LEAST_CASES
from proctor.review.reminders import remind
from proctor.review.staff import staff_who
from proctor.review.statements import appeal
from proctor.review.tables import Decision
from proctor.review.verdicts import decide_identity, decide_incident
from proctor.vault import Vault
from tests.support.cast import NOON, assemble
from tests.support.sittings import incident_of, sitting_of

pytestmark = pytest.mark.db

REASON = "It is plain in the recording."


def told(tx: Session, *people: Account) -> list[list[tuple[NoticeKind, str]]]:
    return [[(each.kind, each.path) for each in notices_of(tx, person.id)] for person in people]


def test_reviewers_are_told_of_an_exam_once_until_they_read_it(database: Database) -> None:
    later = NOON + timedelta(minutes=5)
    with database.transaction() as tx:
        cast = assemble(tx)
        for learner in (cast.alice, cast.bob):
            incident_of(tx, sitting_of(tx, cast, learner, NOON), "paste", 5, 5)
    remind(database, NOON)
    waits = (NoticeKind.REVIEW, f"/review?exam={cast.final.id}")
    with database.transaction() as tx:
        assert told(tx, cast.rita, cast.rustam) == [[waits], [waits]]
        assert told(tx, cast.paula, cast.quentin, cast.olga) == [[], [], []]
        see_all(tx, cast.rita.id, NOON)
        incident_of(tx, sitting_of(tx, cast, cast.charlie, later), "paste", 5, 5)
    remind(database, later)
    remind(database, later)
    with database.reading() as tx:
        assert [len(each) for each in told(tx, cast.rita, cast.rustam)] == [2, 1]


def test_proctors_are_told_where_nobody_reviews_and_teachers_never(tx: Session) -> None:
    cast = assemble(tx)
    assert staff_who(tx, cast.other_course.id, StaffRole.REVIEWER) == []
    assert staff_who(tx, cast.other_course.id, StaffRole.PROCTOR) == [cast.quentin]
    for role in (StaffRole.TEACHER, StaffRole.REVIEWER):
        tx.add(CourseStaff(course_id=cast.other_course.id, account_id=cast.tom.id, role=role))
    tx.flush()
    assert staff_who(tx, cast.other_course.id, StaffRole.REVIEWER) == []


def test_a_second_person_and_whoever_can_rule_on_an_appeal_are_asked(tx: Session) -> None:
    cast, vault = assemble(tx), Vault(bytes(32))
    sitting = sitting_of(tx, cast, cast.alice, NOON)
    page = f"/review/sittings/{sitting.id}"
    for person in (cast.rita, cast.rustam):
        record_view(tx, person.id, sitting.id, "recording", "camera", NOON)

    decide_identity(tx, cast.rita, sitting, Decision.UNVERIFIED, REASON, NOON)
    second = (NoticeKind.SECOND, page)
    assert told(tx, cast.rita, cast.rustam, cast.paula) == [[], [second], [second]]

    later = NOON + timedelta(minutes=1)
    decide_identity(tx, cast.rustam, sitting, Decision.UNVERIFIED, REASON, later)
    appeal(tx, vault, sitting, None, "It was me all the time.", later)
    appealed = (NoticeKind.APPEAL, page)
    assert told(tx, cast.rita, cast.rustam) == [[], [second]]
    assert sorted(told(tx, cast.paula)[0]) == [appealed, second]


def test_the_office_is_told_which_detector_is_off(tx: Session) -> None:
    cast = assemble(tx)
    sitting = sitting_of(tx, cast, cast.alice, NOON)
    record_view(tx, cast.rita.id, sitting.id, "recording", "camera", NOON)
    for second in range(LEAST_CASES):
        row = incident_of(tx, sitting, "paste", second, second)
        decide_incident(tx, cast.rita, sitting, row.id, Decision.DISMISSED, REASON, NOON)

    assert told(tx, cast.olga, cast.rita) == [[(NoticeKind.DETECTOR, "/office/quality")], []]
    (notice,) = notices_of(tx, cast.olga.id)
    assert words_of("en", notice)["title"] == "A detector is off: Text not typed but inserted"
