"""The review room over HTTP: what is shown, to whom, what is on record, what is refused."""

import io
import json
import re
from datetime import timedelta
from pathlib import Path

import av
import pytest
from PIL import Image
from sqlalchemy import text
from sqlalchemy.orm import Session

from proctor import events
from proctor.catalogue import translate
from proctor.identity.tables import CheckResult, IdentityCheck, Modality
from proctor.media.export import export_alone
from proctor.media.files import read_clusters
from proctor.media.tables import Recording
from proctor.observations import Track
from proctor.review.verdicts import verdicts_of
from proctor.sittings import interventions
from proctor.sittings.tables import Act, Sitting, SittingState
from tests.support.cast import NOON
from tests.support.service import Service
from tests.support.sittings import cut_clips, incident_of, record_track, sitting_of

pytestmark = pytest.mark.db

REASON = "The picture shows the same person."


class Room:
    """One finished sitting of Alice with two incidents, recordings and clips."""

    def __init__(self, service: Service) -> None:
        self.service = service
        with service.db.transaction() as tx:
            sitting = sitting_of(tx, service.cast, service.cast.alice, service.services.clock.now())
            self.sitting_id = sitting.id
            self.mismatch = incident_of(
                tx, sitting, "face_mismatch", 10.0, 24.0, llr=-7.5, samples=9
            ).id
            self.paste = incident_of(tx, sitting, "paste", 12.0, 12.0, chars=84).id
            directory = service.services.settings.recordings_dir
            self.recording = record_track(tx, sitting, directory, Track.CAMERA, starts_s=-2.0)
            record_track(tx, sitting, directory, Track.SCREEN)
            clips = cut_clips(tx, sitting, directory)
            self.clips = [clip.id for clip in clips]

    @property
    def url(self) -> str:
        return f"/review/sittings/{self.sitting_id}"

    @property
    def video(self) -> str:
        return f"/review/recordings/{self.recording.id}"

    @property
    def file(self) -> Path:
        return self.service.services.settings.recordings_dir / self.recording.path

    def picture(self, moment: str) -> str:
        return f"{self.url}/incidents/{self.mismatch}/pictures/{moment}"

    def look(self, *names: str) -> None:
        """Let *names* see a piece of the recording."""
        for name in names:
            self.service.client(name).get(self.video, headers={"range": "bytes=0-9"})

    def views(self) -> list[dict[str, str]]:
        with self.service.db.transaction() as tx:
            return [e.payload for e in events.read(tx, self.sitting_id, "recording_viewed")]

    def decisions(self) -> list[str]:
        with self.service.db.transaction() as tx:
            return [row.decision.value for row in verdicts_of(tx, self.sitting_id)]


@pytest.fixture
def room(service: Service) -> Room:
    return Room(service)


def test_the_queue_lists_what_waits(room: Room) -> None:
    page = room.service.client("rita").get("/review")

    assert page.status_code == 200
    assert "Alice" in page.text
    assert "undecided: 2, in all: 2" in page.text
    assert "Waiting for a decision (1)" in page.text
    assert room.url in page.text


def test_the_queue_of_another_course_is_empty(room: Room) -> None:
    page = room.service.client("quentin").get("/review?show=all")

    assert page.status_code == 200
    assert "Alice" not in page.text
    assert "Nothing in this list." in page.text


def test_an_unknown_filter_is_not_found(room: Room) -> None:
    assert room.service.client("rita").get("/review?show=mine").status_code == 404


@pytest.mark.parametrize("locale", ["kk", "ru", "en"])
def test_the_page_states_facts_in_each_language(room: Room, locale: str) -> None:
    client = room.service.client("paula")
    client.cookies.set("tanu_language", locale)

    page = client.get(room.url)

    assert page.status_code == 200
    fact = f"{translate(locale, 'incident.face_mismatch')}, "
    assert fact + translate(locale, "incident.duration", n=14) in page.text
    assert translate(locale, "incident.moment") in page.text
    assert translate(locale, "review.ratio.against.strong", n="2 000") in page.text
    assert translate(locale, "review.still.start") in page.text
    card = client.get(f"{room.url}/incidents/{room.paste}")
    assert translate(locale, "incident.evidence.chars", n=84) in card.text
    assert translate(locale, "review.unseen.twins") in page.text
    assert f'lang="{locale}"' in page.text


