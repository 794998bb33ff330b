"""The way in: passwords, links, and what must not be learnt from them."""

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from proctor.people import sign_in
from proctor.people.password_tries import MOST
from tests.support.service import Service

pytestmark = pytest.mark.db


def give_password(service: Service, password: str) -> None:
    with service.db.transaction() as tx:
        tx.merge(service.cast.olga).password_hash = sign_in.hash_password(password)


def test_a_password_leads_to_the_first_page_of_the_role(service: Service) -> None:
    give_password(service, "correct horse")
    client = service.client(None)
    form = {"email": "Olga@example.org", "password": "correct horse"}
    assert client.post("/sign-in", data=form).status_code == 303
    assert client.get("/").headers["location"] == "/office"


def test_a_guesser_is_made_to_wait_and_others_are_not(service: Service) -> None:
    give_password(service, "correct horse")
    client = service.client(None)
    wrong = {"email": "olga@example.org", "password": "guess"}
    assert {client.post("/sign-in", data=wrong).status_code for _ in range(MOST)} == {422}
    refused = client.post("/sign-in", data={**wrong, "password": "correct horse"})
    assert refused.status_code == 429
    assert "Try again in 15 minutes" in refused.text
    other = {"email": "tom@example.org", "password": "guess"}
    assert client.post("/sign-in", data=other).status_code == 422


def test_a_failing_database_does_not_log_the_link(service: Service) -> None:
    with service.db.transaction() as tx:
        token = sign_in.make_link(tx, service.cast.olga.id, service.services.clock.now())
        tx.execute(text("ALTER TABLE sign_in_links RENAME TO elsewhere"))
    with capture_logs() as logged:
        assert service.client(None).post(f"/sign-in/{token}").status_code == 503
    assert [entry["event"] for entry in logged] == ["database_error"]
    assert token not in str(logged)


@pytest.mark.parametrize(
    "origin", ["http://[", "null", "http://elsewhere.example", "localhost", ""]
)
def test_what_another_page_sends_is_refused(service: Service, origin: str) -> None:
    answer = service.client(None).post("/sign-out", headers={"origin": origin})
    assert answer.status_code == 403


def test_what_an_own_page_sends_is_taken(service: Service) -> None:
    answer = service.client(None).post("/sign-out", headers={"origin": "http://localhost"})
    assert answer.status_code == 303
