import io
from datetime import timedelta

import pytest
from pypdf import PdfReader

from proctor import events
from proctor.exams.sheets import ImportRefused
from proctor.people.tables import Account, Institution, Role
from proctor.reports.certificate_form import (
    CertificateForm,
    FormRefused,
    Results,
    form_of,
    results_of,
)
from proctor.reports.certificate_pdf import certificate_pdf
from proctor.reports.certificate_register import rule, status_of
from proctor.reports.certificates import (
    CertificateNotFound,
    certificate,
    document_of,
    issue_certificates,
)
from proctor.reports.document import sha256_of
from proctor.reports.tables import Certificate, CertificateStatus
from proctor.review.tables import Decision
from proctor.sittings.tables import Sitting
from tests.support.certificates import FORM, PASSED, URL
from tests.support.exam_course import NOW, ExamCourse

pytestmark = pytest.mark.db


def issued(
    made: ExamCourse,
    learner: Account,
    passed: frozenset[str] = PASSED,
    form: CertificateForm | None = None,
    url: str = URL,
) -> Certificate | tuple[str, ...]:
    results = Results({learner.learner_number or "": passed}, {})
    ((_, row),) = issue_certificates(
        made.tx, made.course, [learner], form or form_of(FORM), results, url, NOW
    )
    return row


def given(made: ExamCourse, learner: Account) -> Certificate:
    row = issued(made, learner)
    assert isinstance(row, Certificate)
    return row


def test_certificate_binds_the_holder_the_link_and_the_share(held: ExamCourse) -> None:
    row = given(held, held.learners[0])
    document = document_of(row)
    assert document["holder"] == {"name": "Әлия Серікқызы", "number": "S-0001", "studies": ""}
    assert document["link"] == f"{URL}/certificates/{row.id}"
    assert document["identity"]["weight"] == {
        "num": 80,
        "den": 100,
        "percent": "80.00",
        "met": True,
    }
    assert row.sha256 == sha256_of(row.body)


def test_numbers_have_no_gaps_and_ids_cannot_be_guessed(held: ExamCourse) -> None:
    rows = []
    free = form_of(FORM).model_copy(update={"requires_share": False})
    assert isinstance(issued(held, held.learners[2], frozenset()), tuple)
    for learner in held.learners:
        row = issued(held, learner, form=free)
        assert isinstance(row, Certificate)
        rows.append(row)
    assert [row.number for row in rows] == [1, 2, 3]
    assert all(len(row.id) == 32 for row in rows)


def test_what_is_lacking_is_named(held: ExamCourse) -> None:
    dana = held.learners[2]
    assert issued(held, dana, PASSED - {"final", "quiz-1"}) == (
        "not_passed:quiz-1",
        "not_passed:final",
        "below_share:20.00/20.00",
    )
    assert issued(held, held.learners[0], url="https://elsewhere.example.com") == (
        "other_domain:elsewhere.example.com",
    )
    # a domain that only ends alike is another domain
    assert issued(held, held.learners[0], url="https://nottanu.example.org") == (
        "other_domain:nottanu.example.org",
    )
    dana.learner_number = None
    assert issued(held, dana) == ("no_learner_number",)


def test_a_learner_gets_one_certificate_per_course(held: ExamCourse) -> None:
    given(held, held.learners[0])
    assert issued(held, held.learners[0]) == ("already_issued:1",)


def test_pending_events_do_not_reach_the_share(held: ExamCourse) -> None:
    assert issued(held, held.learners[1]) == ("below_share:0.00/0.00",)


def ruled(held: ExamCourse, row: Certificate, status: str, by: Account, minute: int = 0) -> str:
    at = NOW + timedelta(minutes=minute)
    return rule(held.tx, row.id, CertificateStatus(status), "Комиссия шешімі № 4", by, at)


def test_later_decision_puts_it_under_review_and_a_ruling_counts(held: ExamCourse) -> None:
    row = given(held, held.learners[0])
    assert status_of(held.tx, row, NOW) is CertificateStatus.VALID
    sittings = held.tx.query(Sitting).filter_by(account_id=held.learners[0].id)
    for sitting in sittings:
        held.decide(sitting, 0, Decision.UNVERIFIED)
        held.decide(sitting, 1, Decision.UNVERIFIED, minute=1)
    body = row.body
    assert status_of(held.tx, row, NOW) is CertificateStatus.UNDER_REVIEW
    held.reviewers[0].role = Role.ADMIN
    for by, status in ((held.office, "under_review"), (held.reviewers[0], "revoked")):
        assert ruled(held, row, "revoked", by) == status
    assert certificate(held.tx, row.id).body == body
    # what is better for the holder one person decides, and revoking begins anew
    assert ruled(held, row, "valid", held.office, 1) == "valid"
    assert ruled(held, row, "revoked", held.office, 2) == "under_review"
    assert ruled(held, row, "revoked", held.office, 3) == "under_review"
    facts = [event.payload for event in events.read(held.tx, f"course:{held.course.id}")]
    assert [fact["by"] for fact in facts if "status" in fact][:2] == [
        held.office.id,
        held.reviewers[0].id,
    ]


