"""E33: a recording is deleted at the end of its term. Decision and hashes remain, the outcome
stays, the report notes since when."""

import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Session

from proctor import events
from proctor.incidents.tables import ClipRow
from proctor.observations import Track
from proctor.reports.build import build_report
from proctor.reports.document import Json, as_json
from proctor.reports.evidence_pack import write_pack
from proctor.reports.issue import issue
from proctor.reports.verification import verify
from proctor.reports.wording import Printer
from proctor.review.tables import Decision
from proctor.sittings.tables import Expiry, Sitting
from tests.support.exam_course import NOW, ExamCourse, exam_course

pytestmark = pytest.mark.db
LATER = NOW + timedelta(days=60)


@pytest.fixture
def made(tx: Session) -> ExamCourse:
    return exam_course(tx)


@pytest.fixture
def final(made: ExamCourse) -> Sitting:
    """Alice's final with an incident that was decided, and the clip of it."""
    sitting = made.sit(made.learners[0], "final")
    incident = made.incident(sitting, "paste", 51.0, 51.0)
    made.decide(sitting, 0, Decision.DISMISSED, incident=incident)
    clip = ClipRow(incident_id=incident.id, track=Track.SCREEN, path=f"{sitting.id}/clip.webm")
    clip.start_s, clip.end_s, clip.sha256, clip.parent_sha256 = 46.0, 56.0, "b" * 64, "c" * 64
    made.tx.add(clip)
    made.tx.flush()
    return sitting


def expire(made: ExamCourse, sitting: Sitting) -> None:
    made.tx.add(Expiry(sitting_id=sitting.id, on_request=False, due_at=NOW, at=NOW, done_at=NOW))
    made.tx.flush()


def report_of(made: ExamCourse) -> tuple[Json, Json]:
    """The report, and Alice's final in it."""
    document = as_json(build_report(made.tx, made.course.id, LATER))
    alice = next(each for each in document["learners"] if each["number"] == "S-0001")
    return document, next(each for each in alice["events"] if each["code"] == "final")


def test_E33_no_number_and_no_outcome_of_a_report_changes(made: ExamCourse, final: Sitting) -> None:
    before, _ = report_of(made)
    expire(made, final)
    after, event = report_of(made)
    assert event["outcome"] == "verified"
    assert event["sitting"]["recording"].pop("expired_on") == "2026-05-20"
    assert after == before


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("kk", "дәлелдемелер өшірілген күн: 20.05.2026"),
        ("ru", "доказательства стёрты 20.05.2026"),
        ("en", "evidence erased on 20.05.2026"),
    ],
)
def test_E33_the_report_notes_since_when(
    made: ExamCourse, final: Sitting, locale: str, words: str
) -> None:
    expire(made, final)
    document, event = report_of(made)
    assert words in Printer(document, locale)._measured(event["sitting"])


def test_E33_the_evidence_pack_names_the_day_and_has_the_chain(
    made: ExamCourse, final: Sitting, tmp_path: Path
) -> None:
    expire(made, final)
    events.append(made.tx, final.id, "evidence_expired", {"files": {}}, NOW)
    report = issue(made.tx, made.course.id, made.office.id, LATER)
    pack = tmp_path / "pack.zip"
    write_pack(made.tx, report, tmp_path, Ed25519PrivateKey.generate(), pack, LATER)
    with zipfile.ZipFile(pack) as read:
        assert json.loads(read.read("manifest.json"))["missing"] == []
        assert f"events/{final.id}.json" in read.namelist()
    found = verify(pack.read_bytes())
    assert found.findings == ()
    assert found.expired == ((final.id, "2026-05-20"),)
