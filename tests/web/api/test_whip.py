"""WHIP: a program with the sitting's token sends camera and screen, and nobody without it does."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from av import VideoFrame
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select

from proctor import events
from proctor.media.recorder import read_recorded
from proctor.media.tables import Recording
from proctor.observations import Track
from proctor.people import consents, sign_in
from proctor.people.tables import Purpose
from proctor.settings import Settings
from tests.support.service import Service
from web.access import COOKIE
from web.app import create_app

SDP = {"content-type": "application/sdp"}
FRAGMENT = {"content-type": "application/trickle-ice-sdpfrag"}


class Pattern(VideoStreamTrack):
    """A moving pattern, fifteen pictures a second."""

    def __init__(self) -> None:
        super().__init__()
        self._picture = np.random.default_rng(3).integers(0, 255, (120, 160, 3), dtype=np.uint8)
        self._shown = 0

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(1 / 15)
        self._shown += 1
        moved = np.roll(self._picture, 3 * self._shown, axis=1)
        frame = VideoFrame.from_ndarray(moved, format="rgb24")
        frame.pts, frame.time_base = 6000 * self._shown, Fraction(1, 90_000)
        return frame


async def offering() -> RTCPeerConnection:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for _ in Track:
        connection.addTransceiver(Pattern(), direction="sendonly")
    await connection.setLocalDescription()
    return connection


@pytest.fixture(scope="module")
def offer() -> str:
    async def made() -> str:
        connection = await offering()
        sdp: str = connection.localDescription.sdp
        await connection.close()
        return sdp

    return asyncio.run(made())


@dataclass(frozen=True)
class Sender:
    """A program beside Alice's browser."""

    service: Service
    browser: TestClient
    program: TestClient
    sitting_id: str
    url: str
    token: str

    def ask(self, method: str, path: str = "", content: str = "", **headers: str) -> Response:
        bearer = {"authorization": f"Bearer {self.token}"}
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        url = path or self.url
        return self.program.request(method, url, content=content, headers={**bearer, **sent})

    def connect(self, offer: str) -> Response:
        return self.ask("POST", content=offer, content_type="application/sdp")


@pytest.fixture
def sender(service: Service) -> Sender:
    browser, at = service.client("alice"), service.services
    with at.db.transaction() as tx:
        given = dict.fromkeys(Purpose, True)
        consents.record(tx, at.vault, service.cast.alice.id, given, "en", at.clock.now())
    opened = browser.post(f"/exams/{service.cast.final.id}/sittings")
    sitting_id = opened.headers["location"].rpartition("/")[2]
    made = browser.post(f"/api/sittings/{sitting_id}/media-token")
    assert made.status_code == 201
    told = made.json()
    # the one whose event loop lasts from one call to the next
    program = service.app_client
    return Sender(service, browser, program, sitting_id, told["endpoint"], told["token"])


@pytest.mark.db
def test_connection_is_made_named_and_ended(sender: Sender, offer: str) -> None:
    made = sender.connect(offer)
    assert (made.status_code, made.headers["content-type"]) == (201, "application/sdp")
    assert made.text.startswith("v=0")
    assert "a=candidate:" in made.text
    at = made.headers["location"]
    assert at.startswith(f"{sender.url}/")
    assert made.headers["etag"].startswith('"')
    assert sender.ask("DELETE", at).status_code == 200
    assert sender.ask("DELETE", at).status_code == 404
    with sender.service.db.transaction() as tx:
        (event,) = events.read(tx, sender.sitting_id, "media_connected")
    assert event.payload == {"via": "whip"}


@pytest.mark.db
def test_relay_is_told_as_the_standard_has_it(sender: Sender, offer: str) -> None:
    assert "link" not in sender.connect(offer).headers
    urls = "turn:relay.example.org:3478?transport=tcp,turns:relay.example.org:443"
    sender.service.change(turn_urls=urls, turn_secret="north-wind")
    links = sender.connect(offer).headers["link"].split(", ")
    assert [link.partition(";")[0] for link in links] == [f"<{url}>" for url in urls.split(",")]
    shape = r'<[^>]+>; rel="ice-server"; username="\d+:[0-9a-f]{16}"; credential="[^"]{28}"; '
    assert all(re.fullmatch(shape + 'credential-type="password"', link) for link in links)


@pytest.mark.db
def test_review_says_that_a_program_sent_the_pictures(sender: Sender, offer: str) -> None:
    reviewer = sender.service.client("rita")
    page = f"/review/sittings/{sender.sitting_id}"
    said = "A program (WHIP) sent camera and screen, not the exam page."
    assert sender.connect(offer).status_code == 201
    assert said in reviewer.get(page).text


@pytest.mark.db
def test_nothing_is_taken_where_it_was_not_asked_for(tmp_path: Path) -> None:
    paths = create_app(Settings(data_dir=tmp_path)).openapi()["paths"]
    assert "/api/sittings/{sitting_id}/offer" in paths
    assert [path for path in paths if "whip" in path or "media-token" in path] == []


