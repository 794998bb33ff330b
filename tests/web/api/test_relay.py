"""What the exam page is given of the relay: with itself, and with each answer anew."""

import json
import re
from asyncio import run
from datetime import timedelta
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from fastapi.testclient import TestClient
from sqlalchemy import select

from proctor import events
from proctor.incidents.tables import IncidentRow
from proctor.media.relay import credential_of
from proctor.observations import Track
from proctor.people import consents
from proctor.people.tables import Purpose
from proctor.sittings.tables import Sitting, SittingState
from tests.support.service import Service

pytestmark = pytest.mark.db

SECRET = "north-wind"
URL = "turns:relay.example.org:443"


async def offered() -> dict[str, object]:
    """What a page would post."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for _ in Track:
        connection.addTransceiver("video", direction="sendonly")
    await connection.setLocalDescription()
    sdp = connection.localDescription.sdp
    await connection.close()
    tracks = {"camera": "0", "screen": "1"}
    return {"sdp": sdp, "tracks": tracks, "display_surface": "monitor"}


@pytest.fixture
def alice(service: Service) -> TestClient:
    at = service.services
    with at.db.transaction() as tx:
        given = dict.fromkeys(Purpose, True)
        consents.record(tx, at.vault, service.cast.alice.id, given, "en", at.clock.now())
    return service.client("alice")


def opened(service: Service, alice: TestClient) -> str:
    """The id of Alice's sitting."""
    entered = alice.post(f"/exams/{service.cast.final.id}/sittings")
    return entered.headers["location"].rpartition("/")[2]


def given_to(alice: TestClient, sitting_id: str) -> Any:
    found = re.search(r'id="page-data">(.+?)</script>', alice.get(f"/sittings/{sitting_id}").text)
    assert found is not None
    return json.loads(found[1])["ice_servers"]


def test_page_has_a_relay_and_each_answer_brings_new_credentials(
    service: Service, alice: TestClient
) -> None:
    service.change(turn_urls=URL, turn_secret=SECRET)
    sitting_id = opened(service, alice)
    told = given_to(alice, sitting_id)
    # the service's own loop lasts from one call to the next
    service.app_client.cookies = alice.cookies
    answer = service.app_client.post(f"/api/sittings/{sitting_id}/offer", json=run(offered()))
    assert answer.status_code == 201
    (first,), (second,) = told, answer.json()["ice_servers"]
    for each in (first, second):
        assert each["urls"] == [URL]
        assert each["credential"] == credential_of(SECRET, each["username"])
        assert service.cast.alice.id not in each["username"]
        assert sitting_id not in each["username"]
    assert first["username"] != second["username"]


def test_without_a_relay_the_page_has_none(service: Service, alice: TestClient) -> None:
    assert given_to(alice, opened(service, alice)) == []


@pytest.mark.parametrize("name", ["media_relayed", "media_direct"])
def test_way_of_the_pictures_is_on_record_and_no_incident(
    service: Service, alice: TestClient, name: str
) -> None:
    sitting_id = opened(service, alice)
    at = service.services
    with at.db.transaction() as tx:
        sitting = tx.get_one(Sitting, sitting_id)
        sitting.state, sitting.started_at = SittingState.RUNNING, at.clock.now()
        sitting.deadline_at = at.clock.now() + timedelta(hours=1)
    fact = {"name": name, "ms": 1000.0, "values": {}}
    with alice.websocket_connect(f"/api/sittings/{sitting_id}/socket") as socket:
        nonce = socket.receive_json()["nonce"]
        batch = {"type": "batch", "nonce": nonce, "seq": 1, "now_ms": 1000.0, "keys": None}
        socket.send_json(batch | {"browser": [fact]})
        while socket.receive_json()["type"] != "ack":
            pass
    with at.db.transaction() as tx:
        facts = [each.payload["name"] for each in events.read(tx, sitting_id, "observation")]
        assert tx.scalars(select(IncidentRow)).all() == []
    assert [each for each in facts if each.startswith("media_")] == [name]
    with service.client("paula").websocket_connect("/proctor/wall/socket") as wall:
        (tile,) = wall.receive_json()["tiles"]
    assert tile["relayed"] == (name == "media_relayed")
