"""A student's own record over HTTP: what they see, say and appeal, and who else does not."""

import re

import pytest
from sqlalchemy import text

from proctor import events
from proctor.catalogue import translate
from proctor.incidents.kinds import Kind
from proctor.observations import Track
from proctor.sittings.tables import SittingState
from tests.support.service import Service
from tests.support.sittings import cut_clips, incident_of, record_track, sitting_of

pytestmark = pytest.mark.db

REASON = "The recording shows it plainly."
WORDS = "My brother walked through the room."


class Record:
    """Alice's finished exam with two incidents and a clip."""

    def __init__(self, service: Service) -> None:
        self.service = service
        with service.db.transaction() as tx:
            sitting = sitting_of(tx, service.cast, service.cast.alice, service.services.clock.now())
            self.sitting_id = sitting.id
            self.faces = incident_of(tx, sitting, "multiple_faces", 10.0, 24.0, faces=2).id
            self.paste = incident_of(tx, sitting, "paste", 12.0, 12.0, chars=84).id
            directory = service.services.settings.recordings_dir
            record_track(tx, sitting, directory, Track.CAMERA)
            clips = cut_clips(tx, sitting, directory)
            self.clip = clips[0].id

    @property
    def url(self) -> str:
        return f"/sittings/{self.sitting_id}/record"

    def incident(self, incident_id: str) -> str:
        return f"/sittings/{self.sitting_id}/incidents/{incident_id}"

    def decide(self, name: str, decision: str, incident_id: str | None = None) -> None:
        client, room = self.service.client(name), f"/review/sittings/{self.sitting_id}"
        assert client.get(f"/review/clips/{self.clip}").status_code == 200
        place = f"incidents/{incident_id}/verdict" if incident_id else "identity"
        form = {"decision": decision, "reason": REASON}
        assert client.post(f"{room}/{place}", data=form).status_code == 303


@pytest.fixture
def record(service: Service) -> Record:
    return Record(service)


@pytest.mark.parametrize("locale", ["kk", "ru", "en"])
def test_every_incident_is_told_in_plain_words(record: Record, locale: str) -> None:
    client = record.service.client("alice")
    client.cookies.set("tanu_language", locale)

    page = client.get(record.url)

    assert page.status_code == 200
    for kind in ("multiple_faces", "paste"):
        assert translate(locale, f"incident.plain.{kind}") in page.text
    assert translate(locale, "record.undecided") in page.text
    assert page.text.count("<textarea") == 2
    assert f'src="/sittings/{record.sitting_id}/clips/{record.clip}"' in page.text


def test_every_field_video_and_section_has_a_name(record: Record) -> None:
    page = record.service.client("alice").get(record.url).text

    ids = set(re.findall(r'id="([^"]+)"', page))
    fields = re.findall(r'<textarea[^>]*id="([^"]+)"', page)
    assert all(f'for="{name}">' in page for name in fields)
    named = re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', page)
    assert {name for names in named for name in names.split()} <= ids
    assert all("aria-label=" in video for video in re.findall(r"<video[^>]*>", page))
    assert re.findall(r"\sstyle=|<style|\son\w+=", page) == []


@pytest.mark.parametrize("name", ["bob", "charlie", "rita", "olga", None])
def test_nobody_else_finds_it(record: Record, name: str | None) -> None:
    client = record.service.client(name)

    answers = [
        client.get(record.url),
        client.get(f"/sittings/{record.sitting_id}/clips/{record.clip}"),
        client.post(f"{record.incident(record.paste)}/answer", data={"text": WORDS}),
        client.post(f"{record.incident(record.paste)}/appeal", data={"text": WORDS}),
        client.post(f"/sittings/{record.sitting_id}/appeal", data={"text": WORDS}),
    ]

    assert {answer.status_code for answer in answers} <= {404, 303}
    assert all(answer.headers.get("location") in (None, "/sign-in") for answer in answers)


def test_a_sitting_under_way_has_no_record(record: Record) -> None:
    with record.service.db.transaction() as tx:
        row = sitting_of(
            tx,
            record.service.cast,
            record.service.cast.bob,
            record.service.services.clock.now(),
            SittingState.RUNNING,
        )

    assert record.service.client("bob").get(f"/sittings/{row.id}/record").status_code == 404


