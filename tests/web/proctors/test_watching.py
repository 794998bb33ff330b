from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from proctor import events
from proctor.people.tables import Account
from proctor.sittings.tables import Sitting, SittingState
from tests.support.service import Service
from tests.support.sittings import incident_of, sitting_of

pytestmark = pytest.mark.db
LIVE = SittingState.RUNNING


def running(service: Service, learner: Account, state: SittingState = LIVE) -> str:
    with service.db.transaction() as tx:
        now = service.services.clock.now()
        return sitting_of(tx, service.cast, learner, now, state).id


def views(service: Service, sitting_id: str) -> list[tuple[str, str]]:
    with service.db.reading() as tx:
        seen = events.read(tx, sitting_id, "recording_viewed")
    return [(each.payload["viewer"], each.payload["what"]) for each in seen]


def tiles(service: Service, name: str) -> list[dict[str, Any]]:
    with service.client(name).websocket_connect("/proctor/wall/socket") as ws:
        found: list[dict[str, Any]] = ws.receive_json()["tiles"]
        return found


def test_wall_shows_the_assigned_exams_and_those_in_need_first(service: Service) -> None:
    alice, bob = running(service, service.cast.alice), running(service, service.cast.bob)
    with service.db.transaction() as tx:
        incident_of(tx, tx.get_one(Sitting, bob), "multiple_faces", 5.0, None)
    shown = tiles(service, "paula")
    assert [tile["id"] for tile in shown] == [bob, alice]
    assert (shown[0]["reason"], shown[0]["incident"]) == (
        "An incident goes on",
        "Several faces in the picture",
    )
    assert tiles(service, "quentin") == []
    # whose pictures nobody asked for nobody saw
    assert views(service, bob) == []


def test_wall_is_for_proctors_and_reviewers(service: Service) -> None:
    for name in ("alice", "tom", "olga"):
        client = service.client(name)
        assert client.get("/proctor/wall").status_code == 404
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/proctor/wall/socket"):
            pass


def test_ended_sittings_leave_the_wall(service: Service) -> None:
    running(service, service.cast.alice, SittingState.FINISHED)
    paused = running(service, service.cast.bob, SittingState.SUSPENDED)
    assert [tile["id"] for tile in tiles(service, "paula")] == [paused]


def test_view_is_written_before_the_first_byte(service: Service) -> None:
    sitting_id = running(service, service.cast.bob)
    path = f"/proctor/sittings/{sitting_id}/socket"
    with service.client("paula").websocket_connect(path) as ws:
        assert views(service, sitting_id) == [(service.cast.paula.id, f"live:{sitting_id}")]
        facts = ws.receive_json()
    assert (facts["type"], facts["state"], facts["asked"]) == ("facts", "running", None)


def test_view_that_cannot_be_written_is_refused_with_503(service: Service) -> None:
    sitting_id = running(service, service.cast.bob)
    client = service.client("paula")

    def fail(session: Session) -> None:
        raise OperationalError("COMMIT", {}, Exception("disk I/O error"))

    path = f"/proctor/sittings/{sitting_id}/socket"
    event.listen(Session, "before_commit", fail)
    try:
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(path):
            pass
    finally:
        event.remove(Session, "before_commit", fail)
    assert refused.value.status_code == 503


def test_live_sitting_of_others_does_not_exist(service: Service) -> None:
    sitting_id = running(service, service.cast.bob)
    for name in ("alice", "bob", "quentin", "tom", "olga"):
        client = service.client(name)
        assert client.get(f"/proctor/sittings/{sitting_id}").status_code == 404
        path = f"/proctor/sittings/{sitting_id}/socket"
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(path):
            pass
    assert views(service, sitting_id) == []


def test_who_watches_one_hears_that_another_needs_somebody(service: Service) -> None:
    watched, other = running(service, service.cast.bob), running(service, service.cast.alice)
    with service.db.transaction() as tx:
        for sitting_id in (watched, other):
            incident_of(tx, tx.get_one(Sitting, sitting_id), "multiple_faces", 5.0, None)
    path = f"/proctor/sittings/{watched}/socket"
    with service.client("paula").websocket_connect(path) as ws:
        while (told := ws.receive_json())["type"] != "others":
            assert told["type"] == "facts"
    assert told["needing"] == 1


def test_sign_out_ends_the_view(service: Service) -> None:
    sitting_id = running(service, service.cast.bob)
    client = service.client("paula")
    path = f"/proctor/sittings/{sitting_id}/socket"
    with client.websocket_connect(path) as ws:
        ws.receive_json()
        client.post("/sign-out")
        with pytest.raises(WebSocketDisconnect):
            ws.receive_json()


@pytest.mark.parametrize("sent", ["no json", "[" * 5000, b"binary"])
def test_what_is_no_message_ends_the_wall(service: Service, sent: str | bytes) -> None:
    with service.client("paula").websocket_connect("/proctor/wall/socket") as ws:
        ws.receive_json()
        if isinstance(sent, str):
            ws.send_text(sent)
        else:
            ws.send_bytes(sent)
        with pytest.raises(WebSocketDisconnect) as ended:
            ws.receive_json()
    assert ended.value.code == 4404