def test_a_decision_after_it_was_restored_counts_again(held: ExamCourse) -> None:
    row = given(held, held.learners[0])
    assert ruled(held, row, "valid", held.office) == "valid"
    for sitting in held.tx.query(Sitting).filter_by(account_id=held.learners[0].id):
        held.decide(sitting, 0, Decision.UNVERIFIED, minute=35)
        held.decide(sitting, 1, Decision.UNVERIFIED, minute=36)
    assert status_of(held.tx, row, NOW) is CertificateStatus.UNDER_REVIEW


def test_nobody_rules_on_a_certificate_of_another_institution(held: ExamCourse) -> None:
    row = given(held, held.learners[0])
    with pytest.raises(CertificateNotFound):
        ruled(held, row, "revoked", held.reviewers[0])
    other = Institution(name="Another")
    held.tx.add(other)
    held.tx.flush()
    held.office.institution_id = other.id
    with pytest.raises(CertificateNotFound):
        ruled(held, row, "revoked", held.office)


def test_unknown_certificate_is_not_found(made: ExamCourse) -> None:
    with pytest.raises(CertificateNotFound):
        certificate(made.tx, "0" * 32)


def test_paper_carries_the_fields_of_the_form_in_both_languages(held: ExamCourse) -> None:
    row = given(held, held.learners[0])
    # letters that a font may join
    document = document_of(row) | {"id": "ffb" + row.id[3:]}
    reader = PdfReader(io.BytesIO(certificate_pdf(document, row.sha256)))
    (page,) = reader.pages
    text = " ".join(page.extract_text().split())
    for part in (
        "СЕРТИФИКАТ",
        "Тану университеті",
        "Университет Тану",
        "Әл-Фараби",
        "Әлия Серікқызы",
        "Осы сертификат,",
        "Настоящим подтверждает, что",
        "кредит көлемінде курс өткенін растайды",
        "прошел(ла) курс на тему",
        "М.О.",
        "М.П.",
        "«20» мамыр 2026 жыл",
        "«20» мая 2026 года",
        "Тіркеу нөмірі № 1",
        "Регистрационный номер № 1",
        document["id"],
    ):
        assert part in text, part


def test_a_letter_without_a_glyph_does_not_stop_the_paper(held: ExamCourse) -> None:
    held.learners[0].name = "李小龙 Ann"
    row = given(held, held.learners[0])
    (page,) = PdfReader(io.BytesIO(certificate_pdf(document_of(row), row.sha256))).pages
    assert "\ufffd\ufffd\ufffd Ann" in page.extract_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("credits = 5", 'credits = "5.5"'), "credits"),
        (('phone = "+7 727 000 00 00"', 'phone = ""'), "phone"),
        (("outcomes_kk", "outcome_kk"), "outcomes_kk"),
        (("credits = 5", "credits ="), "Invalid value"),
    ],
)
def test_form_with_an_empty_or_wrong_field_is_refused(change: tuple[str, str], said: str) -> None:
    with pytest.raises(FormRefused) as refused:
        form_of(FORM.replace(*change))
    assert said in " ".join(refused.value.problems)


HEADER = "learner_number,event_code,passed,studies\n"
LEARNERS = [Account(learner_number="S-1"), Account(learner_number=None)]


def test_results_are_read_by_learner() -> None:
    lines = "S-1,final,yes,2/4/ФИТ\nS-1,quiz,no,\n"
    found = results_of((HEADER + lines).encode(), LEARNERS, {"final", "quiz"})
    assert found == Results({"S-1": frozenset({"final"})}, {"S-1": "2/4/ФИТ"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("number,event_code\n", {(1, "column_missing"), (1, "column_unknown")}),
        (f"{HEADER}S-1,quiz,1,\n", {(2, "not_a_choice")}),
        (f"{HEADER}S-1,quiz,yes,\nS-1,quiz,no,\n", {(3, "repeated")}),
        (f"{HEADER}S-1,quiz,yes,2\nS-1,final,yes,3\n", {(3, "contradicts")}),
        (f"{HEADER}S-9,quiz,yes,\n", {(2, "not_on_roster")}),
        (f"{HEADER}S-1,quizz,yes,\n", {(2, "unknown_event")}),
    ],
)
def test_results_that_say_nothing_certain_are_refused(
    text: str, said: set[tuple[int, str]]
) -> None:
    with pytest.raises(ImportRefused) as refused:
        results_of(text.encode(), LEARNERS, {"final", "quiz"})
    found = refused.value.errors
    assert {(error.line, error.key.rpartition(".")[2]) for error in found} == said
