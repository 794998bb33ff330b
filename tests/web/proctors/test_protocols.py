"""An invigilator fills in a protocol: what is taken, what waits, what is refused."""

from datetime import timedelta
from typing import Any

import pytest

from proctor.centres.protocols import findings_of
from proctor.centres.tables import Centre, Document, Protocol
from proctor.clock import TIME_ZONE
from proctor.exams.tables import Course, CourseStaff, StaffRole
from proctor.people.tables import Account
from proctor.shares.outcomes import course_outcomes
from tests.support.service import Service

pytestmark = pytest.mark.db


@pytest.fixture
def centred(service: Service) -> Service:
    """Paula is an invigilator of a centre; Alice has a number."""
    with service.db.transaction() as tx:
        tx.get_one(Account, service.cast.alice.id).learner_number = "N-1"
        tx.add(
            Centre(
                institution_id=service.cast.institution.id,
                code="ATY-1",
                name="Атырау тест орталығы",
                region="Атырау",
                workplaces=["1", "2"],
                invigilators=["Paula"],
            )
        )
    return service


def protocol(service: Service, **more: Any) -> dict[str, Any]:
    now = service.services.clock.now().astimezone(TIME_ZONE)
    entry = {
        "learner": service.cast.alice.id,
        "attended": True,
        "workplace": "2",
        "document": "id_card",
        "conditions": True,
    }
    return {
        "centre": "ATY-1",
        "number": "7",
        "held_at": f"{now:%Y-%m-%dT%H:%M}",
        "signed_on": None,
        "entries": [entry],
        **more,
    }


def signed(service: Service) -> dict[str, str]:
    day = service.services.clock.now().astimezone(TIME_ZONE).date()
    return {"signed_on": day.isoformat()}


def sent(service: Service, body: dict[str, Any], name: str = "paula") -> Any:
    return service.client(name).post(f"/api/protocols/{service.cast.final.id}", json=body)


def outcome(service: Service) -> tuple[str, tuple[str, ...]]:
    with service.db.reading() as tx:
        course, alice = tx.get_one(Course, service.cast.course.id), service.cast.alice
        (found,) = course_outcomes(tx, course, [alice], service.services.clock.now())[alice.id]
        return found.decision.outcome.value, found.decision.reasons


def test_unsigned_it_is_pending_and_signed_it_verifies(centred: Service) -> None:
    assert sent(centred, protocol(centred)).json() == {"signed": False}
    assert outcome(centred)[0] == "pending"
    assert sent(centred, protocol(centred, **signed(centred))).json() == {"signed": True}
    assert outcome(centred)[0] == "verified"
    with centred.db.reading() as tx:
        found = findings_of(tx, centred.cast.course.id)[centred.cast.alice.id, "final"]
        assert (found.document, found.conditions, found.number) == (Document.ID_CARD, True, "7")


def test_sent_twice_because_the_answer_was_lost_it_is_there_once(centred: Service) -> None:
    body = protocol(centred, **signed(centred))
    assert [sent(centred, body).status_code for _ in range(2)] == [200, 200]
    with centred.db.reading() as tx:
        assert tx.query(Protocol).count() == 1


def test_what_is_signed_does_not_change(centred: Service) -> None:
    body = protocol(centred, **signed(centred))
    assert sent(centred, body).status_code == 200
    body["entries"][0]["workplace"] = "1"
    answer = sent(centred, body)
    assert (answer.status_code, answer.json()["key"]) == (
        422,
        "office.import.error.protocol_signed",
    )


def test_an_identity_that_was_not_checked_verifies_nothing(centred: Service) -> None:
    body = protocol(centred, **signed(centred))
    body["entries"][0]["document"] = None
    assert sent(centred, body).status_code == 200
    assert outcome(centred)[0] == "pending"


def test_only_the_invigilator_of_the_centre_fills_it_in(centred: Service) -> None:
    with centred.db.transaction() as tx:
        tx.query(Centre).one().invigilators = ["Somebody Else"]
    answer = sent(centred, protocol(centred))
    assert (answer.status_code, answer.json()["key"]) == (404, "error.not_an_invigilator")
    # not assigned to the course, or no proctor
    assert sent(centred, protocol(centred), "quentin").status_code == 404
    assert sent(centred, protocol(centred), "tom").status_code == 404
    assert sent(centred, protocol(centred), "alice").status_code == 404


def test_the_number_of_somebody_else_is_taken(centred: Service) -> None:
    assert sent(centred, protocol(centred)).status_code == 200
    with centred.db.transaction() as tx:
        tx.query(Protocol).one().sent_by = centred.cast.rita.id
    assert sent(centred, protocol(centred)).json()["key"] == "error.protocol_number_taken"


def test_a_namesake_sees_no_protocol_and_changes_none(centred: Service) -> None:
    with centred.db.transaction() as tx:
        tx.get_one(Account, centred.cast.quentin.id).name = "Paula"
        quentin = CourseStaff(
            course_id=centred.cast.course.id,
            account_id=centred.cast.quentin.id,
            role=StaffRole.PROCTOR,
        )
        tx.add(quentin)
    assert sent(centred, protocol(centred)).status_code == 200
    page = centred.client("quentin").get(f"/proctor/protocols/{centred.cast.final.id}")
    assert f"document-{centred.cast.alice.id}" not in page.text.partition('"waiting"')[2]
    refused = sent(centred, protocol(centred, **signed(centred)), "quentin")
    assert refused.json()["key"] == "error.protocol_number_taken"
    assert sent(centred, protocol(centred, **signed(centred))).json() == {"signed": True}


def test_a_centre_that_lists_an_address_means_that_account(centred: Service) -> None:
    with centred.db.transaction() as tx:
        tx.query(Centre).one().invigilators = ["paula@example.org"]
        tx.get_one(Account, centred.cast.rita.id).name = "Paula"
    assert sent(centred, protocol(centred, **signed(centred))).json() == {"signed": True}
    assert sent(centred, protocol(centred, number="8"), "rita").status_code == 404
    with centred.db.reading() as tx:
        found = tx.query(Protocol).one()
        assert (found.invigilator, found.sent_by) == ("paula@example.org", centred.cast.paula.id)


def test_a_signature_of_tomorrow_is_refused(centred: Service) -> None:
    day = centred.services.clock.now().astimezone(TIME_ZONE).date() + timedelta(days=1)
    answer = sent(centred, protocol(centred, signed_on=day.isoformat()))
    assert (answer.status_code, answer.json()["key"]) == (422, "error.signed_ahead")


def test_an_unknown_workplace_is_named(centred: Service) -> None:
    body = protocol(centred)
    body["entries"][0]["workplace"] = "99"
    answer = sent(centred, body)
    assert (answer.status_code, "99" in answer.json()["title"]) == (422, True)


def test_a_protocol_that_waits_is_in_the_form_again(centred: Service) -> None:
    assert sent(centred, protocol(centred)).status_code == 200
    page = centred.client("paula").get(f"/proctor/protocols/{centred.cast.final.id}")
    assert f'"document-{centred.cast.alice.id}": "id_card"' in page.text
    listed = centred.client("paula").get("/proctor/protocols")
    assert f"/proctor/protocols/{centred.cast.final.id}" in listed.text
    # without a number nobody can be named in a protocol
    assert centred.cast.bob.id not in page.text


def test_who_is_in_no_centre_is_told_so(service: Service) -> None:
    page = service.client("paula").get("/proctor/protocols")
    assert "No test centre lists you" in page.text
