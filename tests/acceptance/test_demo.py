"""What ``proctor demo --json`` must show, and that its clips and reports are what they say."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest
from playwright.sync_api import Browser

from keystroke.features import PRINTED
from tests.acceptance.conftest import Demonstration

pytestmark = pytest.mark.acceptance

IDENTITY_KINDS = {
    "face_mismatch",
    "identity_not_assessed",
    "face_absent",
    "camera_covered",
    "screen_share_lost",
}
# resolves with what a video element says about a file once it was played to near its end
PLAY = """
(source) => new Promise((done) => {
  const video = document.createElement("video");
  video.muted = true;
  video.onerror = () => done({ error: video.error.message });
  video.onloadeddata = () => { video.playbackRate = 16; video.play(); };
  video.onended = () => done({ seconds: video.currentTime, width: video.videoWidth });
  video.src = source;
  document.body.append(video);
})
"""


@pytest.fixture(scope="session")
def honest(demonstration: Demonstration) -> dict[str, Any]:
    return next(s for s in demonstration.result["sittings"] if "impostor_from" not in s)


@pytest.fixture(scope="session")
def taken_over(demonstration: Demonstration) -> dict[str, Any]:
    return next(s for s in demonstration.result["sittings"] if "impostor_from" in s)


def incidents(sitting: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [incident for incident in sitting["incidents"] if incident["kind"] == kind]


def missing_s(sitting: dict[str, Any], track: str) -> float:
    gaps = sitting["recording"]["gaps"]
    return sum(gap["end"] - gap["start"] for gap in gaps if gap["track"] == track)


def test_two_sittings_of_the_final_by_two_learners(demonstration: Demonstration) -> None:
    sittings = demonstration.result["sittings"]
    assert [sitting["event"] for sitting in sittings] == ["final", "final"]
    assert len({sitting["learner"] for sitting in sittings}) == 2
    assert demonstration.result["chromium"] is True


@pytest.mark.parametrize("track", ["camera", "screen"])
@pytest.mark.parametrize("which", ["honest", "taken_over"])
def test_recorded_and_gaps_make_up_the_exam(
    which: str, track: str, slack: float, request: pytest.FixtureRequest
) -> None:
    sitting = request.getfixturevalue(which)
    recording = sitting["recording"]
    recorded = recording[f"{track}_seconds"]
    assert abs(recorded + missing_s(sitting, track) - recording["exam_seconds"]) <= 1.0
    assert recorded >= (1 - 0.01 * slack) * recording["exam_seconds"]
    assert 80 <= recording["exam_seconds"] <= 90


def test_honest_sitting_is_verified(honest: dict[str, Any]) -> None:
    assert honest["outcome"] == "verified"
    assert not {incident["kind"] for incident in honest["incidents"]} & IDENTITY_KINDS
    assert honest["identity"]["matched_frames"] > 0
    assert honest["identity"]["non_matched_frames"] == 0
    assert {method["result"] for method in honest["methods"]} == {"pass"}
    assert honest["keystroke"]["n_keys"] >= 150
    measured = honest["keystroke"]["measured"]
    assert measured.keys() == PRINTED.keys()
    assert None not in measured.values()


def test_sitting_taken_over_waits_for_a_person(taken_over: dict[str, Any]) -> None:
    assert taken_over["outcome"] == "pending"
    assert taken_over["identity"]["non_matched_frames"] > 0


def test_the_other_typing_is_told_from_the_enrolled_or_too_little(
    taken_over: dict[str, Any],
) -> None:
    (typing,) = [each for each in taken_over["methods"] if each["technology"] == "keystroke"]
    found = (typing["result"], typing["reason"])
    assert found in {("no", "no_match"), ("insufficient", "not_assessed")}, taken_over["keystroke"]
    # enough keys to tell come in this exam, unless the machine is too slow to type them
    if taken_over["keystroke"]["n_keys"] >= 200:
        assert taken_over["keystroke"]["score"] < 0


def test_the_other_face_is_noticed_within_fifteen_seconds(
    taken_over: dict[str, Any], slack: float
) -> None:
    (mismatch,) = incidents(taken_over, "face_mismatch")
    assert 0 < mismatch["opened"] - taken_over["impostor_from"] <= 15 * slack
    assert mismatch["start"] <= mismatch["opened"]


def test_the_paste_is_seen_when_it_happened(taken_over: dict[str, Any], slack: float) -> None:
    (paste,) = incidents(taken_over, "paste")
    # two thirds of the exam, and as late as the page was
    assert 55 <= paste["start"] <= 60 + 10 * slack


def test_clips_play_in_chromium(
    demonstration: Demonstration, taken_over: dict[str, Any], browser: Browser, tmp_path: Path
) -> None:
    stage = tmp_path / "stage.html"
    stage.write_text("<!doctype html><title>clips</title><body></body>")
    context = browser.new_context()
    page = context.new_page()
    page.goto(stage.as_uri())
    # incidents close to each other share their clips
    clips = {clip for incident in taken_over["incidents"] for clip in incident["clips"].items()}
    for track, path in sorted(clips):
        played = page.evaluate(PLAY, Path(path).as_uri())
        assert played["width"] == {"camera": 640, "screen": 1920}[track], (path, played)
        assert played["seconds"] >= 5
    context.close()


def test_shares_are_exact_fractions_of_five_events_and_a_hundred_points(
    demonstration: Demonstration, honest: dict[str, Any]
) -> None:
    shares = {row["learner"]: row for row in demonstration.result["shares"]}
    assert len(shares) == 3
    mine = shares[honest["learner"]]
    assert mine["count"]["low"] == {"num": 1, "den": 5, "percent": "20.00", "met": False}
    assert mine["weight"]["low"] == {"num": 40, "den": 100, "percent": "40.00", "met": True}
    assert mine["count"]["high"] == {"num": 2, "den": 5, "percent": "40.00", "met": True}


def test_reports_are_what_their_names_say(demonstration: Demonstration) -> None:
    reports = {name: Path(path) for name, path in demonstration.result["reports"].items()}
    document = json.loads(reports["json"].read_text())
    assert len(document["learners"]) == 3
    sha256 = hashlib.sha256(reports["json"].read_bytes()).hexdigest()
    text = "".join(page.extract_text() for page in pypdf.PdfReader(reports["pdf"]).pages)
    assert sha256[:8] in text.replace("\n", "").replace(" ", "")
    assert openpyxl.load_workbook(reports["xlsx"]).sheetnames
    with reports["csv"].open(encoding="utf-8-sig", newline="") as lines:
        assert len(list(csv.reader(lines))) == 1 + 3 * 5
