"""A student reads what is held, takes it along, and has it erased."""

import json

import pytest

from proctor import events
from proctor.observations import Track
from proctor.people import accounts, consents, sign_in
from proctor.people.tables import Purpose, Role
from proctor.review.tables import Decision, Verdict
from proctor.sittings import desk
from proctor.sittings.tables import Answer, SittingState
from tests.support.service import Service
from tests.support.sittings import record_track, sitting_of
from web.access import COOKIE

pytestmark = pytest.mark.db
OFFICE = "/office/retention"


def test_from_the_request_to_the_receipt(service: Service) -> None:
    at = service.services
    now, root = at.clock.now(), at.settings.recordings_dir
    with service.db.transaction() as tx:
        alice = service.cast.alice
        sitting = sitting_of(tx, service.cast, alice, now)
        record_track(tx, sitting, root, Track.CAMERA, seconds=1, plain=True)
        consents.record(tx, at.vault, alice.id, dict.fromkeys(Purpose, True), "en", now)
    student, office = service.client("alice"), service.client("olga")
    assert "Exams with recordings: 1" in student.get("/my-data").text
    assert student.post("/my-data/erasure").status_code == 303
    assert student.post("/my-data/erasure").status_code == 409
    asked = student.get("/my-data").text
    assert "It cannot be confirmed yet: the identity is not decided yet." in asked
    with service.db.reading() as tx:
        (fact,) = events.read(tx, f"account:{alice.id}", "erasure_asked")
    confirm = f"{OFFICE}/erasures/{fact.payload['erasure']}/confirm"
    receipt = f"/my-data/erasures/{fact.payload['erasure']}.json"
    assert "the identity is not decided yet" in office.get(OFFICE).text
    assert office.post(confirm).status_code == 409
    assert student.get(receipt).status_code == 404
    with service.db.transaction() as tx:
        given = Verdict(sitting_id=sitting.id, reviewer_id=service.cast.rita.id, at=now)
        given.decision, given.reason = Decision.VERIFIED, "The same person."
        tx.add(given)
    assert confirm in office.get(OFFICE).text
    assert office.post(confirm).status_code == 303
    assert list(root.iterdir()) == []
    assert "Erased on" in student.get("/my-data").text
    told = json.loads(student.get(receipt).content)
    assert [each["id"] for each in told["erased"]["sittings"]] == [sitting.id]
    assert service.client("bob").get(receipt).status_code == 404
    for name, path in (
        ("alice", f"/sittings/{sitting.id}/record"),
        ("alice", "/exams"),
        ("alice", "/consent"),
        ("rita", f"/review/sittings/{sitting.id}"),
        ("olga", "/office"),
    ):
        assert service.client(name).get(path).status_code == 200
    assert student.post("/my-data/erasure").status_code == 303
    assert student.post("/my-data/erasure/withdraw").status_code == 303


def test_a_refusal_is_read_and_another_person_answers_the_next_request(service: Service) -> None:
    with service.db.transaction() as tx:
        of = service.cast.institution.id
        oleg = accounts.add(tx, of, "oleg@example.org", "Oleg", Role.EXAM_OFFICE)
        token = sign_in.begin(tx, oleg.id, service.services.clock.now())
    student, olga, other = service.client("alice"), service.client("olga"), service.client(None)
    other.cookies.set(COOKIE, token)

    def ask() -> str:
        assert student.post("/my-data/erasure").status_code == 303
        with service.db.reading() as tx:
            asked = events.read(tx, f"account:{service.cast.alice.id}", "erasure_asked")
        return f"{OFFICE}/erasures/{asked[-1].payload['erasure']}"

    first, because = ask(), {"reason": "An audit of this exam <b> is announced."}
    short = olga.post(f"{first}/refuse", data={"reason": "no <"})
    assert short.status_code == 422
    assert ">no &lt;</textarea>" in short.text
    assert "at least 10 characters" in short.text
    assert olga.post(f"{first}/refuse", data=because).status_code == 303
    # it is answered: once, and neither taken back nor confirmed afterwards
    for path in ("refuse", "confirm"):
        assert olga.post(f"{first}/{path}", data=because).status_code == 409
    assert student.post("/my-data/erasure/withdraw").status_code == 409
    assert "There are no requests." in olga.get(OFFICE).text

    told = student.get("/my-data").text
    assert "An audit of this exam &lt;b&gt; is announced." in told
    assert "was refused on" in told
    assert "Your request for erasure was answered" in student.get("/notices").text
    held = json.loads(student.get("/my-data/export.json").content)
    assert held["erasures"][0]["refused_because"] == because["reason"]
    (fact,) = [each for each in held["events"] if each["kind"] == "erasure_refused"]
    # who refused is on record, and not given out
    assert fact["body"] is None
    with service.db.reading() as tx:
        (written,) = events.read(tx, f"account:{service.cast.alice.id}", "erasure_refused")
    assert written.payload["by"] == service.cast.olga.id

    second = ask()
    assert "was refused on" not in student.get("/my-data").text
    again = olga.post(f"{second}/refuse", data=because)
    assert (again.status_code, "only somebody else may refuse" in again.text) == (409, True)
    assert other.post(f"{second}/refuse", data=because).status_code == 303
    # the third one is confirmed by whom it may be
    assert olga.post(f"{ask()}/confirm").status_code == 303
    assert "Erased on" in student.get("/my-data").text


def test_the_file_holds_ended_exams_and_nothing_of_one_under_way(service: Service) -> None:
    at = service.services
    now, alice = at.clock.now(), service.cast.alice
    with service.db.transaction() as tx:
        ended = sitting_of(tx, service.cast, alice, now)
        words = at.vault.seal(tx, alice.id, desk.SEAL, "Қырық екі".encode())
        answer = Answer(sitting_id=ended.id, question_id=service.cast.essay.id, revision=1)
        answer.saved_at, answer.sealed = now, words
        tx.add(answer)
        events.append(tx, ended.id, "sitting_finished", {}, now)
        ended.attempt = 2
        tx.flush()
        sitting_of(tx, service.cast, alice, now, SittingState.RUNNING)
    answered = service.client("alice").get("/my-data/export.json")
    assert "attachment" in answered.headers["content-disposition"]
    held = json.loads(answered.content)
    assert held["account"]["email"] == "alice@example.org"
    running, finished = sorted(held["sittings"], key=lambda each: each["attempt"])
    assert running.keys() == {"id", "course", "exam", "attempt", "state"}
    assert [each["text"] for each in finished["answers"]] == ["Қырық екі"]
    assert [each["kind"] for each in finished["events"]] == ["sitting_finished"]
