import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from keystroke.events import parse_batch
from keystroke.presses import Presses
from proctor import events
from proctor.identity import calibrations, impostors, protection
from proctor.identity.enrolment import FACE_SAMPLES, KEY_SAMPLES
from proctor.identity.impostors import Impostors
from proctor.identity.tables import Modality, Reference, ReferenceState
from proctor.inference import face_comparison, keystroke_verifier
from proctor.people.tables import Account
from proctor.plumbing.db import Database
from tests.support.cast import NOON, Cast
from tests.support.references import reference_of

pytestmark = pytest.mark.db

EXCERPT = Path(__file__).parents[2] / "data" / "keystroke" / "villani_excerpt.json"
Browse = Callable[[Account], TestClient]


@pytest.fixture
def waiting(cast: Cast, database: Database) -> str:
    """Id of a face reference of Alice that waits."""
    return enrol(database, cast.alice)


def enrol(database: Database, person: Account, samples: int = FACE_SAMPLES) -> str:
    with database.transaction() as tx:
        at, state = NOON - timedelta(hours=1), ReferenceState.PENDING
        return reference_of(tx, person, at, samples=samples, state=state).id


def state_of(database: Database, reference_id: str) -> tuple[ReferenceState, str | None]:
    with database.transaction() as tx:
        row = tx.get_one(Reference, reference_id)
        return row.state, row.confirmed_via


def test_the_office_confirms(cast: Cast, browse: Browse, database: Database, waiting: str) -> None:
    client = browse(cast.olga)
    assert "Alice" in client.get("/office/references").text
    response = client.post(f"/office/references/{waiting}/confirm")
    assert (response.status_code, response.headers["location"]) == (303, "/office/references")
    assert state_of(database, waiting) == (ReferenceState.CONFIRMED, "office")
    assert "No samples wait to be confirmed." in client.get("/office/references").text


def test_a_rejected_reference_verifies_nobody(
    cast: Cast, browse: Browse, database: Database, waiting: str
) -> None:
    assert browse(cast.olga).post(f"/office/references/{waiting}/reject").status_code == 303
    assert state_of(database, waiting) == (ReferenceState.REVOKED, None)


def test_a_second_decision_is_a_conflict(cast: Cast, browse: Browse, waiting: str) -> None:
    client = browse(cast.olga)
    client.post(f"/office/references/{waiting}/reject")
    assert client.post(f"/office/references/{waiting}/confirm").status_code == 409


def test_a_proctor_confirms_learners_of_assigned_courses_only(
    cast: Cast, browse: Browse, database: Database, waiting: str
) -> None:
    assert "Alice" not in browse(cast.quentin).get("/office/references").text
    refused = browse(cast.quentin).post(f"/office/references/{waiting}/confirm")
    assert refused.status_code == 404
    assert state_of(database, waiting) == (ReferenceState.PENDING, None)
    assert "Alice" in browse(cast.paula).get("/office/references").text
    assert browse(cast.paula).post(f"/office/references/{waiting}/confirm").status_code == 303
    assert state_of(database, waiting) == (ReferenceState.CONFIRMED, "proctor")


def test_an_unfinished_reference_is_not_listed(
    cast: Cast, browse: Browse, database: Database
) -> None:
    enrol(database, cast.bob, samples=1)
    assert "Bob" not in browse(cast.olga).get("/office/references").text


@pytest.mark.parametrize("who", ["alice", "bob", "rita", "tom"])
def test_nobody_else_decides(cast: Cast, browse: Browse, waiting: str, who: str) -> None:
    client = browse(cast.people[who])
    assert client.get("/office/references").status_code == 404
    assert client.post(f"/office/references/{waiting}/confirm").status_code == 404


def test_an_unknown_reference_is_not_found(cast: Cast, browse: Browse) -> None:
    for who in (cast.olga, cast.paula):
        assert browse(who).post("/office/references/nothing/reject").status_code == 404


@pytest.mark.parametrize(
    ("typist", "said"),
    [("first", "Like earlier typing (visits: 2)."), ("third", "Not like earlier typing")],
)
def test_the_office_reads_what_a_typing_sample_can_be_confirmed_by(
    cast: Cast, browse: Browse, database: Database, typist: str, said: str
) -> None:
    client = browse(cast.olga)
    services = client.app.state.services  # type: ignore[attr-defined]
    verifier = services.live.line.verifier = keystroke_verifier(with_network=False)
    vault = services.vault
    typed = json.loads(EXCERPT.read_text(encoding="utf-8"))["typists"]
    with database.transaction() as tx:
        for n, rows in enumerate((*typed["first"]["reference"][:2], typed[typist]["reference"][2])):
            batch = parse_batch({"v": 1, "clock_step_ms": 1.0, "events": rows})
            sums = verifier.sums(Presses.from_batch(batch)).to_bytes()
            reference_of(
                tx,
                cast.alice,
                NOON - timedelta(days=2 - n),
                modality=Modality.KEYSTROKE,
                model_id=verifier.model_id,
                samples=KEY_SAMPLES,
                sealed=vault.seal(tx, cast.alice.id, protection.SEAL, sums),
                state=ReferenceState.PENDING if n == 2 else ReferenceState.CONFIRMED,
            )
        tx.execute(update(Reference).values(confirmed_at=Reference.created_at))
    page = client.get("/office/references").text
    assert said in page
    assert "No face sample on the same visit." in page
    enrol(database, cast.alice)
    assert "The face sample of the same visit waits" in client.get("/office/references").text


def test_the_office_reads_how_alike_its_people_are_on_the_scores_in_force(
    cast: Cast, browse: Browse, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, card = cast.institution.id, face_comparison("opencv")
    accepted = dict.fromkeys(card.operating_points, 2)
    with database.transaction() as tx:
        found = Impostors(card.model_id, 4, 6, accepted, 0.5)
        impostors.note(tx, home, found, NOON)
        # of a model that compares nobody here
        other = Impostors(face_comparison("dlib").model_id, 90, 4005, accepted, 0.5)
        impostors.note(tx, home, other, NOON)
    told = "Of 6 pairs among 4 people with a face sample, 2 would not be told apart"
    assert told in browse(cast.olga).get("/office/references").text
    with database.transaction() as tx:
        by = cast.olga.id
        calibrations.put_in_force(tx, card, home, {"people": 142}, NOON, by=by, threshold=0.4512)
    page = browse(cast.olga).get("/office/references").text
    assert "Calibration no. 1 does not apply now: people with a usable sample: 0" in page
    monkeypatch.setattr("web.office.references.SMALLEST_COHORT", 0)
    page = browse(cast.olga).get("/office/references").text
    assert "would not be told apart" not in page
    assert "calibration no. 1, people enrolled: 142): threshold 0.451, 0.428 on the" in page
    assert page.count("Olga") > browse(cast.paula).get("/office/references").text.count("Olga") > 0


def test_the_office_reads_why_an_id_photo_was_not_compared(
    cast: Cast, browse: Browse, database: Database, waiting: str
) -> None:
    with database.transaction() as tx:
        told = {"reference": waiting, "modality": "face", "hints": "dark,many_faces"}
        events.append(tx, f"account:{cast.alice.id}", "id_photo_unfit", told, NOON)
    text = browse(cast.olga).get("/office/references").text
    assert "Could not be compared" in text
    assert "The picture of the document is too dark." in text
    assert "a small second portrait on a card counts as one" in text
