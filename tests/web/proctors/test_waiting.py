"""The queue over HTTP: claims, filters, the sample, blind second looks; the office sees figures."""

import re

import pytest

from proctor.settings import Settings
from proctor.sittings.tables import Sitting
from tests.support.service import Service
from tests.support.sittings import incident_of, sitting_of
from tests.web.proctors.test_routes import REASON, Room, room

__all__ = ["room"]

pytestmark = pytest.mark.db


def use(service: Service, **values: float) -> None:
    """Let the running service have other settings."""
    changed = service.services.settings.model_copy(update=values)
    assert isinstance(changed, Settings)
    object.__setattr__(service.services, "settings", changed)


def test_the_next_one_is_claimed_and_a_colleague_decides_nothing_in_it(room: Room) -> None:
    rita, rustam = room.service.client("rita"), room.service.client("rustam")
    room.look("rita", "rustam")
    verdict = {"decision": "dismissed", "reason": REASON}
    paste = f"{room.url}/incidents/{room.paste}"

    taken = rita.post("/review/next")
    assert (taken.status_code, taken.headers["location"]) == (303, room.url)
    # who works on one is offered the next when it is done
    assert 'action="/review/next"' not in rita.get(room.url).text

    assert "Rita works on it, until" in rustam.get("/review").text
    assert "Rita works on this sitting" in rustam.get(room.url).text
    assert rustam.post("/review/next").headers["location"].startswith("/review?")
    assert rustam.post(f"{paste}/look").status_code == 200
    refused = rustam.post(f"{paste}/verdict", data=verdict)
    assert refused.status_code == 409
    assert "A colleague works on this sitting" in refused.text
    assert room.decisions() == []

    assert rustam.post(f"{room.url}/release").status_code == 303
    assert rustam.post(f"{paste}/verdict", data=verdict).status_code == 409
    assert rita.post(f"{room.url}/release").status_code == 303
    assert rustam.post(f"{paste}/verdict", data=verdict).status_code == 303
    assert rita.post(f"{paste}/verdict", data=verdict).status_code == 409


def test_a_filter_narrows_the_lists_and_their_counts(room: Room) -> None:
    client = room.service.client("rita")

    with_paste = client.get("/review?kind=paste&language=en").text
    assert "Waiting for a decision (1)" in with_paste
    assert "/review?show=all&amp;kind=paste&amp;language=en" in with_paste
    assert "Nothing in this list." in client.get("/review?kind=camera_covered").text
    assert "Nothing in this list." in client.get("/review?days=3").text
    assert client.get("/review?days=-1").status_code == 422
    assert client.post("/review/next", data={"kind": "camera_covered"}).status_code == 303
    assert "works on it" not in room.service.client("rustam").get("/review").text


def test_the_next_one_is_of_the_list_the_reviewer_came_from(room: Room) -> None:
    client = room.service.client("rita")
    cast, now = room.service.cast, room.service.services.clock.now()
    with room.service.db.transaction() as tx:
        # nothing of it but the kind is different, and it is not the most pressing one
        other = sitting_of(tx, cast, cast.bob, now)
        incident_of(tx, other, "focus_lost", 5.0, 5.0)
        other_id = other.id

    def offered() -> dict[str, str]:
        """What the button to the next one sends from a sitting's page."""
        page = client.get(room.url).text
        form = page.split('action="/review/next"')[1].split("</form>")[0]
        return dict(re.findall(r'name="(\w+)" value="(.*?)"', form))

    client.get("/review")
    assert client.post("/review/next", data=offered()).headers["location"] == room.url
    client.post(f"{room.url}/release")
    client.get("/review?kind=focus_lost&days=0&show=all")
    assert offered() == {"exam": "", "kind": "focus_lost", "days": "0", "language": ""}
    taken = client.post("/review/next", data=offered())
    assert taken.headers["location"] == f"/review/sittings/{other_id}"
    # and the way back leads to the same list, also from what is left to others
    back = "/review?show=all&kind=focus_lost"
    assert f'href="{back.replace("&", "&amp;")}"' in client.get(room.url).text
    assert client.post(f"{room.url}/release").headers["location"] == back


def test_a_broken_memory_of_the_list_is_all_of_it(room: Room) -> None:
    client = room.service.client("rita")
    client.cookies.set("tanu_queue", "days=many&x=1", path="/review")
    assert 'href="/review?"' in client.get(room.url).text


def test_the_next_one_is_not_what_only_another_person_can_end(room: Room) -> None:
    rita, rustam = room.service.client("rita"), room.service.client("rustam")
    room.look("rita")
    for incident in (room.mismatch, room.paste):
        verdict = {"decision": "confirmed", "reason": REASON}
        assert rita.post(f"{room.url}/incidents/{incident}/verdict", data=verdict).is_redirect
    void = {"decision": "void", "reason": REASON}
    assert rita.post(f"{room.url}/identity", data=void).status_code == 303

    # it stands in both lists, and is the next one of the colleague alone
    assert "Alice" in rita.get("/review").text
    assert rita.post("/review/next").headers["location"] == "/review?"
    assert rustam.post("/review/next").headers["location"] == room.url


def test_a_sitting_without_incidents_is_looked_through(service: Service) -> None:
    client = service.client("rita")
    with service.db.transaction() as tx:
        sitting: Sitting = sitting_of(
            tx, service.cast, service.cast.bob, service.services.clock.now()
        )
    url = f"/review/sittings/{sitting.id}"
    assert ">Sample<" not in client.get("/review").text

    use(service, review_sample_percent=100)

    assert ">Sample<" in client.get("/review").text
    assert "Nothing follows for the student" in client.get(url).text
    answer = client.post(f"{url}/sample", data={"missed": "nothing", "reason": REASON})
    assert answer.status_code == 409
    assert "Look at the recording" in answer.text
    assert client.post(f"{url}/sample", data={"missed": "x", "reason": REASON}).status_code == 422


def test_an_incident_is_looked_at_again_by_somebody_who_knows_nothing(room: Room) -> None:
    rita, rustam = room.service.client("rita"), room.service.client("rustam")
    room.look("rita")
    verdict = {"decision": "dismissed", "reason": REASON}
    rita.post(f"{room.url}/incidents/{room.mismatch}/verdict", data=verdict)
    blind = f"/review/blind/{room.mismatch}"
    assert rustam.get(blind).status_code == 404

    use(room.service, second_review_percent=100)

    assert blind in rustam.get("/review").text
    assert [rita.get(blind).status_code, room.service.client("quentin").get(blind).status_code] == [
        404,
        404,
    ]
    page = rustam.get(blind)
    assert page.status_code == 200
    for hidden in ("Alice", "Rita", REASON, "not confirmed. "):
        assert hidden not in page.text
    opinion = {"decision": "confirmed"}
    assert rustam.post(blind, data=opinion).status_code == 409
    clips = [clip for clip in room.clips if clip in page.text]
    assert rustam.get(f"/review/clips/{clips[0]}").status_code == 200
    assert rustam.post(blind, data={"decision": "void"}).status_code == 422
    assert rustam.post(blind, data=opinion).status_code == 303
    assert rustam.post(blind, data=opinion).status_code == 404
    assert room.decisions() == ["dismissed"]

    assert rustam.get("/office/quality").status_code == 404
    office = room.service.client("olga").get("/office/quality")
    assert office.status_code == 200
    assert "<td>0 / 1</td>" in office.text
