"""What pages show of a sitting whose recordings were erased: no error, and the day."""

import pytest

from proctor import events
from proctor.clock import TIME_ZONE
from proctor.observations import Track
from proctor.sittings.tables import Expiry
from tests.support.service import Service
from tests.support.sittings import cut_clips, incident_of, record_track, sitting_of

pytestmark = pytest.mark.db


class Expired:
    """Alice's finished exam, with an incident, whose files are gone."""

    def __init__(self, service: Service, *, on_request: bool) -> None:
        now = service.services.clock.now()
        with service.db.transaction() as tx:
            sitting = sitting_of(tx, service.cast, service.cast.alice, now)
            self.sitting_id = sitting.id
            self.incident_id = incident_of(tx, sitting, "multiple_faces", 2.0, 4.0, faces=2).id
            root = service.services.settings.recordings_dir
            row = record_track(tx, sitting, root, Track.CAMERA, seconds=6, plain=True)
            self.recording_id = row.id
            self.clip_id = cut_clips(tx, sitting, root)[0].id
            tx.add(
                Expiry(
                    sitting_id=sitting.id, on_request=on_request, due_at=now, at=now, done_at=now
                )
            )
        for path in (root / self.sitting_id).iterdir():
            path.unlink()
        self.day = now.astimezone(TIME_ZONE).strftime("%d.%m.%Y")


@pytest.fixture
def expired(service: Service) -> Expired:
    return Expired(service, on_request=False)


@pytest.mark.parametrize("locale", ["kk", "ru", "en"])
def test_reviewer_and_student_read_since_when(
    service: Service, expired: Expired, locale: str
) -> None:
    for name, page in (
        ("rita", f"/review/sittings/{expired.sitting_id}"),
        ("alice", f"/sittings/{expired.sitting_id}/record"),
    ):
        client = service.client(name)
        client.cookies.set("tanu_language", locale)
        answer = client.get(page)
        assert answer.status_code == 200
        assert expired.day in answer.text
        assert expired.clip_id not in answer.text
        assert "/pictures/" not in answer.text


@pytest.mark.parametrize("on_request", [False, True])
def test_pages_and_refusals_say_which_of_the_two_reasons_it_was(
    service: Service, *, on_request: bool
) -> None:
    expired = Expired(service, on_request=on_request)
    reasons = ("you asked for it", "the student asked for it", "their term was over")
    for name, page, asked in (
        ("rita", f"/review/sittings/{expired.sitting_id}", reasons[1]),
        ("rita", f"/review/recordings/{expired.recording_id}", reasons[1]),
        ("alice", f"/sittings/{expired.sitting_id}/record", reasons[0]),
        ("alice", f"/sittings/{expired.sitting_id}/clips/{expired.clip_id}", reasons[1]),
    ):
        text = service.client(name).get(page).text.replace("its term", "their term")
        said = {reason for reason in reasons if reason in text}
        assert said == {asked if on_request else reasons[2]}, page


def test_nothing_of_it_is_shown_and_no_view_is_written(service: Service, expired: Expired) -> None:
    rita, alice = service.client("rita"), service.client("alice")
    room = f"/review/sittings/{expired.sitting_id}/incidents/{expired.incident_id}"
    answers = [
        rita.get(f"/review/recordings/{expired.recording_id}"),
        rita.get(f"/review/clips/{expired.clip_id}"),
        rita.get(f"/review/clips/{expired.clip_id}/mp4"),
        rita.get(f"{room}/pictures/scene"),
        alice.get(f"/sittings/{expired.sitting_id}/clips/{expired.clip_id}"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert all("were erased" in answer.text for answer in answers)
    assert rita.get(room).status_code == 200
    with service.db.reading() as tx:
        assert events.read(tx, expired.sitting_id, "recording_viewed") == []


def test_a_student_reads_until_when_and_why_longer(service: Service) -> None:
    now = service.services.clock.now()
    with service.db.transaction() as tx:
        sitting = sitting_of(tx, service.cast, service.cast.bob, now)
        root = service.services.settings.recordings_dir
        record_track(tx, sitting, root, Track.CAMERA, seconds=1, plain=True)
    page = service.client("bob").get(f"/sittings/{sitting.id}/record").text
    # a month after the last day of the course
    assert "kept until: 01.02.2027" in page
    assert "the identity is not decided yet" in page


def test_consent_says_how_long(service: Service) -> None:
    page = service.client("alice").get("/consent").text
    assert "this number of days: 31" in page