@pytest.mark.parametrize("locale", ["kk", "ru", "en"])
def test_checks_that_failed_are_counted_with_their_reason(room: Room, locale: str) -> None:
    client = room.service.client("rita")
    client.cookies.set("tanu_language", locale)
    title = translate(locale, "review.failed.title")
    assert title not in client.get(room.url).text

    failed = {"check": "things", "reason": "worker_crashed", "at_s": 3.0}
    with room.service.db.transaction() as tx:
        events.append(tx, room.sitting_id, "not_assessed", failed, NOON)

    page = client.get(room.url).text
    assert title in page
    assert translate(locale, "review.failed.things") in page
    assert translate(locale, "review.reason.worker_crashed") in page


def test_the_page_says_what_was_lost_and_which_seconds_do_not_add_up(room: Room) -> None:
    url = room.url
    assert "Arrived and not kept" not in room.service.client("rita").get(url).text
    with room.service.db.transaction() as tx:
        for packets in (7, 5):
            lost = {"packet_not_repaired": packets, "datagram_malformed": 3}
            events.append(tx, room.sitting_id, "dropped", lost, NOON)
        wrong = {"track": "screen", "off_s": 1.5}
        events.append(tx, room.sitting_id, "seconds_unaccounted", wrong, NOON)
    shown = room.service.client("rita").get(url).text
    assert "packets lost on the way that did not come again: 12</li>" in shown
    assert "malformed" not in shown
    assert "Screen: recorded and missing seconds together differ" in shown
    assert "by 1.5 s. This is a fault of the service." in shown


def test_the_page_needs_no_inline_script_or_style(room: Room) -> None:
    page = room.service.client("rita").get(room.url).text

    assert re.findall(r"<script(?![^>]*(?:src=|application/json))", page) == []
    assert re.findall(r"\sstyle=|<style|\son\w+=", page) == []


