"""Bad input to a sitting: a clear refusal, never a traceback, and nothing is lost."""

import io
from dataclasses import dataclass
from datetime import timedelta

import PIL.Image
import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from proctor import events
from proctor.people import consents
from proctor.people.tables import Purpose, SignInSession
from proctor.sittings.tables import Answer, Sitting, SittingState
from tests.support.service import Service
from web.app import MAX_BODY

pytestmark = pytest.mark.db


@dataclass(frozen=True)
class Desk:
    """Alice at her open sitting."""

    service: Service
    client: TestClient
    sitting_id: str

    @property
    def url(self) -> str:
        return f"/api/sittings/{self.sitting_id}"

    def run(self, *, deadline_in: timedelta = timedelta(hours=1)) -> None:
        """Put the sitting in its exam, as a start in front of a camera would."""
        at = self.service.services
        with at.db.transaction() as tx:
            sitting = tx.get_one(Sitting, self.sitting_id)
            sitting.state = SittingState.RUNNING
            sitting.started_at = at.clock.now()
            sitting.deadline_at = at.clock.now() + deadline_in

    def save(self, revision: int, text: str = "answer") -> int:
        question = self.service.cast.essay.id
        body = {"revision": revision, "text": text}
        return self.client.put(f"{self.url}/answers/{question}", json=body).status_code


@pytest.fixture
def desk(service: Service) -> Desk:
    client = service.client("alice")
    at = service.services
    with at.db.transaction() as tx:
        given = dict.fromkeys(Purpose, True)
        consents.record(tx, at.vault, service.cast.alice.id, given, "en", at.clock.now())
    opened = client.post(f"/exams/{service.cast.final.id}/sittings")
    assert opened.status_code == 303
    return Desk(service, client, opened.headers["location"].rpartition("/")[2])


def offer(sdp: str, **more: object) -> dict[str, object]:
    tracks = {"camera": "0", "screen": "1"}
    return {"sdp": sdp, "tracks": tracks, "display_surface": "monitor", **more}


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "v=0",
        "not an offer",
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n",
        "v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * 5,
        "v=0\r\na=fingerprint:sha-256 zz\r\nm=video x UDP 96\r\n" * 2,
        "\x00\ud7ff" * 50,
        "v=0\r\n" + "a=candidate:1 1 udp 1 10.0.0.1 1 typ host\r\n" * 200,
    ],
)
def test_a_hostile_offer_is_refused(desk: Desk, sdp: str) -> None:
    answer = desk.client.post(f"{desk.url}/offer", json=offer(sdp))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "key"}


@pytest.mark.parametrize(
    "body",
    [
        offer("v=0" * 20_000),
        offer("v=0", tracks={"microphone": "0"}),
        offer("v=0", unknown=1),
        offer("v=0", display_surface=7),
        [],
    ],
)
def test_an_offer_of_the_wrong_shape_is_refused(desk: Desk, body: object) -> None:
    assert desk.client.post(f"{desk.url}/offer", json=body).status_code == 422


def test_a_window_instead_of_the_whole_screen_is_refused(desk: Desk) -> None:
    body = offer("v=0", display_surface="window")
    answer = desk.client.post(f"{desk.url}/offer", json=body)
    assert (answer.status_code, answer.json()["key"]) == (422, "check.screen_wrong")


def test_an_oversize_body_is_refused(desk: Desk) -> None:
    huge = b"x" * (MAX_BODY + 1)
    assert desk.client.post("/api/enrolment/face", content=huge).status_code == 413
    probe = desk.client.post(f"{desk.url}/bandwidth", content=b"x" * 600_000)
    assert (probe.status_code, probe.json()["key"]) == (422, "error.too_large")
    assert desk.client.post(f"{desk.url}/bandwidth", content=b"x" * 1000).json() == {"bytes": 1000}


def bomb() -> bytes:
    """A picture of 30 megapixels in a few kilobytes."""
    out = io.BytesIO()
    PIL.Image.new("1", (6000, 5001)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    "data", [b"", b"not a picture", b"\xff\xd8\xff" + b"\0" * 100, b"GIF89a" + b"\0" * 50, bomb()]
)
@pytest.mark.parametrize("path", ["face", "id-photo"])
def test_a_wrong_picture_is_refused(service: Service, path: str, data: bytes) -> None:
    at, client = service.services, service.client("bob")
    with at.db.transaction() as tx:
        consents.record(
            tx, at.vault, service.cast.bob.id, {Purpose.FACE: True}, "en", at.clock.now()
        )
    answer = client.post(f"/api/enrolment/{path}", content=data)
    assert (answer.status_code, answer.json()["key"]) == (422, "error.image")