def test_ones_own_view_is_on_record_first_and_is_listed(record: Record) -> None:
    alice = record.service.client("alice")
    record.service.client("rita").get(f"/review/clips/{record.clip}")

    clip = alice.get(f"/sittings/{record.sitting_id}/clips/{record.clip}")

    assert clip.content[:4] == b"\x1a\x45\xdf\xa3"
    page = alice.get(record.url).text
    assert '<th scope="row">Alice</th><td>Your own recording</td><td>Clip</td>' in page
    assert '<th scope="row">Rita</th><td>As a reviewer of this course</td><td>Clip</td>' in page


def test_without_an_audit_line_there_is_no_clip(record: Record) -> None:
    with record.service.db.transaction() as tx:
        tx.execute(
            text(
                "CREATE TRIGGER no_views BEFORE INSERT ON events WHEN NEW.kind = "
                "'recording_viewed' BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        )

    answer = record.service.client("alice").get(
        f"/sittings/{record.sitting_id}/clips/{record.clip}"
    )

    assert answer.status_code == 503


def test_a_clip_of_another_sitting_is_not_found(record: Record) -> None:
    with record.service.db.transaction() as tx:
        now = record.service.services.clock.now()
        other = sitting_of(tx, record.service.cast, record.service.cast.bob, now)

    bob = record.service.client("bob")
    assert bob.get(f"/sittings/{other.id}/clips/{record.clip}").status_code == 404
    assert bob.get(f"/sittings/{other.id}/record").status_code == 200


def test_an_answer_reaches_the_reviewer(record: Record) -> None:
    alice = record.service.client("alice")

    sent = alice.post(f"{record.incident(record.faces)}/answer", data={"text": WORDS})

    assert sent.headers["location"] == f"{record.url}#incident-{record.faces}"
    assert WORDS in alice.get(record.url).text
    card = f"/review/sittings/{record.sitting_id}/incidents/{record.faces}"
    assert WORDS in record.service.client("rita").get(card).text


def test_an_answer_too_short_stays_in_its_box(record: Record) -> None:
    sent = record.service.client("alice").post(
        f"{record.incident(record.faces)}/answer", data={"text": "<i>no"}
    )

    assert sent.status_code == 422
    assert "Write 10 to 2000 characters." in sent.text
    assert "&lt;i&gt;no</textarea>" in sent.text


def test_an_appeal_is_ruled_on_by_another_person_and_the_reason_comes_back(record: Record) -> None:
    alice, url = record.service.client("alice"), f"/sittings/{record.sitting_id}/appeal"
    assert alice.post(url, data={"text": WORDS}).status_code == 409
    for name in ("rita", "rustam"):
        record.decide(name, "void")
    page = alice.get(record.url).text
    assert 'data-outcome="voided"' in page
    assert REASON in page

    assert alice.post(url, data={"text": WORDS}).status_code == 303
    assert "Another person, who has not decided before" in alice.get(record.url).text
    with record.service.db.transaction() as tx:
        (made,) = events.read(tx, record.sitting_id, "appeal_made")
    ruling = f"/review/sittings/{record.sitting_id}/appeals/{made.payload['statement']}"
    form = {"granted": "true", "reason": "The document shows the same person."}

    rita = record.service.client("rita").post(ruling, data=form)
    assert rita.status_code == 409
    assert "Whoever decided about this exam does not rule on the appeal." in rita.text
    paula = record.service.client("paula")
    assert paula.post(ruling, data=form).status_code == 409
    paula.get(f"/review/clips/{record.clip}")
    assert paula.post(ruling, data=form).status_code == 303

    page = alice.get(record.url).text
    assert 'data-outcome="verified"' in page
    assert "The appeal is granted." in page
    assert "The document shows the same person." in page


def test_a_confirmed_incident_can_be_appealed(record: Record) -> None:
    record.decide("rita", "confirmed", record.paste)
    alice = record.service.client("alice")
    assert f"{record.incident(record.paste)}/appeal" in alice.get(record.url).text

    assert (
        alice.post(f"{record.incident(record.paste)}/appeal", data={"text": WORDS}).status_code
        == 303
    )
    assert f"{record.incident(record.paste)}/appeal" not in alice.get(record.url).text


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_plain_words(kind: Kind) -> None:
    assert all(translate(locale, f"incident.plain.{kind}") for locale in ("kk", "ru", "en"))
