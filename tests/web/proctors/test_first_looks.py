"""The raw clip first: what a reviewer is not told before they said what they see."""

import pytest

from proctor import events
from proctor.review.agreement import FirstLooks, agreement_of, first_looks_by_kind
from tests.web.proctors.test_routes import REASON, Room, room
from tests.web.proctors.test_waiting import use

__all__ = ["room"]

pytestmark = pytest.mark.db


@pytest.fixture
def first(room: Room) -> Room:
    """The room of an institution that asks for first looks."""
    use(room.service, first_look=True)
    return room


def look(room: Room, incident_id: str, seen: str, name: str = "rita") -> int:
    client, url = room.service.client(name), f"{room.url}/incidents/{incident_id}"
    client.post(f"{url}/look")
    return client.post(f"{url}/first-look", data={"seen": seen}).status_code


def test_kind_score_and_facts_appear_after_the_first_look(first: Room) -> None:
    client = first.service.client("rita")
    card = f"{first.url}/incidents/{first.mismatch}"
    labelled = client.get(first.url).text
    use(first.service, first_look=False)
    told = client.get(first.url).text
    use(first.service, first_look=True)
    assert "Incident, 14 s" in labelled
    fact = "Face does not match the reference"
    assert fact in told
    for text in (labelled, client.get(card).text):
        assert fact not in text
        assert "data-kind" not in text
        assert "incident-identity" not in text
    assert "/clips/" in client.get(card).text
    assert "Left: 2." in labelled
    assert "incidents about identity" not in labelled

    assert look(first, first.mismatch, "something") == 303

    assert fact in client.get(card).text
    assert "You said first: “Something that calls for a decision”." in client.get(card).text
    assert "Left: 1." in client.get(first.url).text
    assert "Left: 2." in first.service.client("rustam").get(first.url).text


def test_nothing_is_decided_before_the_first_look(first: Room) -> None:
    client, paste = first.service.client("rita"), f"{first.url}/incidents/{first.paste}"
    verdict = {"decision": "dismissed", "reason": REASON}
    seen = {"seen": "nothing"}

    assert client.post(f"{paste}/first-look", data=seen).status_code == 409
    assert client.post(f"{paste}/look").status_code == 200
    refused = client.post(f"{paste}/verdict", data=verdict)
    assert refused.status_code == 409
    assert "Say first what you see in the clip" in refused.text
    alike = {"kind": "paste", "reason": REASON}
    assert client.post(f"{first.url}/alike", data=alike).status_code == 409
    assert client.post(f"{paste}/first-look", data={"seen": "guilt"}).status_code == 422

    assert client.post(f"{paste}/first-look", data=seen).status_code == 303
    assert client.post(f"{paste}/first-look", data=seen).status_code == 409
    assert client.post(f"{paste}/verdict", data=verdict).status_code == 303
    assert first.decisions() == ["dismissed"]


def test_what_was_seen_is_kept_and_compared_with_the_decision(first: Room) -> None:
    assert look(first, first.mismatch, "nothing") == 303
    assert look(first, first.paste, "unsure", "rustam") == 303
    for decision in ("confirmed", "dismissed"):
        answer = first.service.client("rita").post(
            f"{first.url}/incidents/{first.mismatch}/verdict",
            data={"decision": decision, "reason": REASON},
        )
        assert answer.status_code == 303

    with first.service.db.reading() as tx:
        found = first_looks_by_kind(tx, first.service.cast.course.institution_id)
        written = [each.payload["seen"] for each in events.read(tx, first.sitting_id, "first_look")]
    assert written == ["nothing", "unsure"]
    assert found == {
        "face_mismatch": FirstLooks(1, 0, 1, agreement_of([(False, True)])),
        "paste": FirstLooks(1, 1, 0, agreement_of([])),
    }
    page = first.service.client("olga").get("/office/quality").text
    assert "Confirmed only after the label" in page


def test_without_the_setting_there_is_no_first_look(room: Room) -> None:
    assert look(room, room.paste, "nothing") == 409