def test_without_consent_nothing_is_taken(service: Service) -> None:
    client = service.client("bob")
    assert client.post("/api/enrolment/face", content=b"x").status_code == 409
    batch = {"v": 1, "clock_step_ms": None, "events": []}
    typing = client.post("/api/enrolment/typing", json={"batch": batch, "round": 1})
    assert (typing.status_code, typing.json()["key"]) == (409, "error.consent_missing")
    assert client.post(f"/exams/{service.cast.final.id}/sittings").status_code == 409


@pytest.mark.parametrize(
    "batch", [{}, {"v": 2, "clock_step_ms": 1.0, "events": []}, {"v": 1, "events": [[1]]}]
)
def test_typing_that_is_not_understood_is_refused(desk: Desk, batch: object) -> None:
    answer = desk.client.post("/api/enrolment/typing", json={"batch": batch, "round": 1})
    assert answer.status_code == 422


def test_an_unknown_sitting_is_not_found(desk: Desk) -> None:
    for method, path in (
        ("POST", "/api/sittings/unknown/start"),
        ("POST", "/api/sittings/unknown/finish"),
        ("PUT", "/api/sittings/unknown/answers/q"),
        ("GET", "/sittings/unknown"),
        ("GET", "/sittings/unknown/paper"),
        ("GET", "/sittings/unknown/receipt"),
    ):
        body = {"revision": 1, "text": ""} if method == "PUT" else None
        assert desk.client.request(method, path, json=body).status_code == 404


def test_another_students_sitting_is_not_found(desk: Desk) -> None:
    bob = desk.service.client("bob")
    assert bob.get(f"/sittings/{desk.sitting_id}").status_code == 404
    assert bob.post(f"{desk.url}/start").status_code == 404
    assert bob.post(f"{desk.url}/offer", json=offer("v=0")).status_code == 404


def test_a_second_sign_in_does_not_enter_a_running_sitting(desk: Desk) -> None:
    desk.run()
    with desk.client.websocket_connect(f"{desk.url}/socket") as socket:
        assert socket.receive_json()["type"] == "hello"
        second = desk.service.client("alice")
        entered = second.post(f"/exams/{desk.service.cast.final.id}/sittings")
        assert entered.status_code == 409
        assert "another browser" in entered.text
        assert second.post(f"{desk.url}/finish").status_code == 409
        with (
            pytest.raises(WebSocketDisconnect),
            second.websocket_connect(f"{desk.url}/socket") as other,
        ):
            other.receive_json()
    assert desk.save(1) == 200


def test_an_exam_does_not_start_without_media(desk: Desk) -> None:
    answer = desk.client.post(f"{desk.url}/start")
    assert (answer.status_code, answer.json()["key"]) == (409, "error.media_not_live")


def test_outside_the_window_nothing_starts(desk: Desk) -> None:
    at, cast = desk.service.services, desk.service.cast
    with at.db.transaction() as tx:
        event = tx.get_one(type(cast.final), cast.final.id)
        event.opens_at, event.closes_at = at.clock.now() + timedelta(hours=1), event.closes_at
    answer = desk.service.client("bob").post(f"/exams/{cast.final.id}/sittings")
    assert answer.status_code == 409


def test_a_late_answer_is_refused_and_the_earlier_one_stays(desk: Desk) -> None:
    desk.run()
    assert desk.save(1, "in time") == 200
    desk.run(deadline_in=timedelta(seconds=-10))
    assert desk.save(2, "late") == 409
    with desk.service.db.transaction() as tx:
        row = tx.get_one(Answer, (desk.sitting_id, desk.service.cast.essay.id))
        assert row.revision == 1


def test_a_stale_answer_is_refused(desk: Desk) -> None:
    desk.run()
    assert (desk.save(3), desk.save(3), desk.save(2), desk.save(4)) == (200, 409, 409, 200)


def test_an_answer_that_is_too_long_is_refused(desk: Desk) -> None:
    desk.run()
    assert desk.save(1, "x" * 100_001) == 422


