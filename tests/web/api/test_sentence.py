"""The sentence that everybody types, from the enrolment page to the reviewer's."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from keystroke.sentence import REPETITIONS
from proctor.identity import sentences
from proctor.identity.tables import Reference, ReferenceState, SentenceCheck
from proctor.people import consents
from proctor.people.tables import Purpose
from tests.support.service import Service

pytestmark = pytest.mark.db

KEYS = len(sentences.text("en"))


def batch(n: int, shift: int = 0) -> dict[str, object]:
    """A batch of *n* letters and spaces."""
    events = [[140, 24 if i % 6 == 5 else (i + shift) % 24, 90, 0] for i in range(n)]
    return {"v": 1, "clock_step_ms": 1.0, "events": events}


@pytest.fixture
def alice(service: Service) -> TestClient:
    """Alice, who agreed and typed the texts of her enrolment."""
    at, client = service.services, service.client("alice")
    with at.db.transaction() as tx:
        given = dict.fromkeys(Purpose, True)
        consents.record(tx, at.vault, service.cast.alice.id, given, "en", at.clock.now())
    client.post("/api/enrolment/typing", json={"batch": batch(320), "round": 1})
    return client


def repeat(client: TestClient, n: int = KEYS) -> tuple[int, bool, str | None]:
    body = {"batch": batch(n), "language": "en"}
    answer = client.post("/api/enrolment/sentence", json=body).json()
    return answer["accepted_keys"], answer["done"], answer["reason"]


def confirm(service: Service) -> None:
    """As the office would have, some minutes ago."""
    with service.db.transaction() as tx:
        row = tx.query(Reference).one()
        row.state = ReferenceState.CONFIRMED
        row.created_at -= timedelta(minutes=5)


def open_sitting(service: Service, client: TestClient) -> str:
    opened = client.post(f"/exams/{service.cast.final.id}/sittings")
    return str(opened.headers["location"])


def checks(service: Service) -> list[tuple[int, str | None]]:
    with service.db.reading() as tx:
        return [(row.others, row.reason) for row in tx.query(SentenceCheck)]


def test_the_sentence_is_enrolled_and_typed_before_the_exam(
    service: Service, alice: TestClient
) -> None:
    assert "sentence-form" in alice.get("/enrolment").text
    assert repeat(alice, KEYS - 1) == (0, False, "not_the_sentence")
    found = [repeat(alice) for _ in range(REPETITIONS)]
    assert found == [(n, n == REPETITIONS, None) for n in range(1, REPETITIONS + 1)]
    confirm(service)
    path = open_sitting(service, alice)
    assert "sentence-form" in alice.get(path).text
    other = alice.post(f"/api{path}/sentence", json={"batch": batch(KEYS, shift=3)})
    assert (other.status_code, other.json()) == (200, {"reason": "not_the_sentence"})
    assert checks(service) == []
    for _ in range(2):
        typed = alice.post(f"/api{path}/sentence", json={"batch": batch(KEYS)})
        # how alike it is does not leave the service
        assert (typed.status_code, typed.json()) == (200, {"reason": None})
    assert checks(service) == [(0, "few_others")]
    assert "sentence-form" not in alice.get(path).text


def test_nobody_without_a_sample_is_asked(service: Service, alice: TestClient) -> None:
    path = open_sitting(service, alice)
    assert "sentence-form" not in alice.get(path).text
    typed = alice.post(f"/api{path}/sentence", json={"batch": batch(KEYS)})
    assert typed.json() == {"reason": None}
    assert checks(service) == []


def test_without_consent_no_sentence_is_taken(service: Service) -> None:
    body = {"batch": batch(KEYS), "language": "en"}
    refused = service.client("bob").post("/api/enrolment/sentence", json=body)
    assert (refused.status_code, refused.json()["key"]) == (409, "error.consent_missing")


def test_the_sentence_follows_the_texts(service: Service, alice: TestClient) -> None:
    with service.db.transaction() as tx:
        tx.query(Reference).delete()
    body = {"batch": batch(KEYS), "language": "en"}
    refused = alice.post("/api/enrolment/sentence", json=body)
    assert (refused.status_code, refused.json()["key"]) == (409, "error.sentence_first")