@pytest.mark.db
def test_newest_connection_counts(sender: Sender, offer: str) -> None:
    first, second = (sender.connect(offer).headers["location"] for _ in range(2))
    assert first != second
    assert sender.ask("DELETE", first).status_code == 404
    assert sender.ask("DELETE", second).status_code == 200


@pytest.mark.db
def test_candidates_may_be_trickled_and_nothing_be_restarted(sender: Sender, offer: str) -> None:
    made = sender.connect(offer)
    at, tag = made.headers["location"], made.headers["etag"]
    kind = FRAGMENT["content-type"]
    own = next(line for line in offer.splitlines() if line.startswith("a=ice-ufrag:"))

    def patch(content: str, **headers: str) -> int:
        return sender.ask("PATCH", at, content, **{"content_type": kind, **headers}).status_code

    assert patch(f"{own}\r\na=end-of-candidates\r\n", if_match=tag) == 204
    assert patch(own) == 428
    assert patch(own, if_match='"another"') == 412
    assert patch(own, if_match="*") == 422
    assert patch("a=ice-ufrag:fresh\r\n", if_match=tag) == 422
    assert patch(own, if_match=tag, content_type="application/sdp") == 415
    assert sender.ask("PATCH", f"{at}x", own, content_type=kind, if_match=tag).status_code == 404


@pytest.mark.db
@pytest.mark.parametrize("content", ["", "v=0", "m=video 9 UDP 96\r\n" * 9, "x" * 40_000])
def test_offer_that_cannot_be_taken_is_refused(sender: Sender, content: str) -> None:
    assert sender.connect(content).status_code == 422


@pytest.mark.db
def test_what_the_standard_leaves_out_is_refused(sender: Sender, offer: str) -> None:
    wrong = sender.ask("POST", content=offer, content_type="application/json")
    assert (wrong.status_code, wrong.headers["accept-post"]) == (415, "application/sdp")
    asked = sender.program.options(sender.url)
    assert (asked.status_code, asked.headers["accept-post"]) == (204, "application/sdp")
    for method in ("GET", "HEAD", "PUT"):
        assert sender.ask(method).status_code == 405
        assert sender.ask(method, f"{sender.url}/any").status_code == 405


def nothing(sender: Sender) -> str:
    return ""


def altered(sender: Sender) -> str:
    return "A" * len(sender.token)


def of_a_browser(sender: Sender) -> str:
    return sender.browser.cookies[COOKIE]


def after_sign_out(sender: Sender) -> str:
    at = sender.service.services
    with at.db.transaction() as tx:
        sign_in.end(tx, sender.browser.cookies[COOKIE], at.clock.now())
    return sender.token


@pytest.mark.db
@pytest.mark.parametrize("token", [nothing, altered, of_a_browser, after_sign_out])
def test_without_the_token_nothing_is_taken(
    sender: Sender, offer: str, token: Callable[[Sender], str]
) -> None:
    headers = {**SDP, "authorization": f"Bearer {token(sender)}"}
    refused = sender.program.post(sender.url, content=offer, headers=headers)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert refused.json()["key"] == "error.token_needed"
    # nor with the cookie of the student alone
    assert sender.browser.post(sender.url, content=offer, headers=SDP).status_code == 401


@pytest.mark.db
def test_token_is_for_its_own_sitting_and_its_own_student(sender: Sender, offer: str) -> None:
    other = sender.service.client("bob")
    assert other.post(f"/api/sittings/{sender.sitting_id}/media-token").status_code == 404
    elsewhere = sender.url.replace(sender.sitting_id, "0" * 32)
    headers = {"content_type": "application/sdp"}
    assert sender.ask("POST", elsewhere, offer, **headers).status_code == 401


@pytest.mark.db
def test_without_consent_nothing_is_recorded(sender: Sender, offer: str) -> None:
    at = sender.service.services
    with at.db.transaction() as tx:
        given = {Purpose.RECORDING: False}
        consents.record(tx, at.vault, sender.service.cast.alice.id, given, "en", at.clock.now())
    refused = sender.connect(offer)
    assert (refused.status_code, refused.json()["key"]) == (409, "error.consent_missing")


@pytest.mark.media
async def test_what_a_program_sends_is_recorded(sender: Sender) -> None:
    connection = await offering()
    made = await asyncio.to_thread(sender.connect, connection.localDescription.sdp)
    await connection.setRemoteDescription(RTCSessionDescription(made.text, "answer"))
    live = sender.service.services.live.held(sender.sitting_id)
    assert live is not None
    deadline = time.monotonic() + 30.0
    while not all(live.live_tracks.values()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.5)
    ended = await asyncio.to_thread(sender.ask, "DELETE", made.headers["location"])
    assert ended.status_code == 200
    await connection.close()
    root = sender.service.services.settings.recordings_dir
    with sender.service.db.transaction() as tx:
        rows = list(tx.scalars(select(Recording)))
    assert {row.track for row in rows} == set(Track)
    assert all(read_recorded(root / row.path).intervals for row in rows)
