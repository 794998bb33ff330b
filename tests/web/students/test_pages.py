"""A student's pages, as each of the cast sees them."""

from datetime import timedelta

import pytest
from babel.dates import format_datetime
from fastapi.testclient import TestClient

from proctor.clock import TIME_ZONE, Clock
from proctor.exams.tables import Question, QuestionKind
from proctor.people import consents
from proctor.people.tables import Purpose
from proctor.sittings.tables import Sitting, SittingState
from tests.support.service import Service

pytestmark = pytest.mark.db

ALL = {"face": "yes", "typing": "yes", "recording": "yes"}


def open_sitting(service: Service, browser: TestClient) -> str:
    """Path of the sitting that the browser's student opens after agreeing to everything."""
    browser.post("/consent", data=ALL)
    response = browser.post(f"/exams/{service.cast.final.id}/sittings")
    assert response.status_code == 303
    return str(response.headers["location"])


def begin(service: Service, path: str) -> None:
    with service.db.transaction() as tx:
        sitting = tx.get_one(Sitting, path.rsplit("/", 1)[1])
        sitting.state = SittingState.RUNNING
        sitting.started_at = service.services.clock.now()
        sitting.deadline_at = sitting.started_at + timedelta(hours=1)


def test_exam_asks_for_consent_before_it_can_be_started(service: Service) -> None:
    alice = service.client("alice")
    before = alice.get("/exams").text
    assert "Answer on the consent page" in before
    assert f"/exams/{service.cast.final.id}/sittings" not in before
    alice.post("/consent", data=ALL)
    after = alice.get("/exams").text
    assert "Take a sample of your face" in after
    assert f"/exams/{service.cast.final.id}/sittings" in after


def test_unticked_purposes_are_declined(service: Service) -> None:
    alice = service.client("alice")
    answered = alice.post("/consent", data={"recording": "yes"})
    assert answered.headers["location"] == "/consent"
    with service.db.transaction() as tx:
        given = consents.current(tx, service.services.vault, service.cast.alice.id)
    assert given == {Purpose.FACE: False, Purpose.TYPING: False, Purpose.RECORDING: True}


def test_declining_wins_over_ticked_purposes(service: Service) -> None:
    service.client("alice").post("/consent", data={**ALL, "decline": "yes"})
    with service.db.transaction() as tx:
        given = consents.current(tx, service.services.vault, service.cast.alice.id)
    assert not any(given.values())


def test_without_consent_the_camera_is_not_asked_for(service: Service) -> None:
    alice = service.client("alice")
    page = alice.get("/enrolment").text
    assert "camera-button" not in page
    assert "take the exam in the traditional form" in page
    refused = alice.post(f"/exams/{service.cast.final.id}/sittings")
    assert refused.status_code == 409


def test_enrolment_offers_only_what_was_agreed_to(service: Service) -> None:
    alice = service.client("alice")
    alice.post("/consent", data={"typing": "yes"})
    page = alice.get("/enrolment").text
    assert 'id="typing-step"' in page
    assert 'id="face-step"' not in page


def round_of(n: int, *, pause_ms: float = 150.0, step: float | None = 1.0) -> dict[str, object]:
    """A batch of *n* letters and spaces; every fifth key waits *pause_ms*."""
    events = [
        [pause_ms if i % 5 == 4 else 140, 24 if i % 6 == 5 else i % 24, 90, 0] for i in range(n)
    ]
    return {"v": 1, "clock_step_ms": step, "events": events}


def test_a_round_that_cannot_be_used_is_told_and_not_kept(service: Service) -> None:
    alice = service.client("alice")
    alice.post("/consent", data={"typing": "yes"})

    def send(batch: dict[str, object], number: int) -> tuple[int, str | None]:
        answer = alice.post("/api/enrolment/typing", json={"batch": batch, "round": number}).json()
        return answer["accepted_keys"], answer["reason"]

    assert send(round_of(120), 0) == (0, None)
    assert send(round_of(120), 1) == (120, None)
    assert send(round_of(30), 2) == (120, "insufficient_keys")
    assert send(round_of(120, pause_ms=3000), 3) == (120, "not_prose")
    assert send(round_of(120, step=100.0), 4) == (120, "coarse_clock")
    assert "Visits with a typing sample: 1" not in alice.get("/enrolment").text
    assert send(round_of(200), 5) == (320, None)


def test_one_visit_is_told_that_a_second_helps(service: Service) -> None:
    alice = service.client("alice")
    alice.post("/consent", data={"typing": "yes"})
    alice.post("/api/enrolment/typing", json={"batch": round_of(320), "round": 1})
    page = alice.get("/enrolment").text
    assert "Visits with a typing sample: 1" in page
    assert "A second sample some days later" in page
    assert "Nobody fails for want of a typing sample" in page


def test_nobody_else_opens_a_sitting_or_its_paper(service: Service) -> None:
    path = open_sitting(service, service.client("alice"))
    begin(service, path)
    for name in ("bob", "charlie", "paula", "olga"):
        browser = service.client(name)
        for part in ("", "/paper", "/receipt"):
            assert browser.get(path + part).status_code == 404
    charlie = service.client("charlie")
    charlie.post("/consent", data=ALL)
    assert charlie.post(f"/exams/{service.cast.final.id}/sittings").status_code == 404