@pytest.mark.parametrize(
    "message",
    ["not json", "[]", "{}", '{"type":"batch"}', '{"type":"batch","nonce":"wrong","seq":1}'],
)
def test_a_message_that_is_not_understood_closes_the_socket(desk: Desk, message: str) -> None:
    desk.run()
    with desk.client.websocket_connect(f"{desk.url}/socket") as socket:
        socket.receive_json()
        socket.send_text(message)
        with pytest.raises(WebSocketDisconnect) as closed:
            while True:
                socket.receive_json()
    assert closed.value.code == 4400


def test_the_page_says_how_much_it_sends(desk: Desk) -> None:
    desk.run()
    with desk.client.websocket_connect(f"{desk.url}/socket") as socket:
        nonce = socket.receive_json()["nonce"]
        told = {"type": "pace", "nonce": nonce, "pace": "stills"}
        socket.send_json(told)
        socket.send_json(told)
        socket.send_json(batch(nonce, 1))
        while socket.receive_json()["type"] != "ack":
            pass
        socket.send_json({**told, "pace": "faster"})
        with pytest.raises(WebSocketDisconnect) as closed:
            while True:
                socket.receive_json()
    assert closed.value.code == 4400
    with desk.service.db.transaction() as tx:
        facts = [each.payload for each in events.read(tx, desk.sitting_id, "observation")]
    paces = [fact["values"] for fact in facts if fact["name"] == "pace"]
    assert paces == [{"pace": "stills", "kbit_s": 0}]


def test_a_binary_message_closes_the_socket(desk: Desk) -> None:
    with desk.client.websocket_connect(f"{desk.url}/socket") as socket:
        socket.receive_json()
        socket.send_bytes(b"{}")
        with pytest.raises(WebSocketDisconnect) as closed:
            while True:
                socket.receive_json()
    assert closed.value.code == 4400


def test_the_newest_socket_takes_the_place_of_the_one_before(desk: Desk) -> None:
    desk.run()
    with desk.client.websocket_connect(f"{desk.url}/socket") as old:
        first = old.receive_json()
        old.send_json(batch(first["nonce"], 1))
        until_ack(old)
        with desk.client.websocket_connect(f"{desk.url}/socket") as new:
            second = new.receive_json()
            assert second["last_seq"] == 1
            with pytest.raises(WebSocketDisconnect) as closed:
                while True:
                    old.send_json(batch(first["nonce"], 2))
                    until_ack(old)
            assert closed.value.code == 4404
            new.send_json(batch(second["nonce"], 2))
            assert until_ack(new) == 2


@pytest.mark.parametrize(
    ("left_s", "is_paused", "statuses"),
    [(600.0, False, [409, 409]), (0.0, True, [409, 409]), (0.0, False, [200, 200])],
)
def test_a_page_whose_time_is_over_ends_no_exam_that_is_not(
    desk: Desk, left_s: float, is_paused: bool, statuses: list[int]
) -> None:
    desk.run(deadline_in=timedelta(seconds=left_s))
    at = desk.service.services
    with at.db.transaction() as tx:
        sitting = tx.get_one(Sitting, desk.sitting_id)
        if is_paused:
            sitting.state, sitting.paused_at = SittingState.SUSPENDED, at.clock.now()
    answers = [desk.client.post(f"{desk.url}/finish", json={"late": True}) for _ in range(2)]
    assert [each.status_code for each in answers] == statuses


def test_a_page_that_was_cut_off_hears_why_the_exam_ended(desk: Desk) -> None:
    desk.run()
    with desk.client.websocket_connect(f"{desk.url}/socket") as socket:
        assert socket.receive_json()["ended"] is None
    assert desk.client.post(f"{desk.url}/finish").status_code == 200
    with desk.client.websocket_connect(f"{desk.url}/socket") as socket:
        assert socket.receive_json()["ended"] == "student_finished"


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null", "http://["])
def test_a_foreign_page_cannot_open_the_socket(desk: Desk, origin: str) -> None:
    own = {"host": "localhost", "origin": "http://localhost"}
    with desk.client.websocket_connect(f"{desk.url}/socket", headers=own) as socket:
        assert socket.receive_json()["type"] == "hello"
    with (
        pytest.raises(WebSocketDisconnect),
        desk.client.websocket_connect(
            f"{desk.url}/socket", headers={**own, "origin": origin}
        ) as socket,
    ):
        socket.receive_json()