@pytest.mark.parametrize("name", ["quentin", "tom", "olga", "alice", "charlie"])
def test_nobody_else_finds_the_sitting_or_its_pictures(room: Room, name: str) -> None:
    client = room.service.client(name)
    verdict = {"decision": "dismissed", "reason": REASON}

    answers = [
        client.get(room.url),
        client.get(room.video),
        client.get(f"/review/clips/{room.clips[0]}"),
        client.get(f"/review/clips/{room.clips[0]}/mp4"),
        client.get(f"{room.url}/incidents/{room.paste}"),
        client.get(room.picture("scene")),
        client.post(f"{room.url}/incidents/{room.paste}/verdict", data=verdict),
        client.post(f"{room.url}/identity", data={"decision": "verified", "reason": REASON}),
        client.post(f"{room.url}/admission"),
        client.post(f"{room.url}/incidents/{room.paste}/look"),
        client.post(f"{room.url}/alike", data={"kind": "paste", "reason": REASON}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 11
    assert room.views() == []
    assert room.decisions() == []


def test_a_recording_comes_in_ranges_and_is_on_record_first(room: Room) -> None:
    client = room.service.client("rita")

    answer = client.get(room.video, headers={"range": "bytes=100-199"})

    data = room.file.read_bytes()
    assert answer.status_code == 206
    assert answer.content == data[100:200]
    assert answer.headers["content-range"] == f"bytes 100-199/{len(data)}"
    assert answer.headers["content-type"] == "video/webm"
    assert answer.headers["cache-control"] == "no-store"
    rita = room.service.cast.rita.id
    assert room.views() == [{"viewer": rita, "what": f"recording:{room.recording.id}"}]


def test_the_pieces_of_one_view_are_one_line_and_each_person_has_their_own(room: Room) -> None:
    for name in ("rita", "rita", "paula"):
        for _ in range(2):
            room.service.client(name).get(room.video, headers={"range": "bytes=0-9"})

    viewers = [view["viewer"] for view in room.views()]
    assert viewers == [room.service.cast.rita.id, room.service.cast.paula.id]


def test_without_an_audit_line_there_are_no_pictures(room: Room) -> None:
    client = room.service.client("rita")
    with room.service.db.transaction() as tx:
        refuse_views(tx)

    clip, picture = f"/review/clips/{room.clips[0]}", room.picture("scene")
    answers = [client.get(url) for url in (room.video, clip, f"{clip}/mp4", picture)]

    assert [answer.status_code for answer in answers] == [503, 503, 503, 503]
    assert {answer.headers["content-type"] for answer in answers} == {"text/html; charset=utf-8"}


def refuse_views(tx: Session) -> None:
    """From now on the database takes no line about a view."""
    tx.execute(
        text(
            "CREATE TRIGGER no_views BEFORE INSERT ON events WHEN NEW.kind = 'recording_viewed' "
            "BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    )


def test_a_range_outside_the_file_is_416(room: Room) -> None:
    answer = room.service.client("rita").get(room.video, headers={"range": "bytes=99999999-"})

    assert answer.status_code == 416


def test_a_recording_that_grows_is_sent_as_far_as_it_is(room: Room) -> None:
    with room.service.db.transaction() as tx:
        tx.merge(room.recording).sha256 = ""

    client = room.service.client("rita")
    whole = client.get(room.video)

    # the file is finished here: what is sent of one that grows is the same
    data = room.file.read_bytes()
    assert (whole.status_code, whole.content) == (200, data)
    for asked, part in (("100-199", data[100:200]), ("900-", data[900:]), ("-50", data[-50:])):
        answer = client.get(room.video, headers={"range": f"bytes={asked}"})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"].endswith(f"/{len(data)}")
        assert answer.headers["content-type"] == "video/webm"
    assert client.get(room.video, headers={"range": "bytes=99999999-"}).status_code == 416
    assert client.get(room.video, headers={"range": "bytes=9-5"}).status_code == 416
    assert client.get(room.video, headers={"range": "lines=1-2"}).status_code == 200


def test_a_page_plays_a_growing_recording_as_far_as_it_was(room: Room) -> None:
    client = room.service.client("rita")
    (*_, cut, _) = read_clusters(room.file)

    answer = client.get(f"{room.video}?until={cut.offset + cut.size}")

    assert answer.status_code == 200
    with av.open(io.BytesIO(answer.content)) as container:
        before = [frame.time for frame in container.decode(video=0)]
    with av.open(str(room.file)) as container:
        assert before == [frame.time for frame in container.decode(video=0)][: len(before)]
    assert before[-1] < cut.start_ms / 1000 + 1.0
    assert len(room.views()) == 1


def test_what_was_said_stands_on_the_page_with_its_moment(room: Room) -> None:
    with room.service.db.transaction() as tx:
        sitting, paula = tx.get_one(Sitting, room.sitting_id), room.service.cast.paula
        assert sitting.started_at is not None
        at = sitting.started_at + timedelta(seconds=12)
        vault = room.service.services.vault
        interventions.add(tx, vault, sitting, Act.MESSAGE, paula, at, words="Is the light <on>?")

    page = room.service.client("rita").get(room.url).text

    assert 'data-seek="12.0"' in page
    assert "Is the light &lt;on&gt;?" in page
    assert 'class="mark-said"' in page
    assert re.search(r"Paula, \d\d:\d\d:\d\d", page)


def test_a_lost_file_and_a_path_outside_are_not_found(room: Room) -> None:
    client = room.service.client("rita")
    with room.service.db.transaction() as tx:
        tx.merge(room.recording).path = "../tanu.db"
    assert client.get(room.video).status_code == 404

    with room.service.db.transaction() as tx:
        tx.merge(room.recording).path = "lost.webm"
    lost = client.get(room.video)
    assert lost.status_code == 404
    assert "The file of this recording was not found." in lost.text


def test_a_clip_plays_and_the_page_says_who_saw_it(room: Room) -> None:
    client = room.service.client("rita")

    answer = client.get(f"/review/clips/{room.clips[0]}")

    assert answer.status_code == 200
    assert answer.content[:4] == b"\x1a\x45\xdf\xa3"
    page = room.service.client("rustam").get(room.url).text
    assert "<td>Rita</td><td>Clip</td>" in page


def test_a_picture_of_an_incident_is_made_for_its_viewer_and_on_record(room: Room) -> None:
    client = room.service.client("rita")

    answer = client.get(room.picture("scene"))

    assert answer.status_code == 200
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == (
        "image/jpeg",
        "no-store",
    )
    with Image.open(io.BytesIO(answer.content)) as made:
        assert (made.format, made.width) == ("JPEG", 320)
    rita = room.service.cast.rita.id
    assert room.views() == [{"viewer": rita, "what": f"picture:{room.mismatch}"}]
    # the recording shows a pattern
    nobody = client.get(room.picture("face"))
    assert nobody.status_code == 404
    assert "There is no picture of this moment." in nobody.text
    assert client.get(room.picture("tomorrow")).status_code == 422
    other = client.get(f"{room.url}/incidents/{'0' * 32}/pictures/scene")
    assert other.status_code == 404
    page = room.service.client("rustam").get(room.url).text
    assert "<td>Rita</td><td>Picture of an incident</td>" in page


def test_a_clip_is_downloaded_as_mp4_and_the_page_says_so(room: Room) -> None:
    answer = room.service.client("rita").get(f"/review/clips/{room.clips[0]}/mp4")

    assert answer.status_code == 200
    assert answer.content[4:8] == b"ftyp"
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-disposition"].startswith("attachment;")
    page = room.service.client("rustam").get(room.url).text
    assert "<td>Rita</td><td>Clip, downloaded as MP4</td>" in page
    assert f'href="/review/clips/{room.clips[0]}/mp4"' in page


def test_a_second_export_at_once_is_sent_away_and_not_on_record(room: Room) -> None:
    with export_alone():
        answer = room.service.client("rita").get(f"/review/clips/{room.clips[0]}/mp4")
    assert answer.status_code == 409
    assert "Another clip is being turned into MP4" in answer.text
    assert room.views() == []


@pytest.mark.parametrize(
    ("ends_in_s", "is_paused", "shown"),
    [(900, False, r"33:[2-5]\d"), (-200, False, "30:00"), (-200, True, r"33:[2-5]\d")],
)
def test_an_exam_that_goes_on_is_as_long_as_it_has_lasted(
    room: Room, ends_in_s: int, is_paused: bool, shown: str
) -> None:
    """Its deadline holds extra time and extensions; in a pause it moves on with the clock."""
    now = room.service.services.clock.now()
    with room.service.db.transaction() as tx:
        sitting = tx.get_one(Sitting, room.sitting_id)
        sitting.state, sitting.exam_s = SittingState.RUNNING, None
        sitting.started_at = now - timedelta(seconds=2000)
        sitting.deadline_at = now + timedelta(seconds=ends_in_s)
        if is_paused:
            sitting.state, sitting.paused_at = SittingState.SUSPENDED, now - timedelta(seconds=500)
    page = room.service.client("rita").get(room.url).text
    assert re.search(rf"\b{shown}\b", page)


def test_an_incident_is_decided_with_a_reason(room: Room) -> None:
    client = room.service.client("rita")
    room.look("rita")

    answer = client.post(
        f"{room.url}/incidents/{room.paste}/verdict",
        data={"decision": "dismissed", "reason": REASON},
    )

    assert answer.status_code == 303
    assert answer.headers["location"] == f"{room.url}?incident={room.mismatch}#card"
    assert room.decisions() == ["dismissed"]
    page = client.get(f"{room.url}?incident={room.paste}").text
    assert "The fact is not confirmed. Rita," in page
    assert REASON in page
    assert "Of 1 such incident here, 0 were confirmed." in page


def test_a_short_reason_is_answered_on_the_page_and_kept(room: Room) -> None:
    room.look("rita")
    answer = room.service.client("rita").post(
        f"{room.url}/incidents/{room.paste}/verdict",
        data={"decision": "confirmed", "reason": "<b>no"},
    )

    assert answer.status_code == 422
    assert "at least 10 characters" in answer.text
    assert "&lt;b&gt;no</textarea>" in answer.text
    assert room.decisions() == []


def test_identity_before_its_incidents_is_a_conflict(room: Room) -> None:
    room.look("rita")
    answer = room.service.client("rita").post(
        f"{room.url}/identity", data={"decision": "verified", "reason": REASON}
    )

    assert answer.status_code == 409
    assert "Decide the incidents about identity first. Left: 1." in answer.text
    assert room.decisions() == []


def test_nothing_is_decided_before_a_look(room: Room) -> None:
    client = room.service.client("rita")
    room.look("rustam")
    incident = f"{room.url}/incidents/{room.mismatch}"
    verdict = {"decision": "confirmed", "reason": REASON}

    refused = client.post(f"{incident}/verdict", data=verdict)
    assert refused.status_code == 409
    assert "Look at the recording or the incident first" in refused.text
    void = {"decision": "void", "reason": REASON}
    assert client.post(f"{room.url}/identity", data=void).status_code == 409
    assert room.decisions() == []

    assert client.post(f"{incident}/look").status_code == 200
    assert client.post(f"{incident}/verdict", data=verdict).status_code == 303


def test_a_kind_is_dismissed_after_a_look_at_each(room: Room) -> None:
    client = room.service.client("rita")
    room.look("rita")
    alike = {"kind": "paste", "reason": REASON}

    assert client.post(f"{room.url}/alike", data=alike).status_code == 409
    assert client.post(f"{room.url}/incidents/{room.paste}/look").status_code == 200
    assert client.post(f"{room.url}/alike", data=alike).status_code == 303
    assert client.post(f"{room.url}/alike", data=alike).status_code == 404
    assert client.post(f"{room.url}/alike", data=alike | {"kind": "guilt"}).status_code == 422
    assert room.decisions() == ["dismissed"]


def test_voiding_waits_for_a_second_person(room: Room) -> None:
    room.look("rita", "rustam")
    rita, rustam = room.service.client("rita"), room.service.client("rustam")
    incident = f"{room.url}/incidents/{room.mismatch}/verdict"
    rita.post(incident, data={"decision": "confirmed", "reason": REASON})
    void = {"decision": "void", "reason": "Another person sits there."}

    assert rita.post(f"{room.url}/identity", data=void).status_code == 303
    page = rustam.get(room.url).text
    assert "One person decided: “Void the identification”." in page
    assert 'id="outcome">Under review<' in page
    assert rita.post(f"{room.url}/identity", data=void).status_code == 409
    assert rustam.post(f"{room.url}/identity", data=void).status_code == 303

    assert room.decisions() == ["confirmed", "void", "void"]
    assert 'id="outcome">Voided<' in rita.get(room.url).text


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"decision": "guilty", "reason": REASON},
        {"decision": "confirmed", "reason": "x" * 5000},
        {"decision": "confirmed", "reason": REASON, "reviewer_id": "someone"},
    ],
)
def test_a_malformed_form_is_refused(room: Room, form: dict[str, str]) -> None:
    answer = room.service.client("rita").post(
        f"{room.url}/incidents/{room.paste}/verdict", data=form
    )

    assert answer.status_code == 422
    assert room.decisions() == []


def test_control_characters_do_not_reach_the_record(room: Room) -> None:
    room.look("rita")
    room.service.client("rita").post(
        f"{room.url}/incidents/{room.paste}/verdict",
        data={"decision": "confirmed", "reason": "The text\x00 was pasted\nonce."},
    )

    with room.service.db.transaction() as tx:
        (verdict,) = verdicts_of(tx, room.sitting_id)
    assert verdict.reason == "The text was pasted once."


def test_unknown_ids_are_not_found(room: Room) -> None:
    client = room.service.client("rita")
    verdict = {"decision": "confirmed", "reason": REASON}

    assert client.get("/review/sittings/unknown").status_code == 404
    assert client.get("/review/recordings/unknown").status_code == 404
    assert client.get("/review/clips/unknown").status_code == 404
    answer = client.post(f"{room.url}/incidents/unknown/verdict", data=verdict)
    assert answer.status_code == 404


def test_a_proctor_admits_someone_whom_the_face_check_could_not(service: Service) -> None:
    with service.db.transaction() as tx:
        sitting = sitting_of(
            tx, service.cast, service.cast.bob, service.services.clock.now(), SittingState.CHECKING
        )
        sitting.started_at = None

    answer = service.client("paula").post(f"/review/sittings/{sitting.id}/admission")

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/review/sittings/{sitting.id}"
    with service.db.transaction() as tx:
        (event,) = events.read(tx, sitting.id, "admitted")
    assert event.payload == {"by": service.cast.paula.id}


def test_who_admits_on_the_live_page_stays_there(service: Service) -> None:
    with service.db.transaction() as tx:
        now = service.services.clock.now()
        sitting = sitting_of(tx, service.cast, service.cast.bob, now, SittingState.CHECKING)
        sitting.started_at = None

    path = f"/review/sittings/{sitting.id}/admission"
    answer = service.client("paula").post(path, data={"watching": "yes"})

    assert answer.headers["location"] == f"/proctor/sittings/{sitting.id}"


def test_checks_and_measurements_are_counted_on_the_page(room: Room) -> None:
    with room.service.db.transaction() as tx:
        for at_s, result in [(6, "match"), (12, "match"), (18, "no_match"), (24, "not_assessed")]:
            tx.add(check_of(room, Modality.FACE, at_s, result))
        typing = check_of(room, Modality.KEYSTROKE, 30, "match")
        typing.score, typing.n_keys = 4.715, 412
        tx.add(typing)

    page = room.service.client("rita").get(room.url).text

    for name, value in [("Matched", 2), ("Did not match", 1), ("Not assessed", 1)]:
        assert f'<th scope="row">{name}</th><td class="num">{value}</td>' in page
    assert '<td class="num">4.71</td>' in page
    assert '<td class="num">412</td>' in page


def check_of(room: Room, modality: Modality, at_s: float, result: str) -> IdentityCheck:
    return IdentityCheck(
        sitting_id=room.sitting_id, modality=modality, at_s=at_s, result=CheckResult(result)
    )


def test_a_growing_recording_is_shown_up_to_its_newest_picture(service: Service) -> None:
    with service.db.transaction() as tx:
        now = service.services.clock.now()
        sitting = sitting_of(tx, service.cast, service.cast.bob, now, SittingState.CHECKING)
        sitting.started_at = None
        directory = service.services.settings.recordings_dir
        growing = record_track(tx, sitting, directory, Track.CAMERA, seconds=12, starts_s=3.0)
        growing.sha256, growing.starts_s = "", 0.0
        empty = Recording(
            sitting_id=sitting.id, track=Track.SCREEN, part=1, path="none.webm", starts_s=0.0
        )
        tx.add(empty)

        last = read_clusters(directory / growing.path)[-1]
        until = last.offset + last.size

    page = service.client("paula").get(f"/review/sittings/{sitting.id}").text

    (raw,) = re.findall(r'<script type="application/json" id="page-data">(.*)</script>', page)
    player = json.loads(raw)
    assert (player["start_s"], player["end_s"]) == (0.0, 14.0)
    assert player["tracks"] == {
        "camera": [{"url": f"/review/recordings/{growing.id}?until={until}", "start_s": 3.0}],
        "screen": [],
    }


def test_nobody_is_admitted_to_an_exam_that_is_over(room: Room) -> None:
    assert room.service.client("paula").post(f"{room.url}/admission").status_code == 409


def test_a_running_exam_is_shown_without_a_decision_on_identity(service: Service) -> None:
    with service.db.transaction() as tx:
        sitting: Sitting = sitting_of(
            tx, service.cast, service.cast.bob, service.services.clock.now(), SittingState.RUNNING
        )
        incident_of(tx, sitting, "page_hidden", 5.0, None)

    page = service.client("paula").get(f"/review/sittings/{sitting.id}")

    assert page.status_code == 200
    assert "Exam page hidden, still going on" in page.text
    assert "An incident is decided after it has ended." in page.text
    assert "Identity is decided after the exam has ended." in page.text