def test_coming_back_finds_the_same_sitting(service: Service) -> None:
    alice = service.client("alice")
    assert open_sitting(service, alice) == open_sitting(service, alice)


def test_paper_is_closed_until_the_exam_runs(service: Service) -> None:
    alice = service.client("alice")
    path = open_sitting(service, alice)
    assert alice.get(f"{path}/paper").status_code == 409


def test_paper_shows_what_was_answered_and_escapes_it(service: Service) -> None:
    alice = service.client("alice")
    path = open_sitting(service, alice)
    begin(service, path)
    with service.db.transaction() as tx:
        choice = Question(
            event_id=service.cast.final.id,
            position=2,
            kind=QuestionKind.CHOICE,
            prompt="Which?",
            options=["a < b", "b < a"],
        )
        tx.add(choice)
        tx.flush()
        choice_id = choice.id
    essay = service.cast.essay.id
    for question, text in ((essay, "\n</textarea><b>1"), (choice_id, "b < a")):
        saved = alice.put(f"/api{path}/answers/{question}", json={"revision": 1, "text": text})
        assert saved.json() == {"revision": 1}
    paper = alice.get(f"{path}/paper").text
    assert f'data-question="{essay}" data-revision="1"' in paper
    # a parser drops the first line break of a textarea
    assert ">\n\n&lt;/textarea&gt;&lt;b&gt;1</textarea>" in paper
    assert 'value="b &lt; a" checked' in paper
    assert paper.count("checked") == 1


def test_second_sign_in_takes_over_only_from_a_silent_browser(service: Service) -> None:
    alice, elsewhere = service.client("alice"), service.client("alice")
    path = open_sitting(service, alice)
    begin(service, path)
    assert elsewhere.get(path).status_code == 409
    # no socket of the first browser is open: it counts as silent
    assert elsewhere.post(f"/exams/{service.cast.final.id}/sittings").status_code == 303
    assert elsewhere.get(path).status_code == 200
    assert alice.get(path).status_code == 409


def test_typing_is_measured_only_with_consent(service: Service) -> None:
    alice = service.client("alice")
    path = open_sitting(service, alice)
    assert '"keys": true' in alice.get(path).text
    alice.post("/consent", data={"recording": "yes"})
    page = alice.get(path).text
    assert '"keys": false' in page
    assert "<p>The rhythm of typing" not in page


def test_receipt_is_readable_from_any_later_sign_in(service: Service) -> None:
    alice = service.client("alice")
    path = open_sitting(service, alice)
    begin(service, path)
    assert alice.get(f"{path}/receipt").status_code == 409
    receipt = alice.post(f"/api{path}/finish").json()["receipt"]
    later = service.client("alice")
    assert receipt in later.get(f"{path}/receipt").text
    assert later.get(path).headers["location"] == f"{path}/receipt"


def test_exam_outside_its_window_is_refused(service: Service) -> None:
    with service.db.transaction() as tx:
        event = tx.merge(service.cast.final)
        event.opens_at = Clock().now() + timedelta(hours=1)
    alice = service.client("alice")
    alice.post("/consent", data=ALL)
    refused = alice.post(f"/exams/{service.cast.final.id}/sittings")
    assert refused.status_code == 409
    assert "The exam is not open now" in refused.text


@pytest.mark.parametrize(
    ("locale", "word"), [("kk", "Менің емтихандарым"), ("ru", "Мои экзамены"), ("en", "My exams")]
)
def test_pages_speak_the_chosen_language(service: Service, locale: str, word: str) -> None:
    alice = service.client("alice")
    chosen = alice.post("/language", data={"locale": locale, "back": "/exams"})
    assert chosen.headers["location"] == "/exams"
    page = alice.get("/exams").text
    assert f'<html lang="{locale}">' in page
    assert word in page


def test_student_sees_the_own_share_and_what_can_still_be_verified(service: Service) -> None:
    path = f"/courses/{service.cast.course.id}/identity"
    text = service.client("alice").get(path).text
    assert "0 of 1 event verified (0.00 %, needed 30 %)" in text
    assert "0 of 40 of the weight verified (0.00 %, needed 30 %)" in text
    assert "If the events still pending are verified, it will be 100.00 %." in text
    assert 'data-outcome="pending"' in text
    final = service.cast.final
    opens, closes = [
        format_datetime(at.astimezone(TIME_ZONE), "d MMM y, HH:mm", locale="en")
        for at in (final.opens_at, final.closes_at)
    ]
    assert f"from {opens} to {closes}; identified by:" in text
    assert path in service.client("alice").get("/exams").text


def test_share_of_a_course_of_others_is_not_found(service: Service) -> None:
    path = f"/courses/{service.cast.course.id}/identity"
    assert service.client("charlie").get(path).status_code == 404
    assert service.client("olga").get(path).status_code == 404
