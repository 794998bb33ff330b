from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import catalogue
from proctor.centres import imports
from proctor.centres.protocols import CentreFinding, findings_of
from proctor.centres.tables import Centre, Document, Protocol, ProtocolEntry
from proctor.exams.intake import Imported
from proctor.exams.sheets import ImportRefused
from tests.support.exam_course import NOW, ExamCourse, exam_course
from tests.support.intake import take_in

pytestmark = pytest.mark.db

CENTRES = """code,name,region,workplaces,invigilators
ATY,Атырау тест орталығы,Атырау,1|2|3,Қайрат Сейітов|Жанна Ким
"""
COLUMNS = (
    "centre_code,protocol,course_code,event_code,held_at,invigilator,signed_on,learner_number,"
    "attended,workplace,identity_document,conditions_controlled\n"
)
ALICE = "ATY,17,DL-101,final,2026-05-19T10:00+05:00,Жанна Ким,2026-05-19,S-0001,yes,1,id_card,yes\n"
BOB = "ATY,17,DL-101,final,2026-05-19T10:00+05:00,Жанна Ким,2026-05-19,S-0002,no,,,no\n"


@pytest.fixture
def made(tx: Session) -> ExamCourse:
    course = exam_course(tx)
    take_in(tx, imports.CENTRES, course.office, CENTRES.encode(), NOW)
    return course


def centres(made: ExamCourse, text: str) -> Imported:
    return take_in(made.tx, imports.CENTRES, made.office, text.encode(), NOW)


def protocols(made: ExamCourse, *lines: str) -> Imported:
    data = (COLUMNS + "".join(lines)).encode()
    return take_in(made.tx, imports.PROTOCOLS, made.office, data, NOW)


def refused(made: ExamCourse, *lines: str) -> list[tuple[int, str, str]]:
    with pytest.raises(ImportRefused) as refusal:
        protocols(made, *lines)
    assert {error.key for error in refusal.value.errors} <= catalogue.known_keys()
    prefix = "office.import.error."
    return [(e.line, e.column, e.key.removeprefix(prefix)) for e in refusal.value.errors]


def test_centres_follow_the_file(made: ExamCourse) -> None:
    assert take_in(made.tx, imports.CENTRES, made.office, CENTRES.encode(), NOW) == Imported(
        0, 0, 1
    )
    later = CENTRES.replace("1|2|3", "1|2|3|4")
    assert centres(made, later) == Imported(0, 1, 0)
    assert made.tx.scalars(select(Centre)).one().workplaces == ["1", "2", "3", "4"]


def test_a_protocol_holds_both_facts_of_each_learner(made: ExamCourse) -> None:
    assert protocols(made, ALICE, BOB) == Imported(1, 0, 0)
    found = findings_of(made.tx, made.course.id)
    assert found[made.learners[0].id, "final"] == CentreFinding(
        centre="Атырау тест орталығы",
        number="17",
        held_at=datetime(2026, 5, 19, 5, 0, tzinfo=UTC),
        signed_on=date(2026, 5, 19),
        attended=True,
        document=Document.ID_CARD,
        conditions=True,
    )
    assert found[made.learners[1].id, "final"].attended is False


def test_the_same_protocol_twice_changes_nothing(made: ExamCourse) -> None:
    protocols(made, ALICE, BOB)
    assert protocols(made, BOB, ALICE) == Imported(0, 0, 1)


def test_a_protocol_may_change_until_it_is_signed(made: ExamCourse) -> None:
    unsigned = ALICE.replace("Жанна Ким,2026-05-19", "Жанна Ким,")
    assert protocols(made, unsigned) == Imported(1, 0, 0)
    assert protocols(made, ALICE, BOB) == Imported(0, 1, 0)
    assert made.tx.query(ProtocolEntry).count() == 2
    changed = ALICE.replace("id_card", "passport")
    assert refused(made, changed, BOB) == [(2, "protocol", "protocol_signed")]


def test_a_correction_under_a_new_number_counts(made: ExamCourse) -> None:
    protocols(made, ALICE.replace("id_card", ""))
    protocols(made, ALICE.replace(",17,", ",17-1,"))
    found = findings_of(made.tx, made.course.id)[made.learners[0].id, "final"]
    assert (found.number, found.document) == ("17-1", Document.ID_CARD)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("ATY", "XXX"), ("centre_code", "unknown_centre")),
        (("Жанна Ким", "Жанна"), ("invigilator", "unknown_invigilator")),
        ((",yes,1,", ",yes,9,"), ("workplace", "unknown_workplace")),
        (("DL-101", "DL-102"), ("course_code", "unknown_course")),
        ((",final,", ",finals,"), ("event_code", "unknown_event")),
        (("S-0001", "S-0009"), ("learner_number", "not_on_roster")),
        ((",2026-05-19,S", ",2026-05-18,S"), ("signed_on", "signed_before")),
        ((",yes,1,", ",no,1,"), ("attended", "absent_but_checked")),
        (("id_card", "driving_licence"), ("identity_document", "not_a_choice")),
        (("id_card,yes", "id_card,1"), ("conditions_controlled", "not_yes_or_no")),
    ],
)
def test_what_is_wrong_with_a_line_is_named_and_nothing_is_taken_in(
    made: ExamCourse, change: tuple[str, str], expected: tuple[str, str]
) -> None:
    assert refused(made, ALICE.replace(*change)) == [(2, *expected)]
    assert made.tx.query(Protocol).count() == 0


def test_lines_of_one_protocol_say_the_same_of_it(made: ExamCourse) -> None:
    other = BOB.replace("Жанна Ким", "Қайрат Сейітов")
    assert refused(made, ALICE, other) == [(3, "protocol", "contradicts")]
    assert refused(made, ALICE, ALICE) == [(3, "learner_number", "repeated")]


def test_an_empty_name_in_a_list_is_refused(made: ExamCourse) -> None:
    with pytest.raises(ImportRefused) as refusal:
        take_in(
            made.tx, imports.CENTRES, made.office, CENTRES.replace("1|2|3", "1||3").encode(), NOW
        )
    assert refusal.value.errors[0].key == "office.import.error.not_a_list"