def batch(nonce: str, seq: int, name: str = "paste", keystrokes: int = 2) -> dict[str, object]:
    events = [[120 * number, 3 + number % 2, 90, 0] for number in range(keystrokes)]
    keys = {"v": 1, "clock_step_ms": 0.1, "events": events}
    fact = {"name": name, "ms": 1000.0, "values": {"chars": 40} if name == "paste" else {}}
    return {
        "type": "batch",
        "seq": seq,
        "nonce": nonce,
        "now_ms": 1000.0,
        "browser": [fact],
        "keys": keys,
    }


def until_ack(socket: WebSocketTestSession) -> int:
    while (message := socket.receive_json())["type"] != "ack":
        pass
    return message["seq"]


def test_of_two_batches_of_one_number_the_first_is_kept(desk: Desk) -> None:
    desk.run()
    for name, keystrokes in (("paste", 2), ("page_hidden", 5)):
        with desk.client.websocket_connect(f"{desk.url}/socket") as socket:
            nonce = socket.receive_json()["nonce"]
            socket.send_json(batch(nonce, 1, name, keystrokes))
            assert until_ack(socket) == 1
    with desk.service.db.transaction() as tx:
        kept = events.read(tx, desk.sitting_id, "batch_kept")
        opened = events.read(tx, desk.sitting_id, "incident_opened")
        assert [e.payload for e in kept] == [{"seq": 1, "keys": 2}]
        assert [e.payload["kind"] for e in opened] == ["paste"]
        assert events.verify(tx, desk.sitting_id) is None


def test_a_batch_with_a_hole_before_it_is_not_acknowledged(desk: Desk) -> None:
    desk.run()
    with desk.client.websocket_connect(f"{desk.url}/socket") as socket:
        nonce = socket.receive_json()["nonce"]
        socket.send_json(batch(nonce, 2))
        with pytest.raises(WebSocketDisconnect) as closed:
            while True:
                assert socket.receive_json()["type"] != "ack"
    assert closed.value.code == 4409


def test_who_takes_the_consent_back_can_hand_in_or_agree_again(desk: Desk) -> None:
    desk.run()
    assert desk.save(1) == 200
    page, entry = f"/sittings/{desk.sitting_id}", f"/exams/{desk.service.cast.final.id}/sittings"
    desk.client.post("/consent", data={"decline": "yes"})
    assert desk.client.post(entry).headers["location"] == page
    assert 'id="hand-in"' in desk.client.get(page).text
    desk.client.post("/consent", data={"recording": "yes"})
    assert 'id="hand-in"' not in desk.client.get(page).text
    desk.client.post("/consent", data={"decline": "yes"})
    assert desk.service.client("bob").post(f"{page}/hand-in").status_code == 404
    handed_in = desk.client.post(f"{page}/hand-in")
    assert handed_in.headers["location"] == f"{page}/receipt"
    assert desk.client.get(f"{page}/receipt").status_code == 200


def test_finishing_twice_gives_the_same_receipt(desk: Desk) -> None:
    desk.run()
    first = desk.client.post(f"{desk.url}/finish").json()
    again = desk.client.post(f"{desk.url}/finish").json()
    assert first == again
    assert len(first["receipt"]) == 64
    assert desk.save(1) == 409
    assert desk.client.get(first["url"]).status_code == 200


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ("camera?now_ms=1", b"no pictures", 422),
        ("camera?now_ms=nan", b"", 422),
        ("camera", b"", 422),
        ("hand?now_ms=1", b"", 422),
        ("camera?now_ms=1", bytes((4 << 20) + 1), 422),
    ],
)
def test_what_the_page_kept_is_refused_when_it_is_nonsense(
    desk: Desk, query: str, body: bytes, status: int
) -> None:
    desk.run()

    assert desk.client.post(f"{desk.url}/backfill/{query}", content=body).status_code == status


def test_backfill_of_somebody_else_is_not_found(desk: Desk) -> None:
    other = desk.service.client("bob")

    assert other.post(f"{desk.url}/backfill/camera?now_ms=1", content=b"").status_code == 404


def test_a_sign_in_does_not_end_in_mid_exam(desk: Desk) -> None:
    desk.run()
    now = desk.service.services.clock.now()
    with desk.service.db.transaction() as tx:
        tx.query(SignInSession).update({"expires_at": now - timedelta(seconds=1)})
    assert desk.save(1) == 200
    with desk.service.db.transaction() as tx:
        sitting = tx.get_one(Sitting, desk.sitting_id)
        sitting.state, sitting.finished_at = SittingState.FINISHED, now - timedelta(hours=2)
    assert desk.save(2) == 401
