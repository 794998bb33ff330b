"""Incidents become rows, events and clips."""

import errno
import hashlib
from pathlib import Path
from typing import Any

import av
import pytest
from sqlalchemy.orm import Session

from proctor import events
from proctor.exams.thresholds import ExamRules
from proctor.incidents import builder
from proctor.incidents.builder import (
    ClipWindow,
    clip_windows,
    clips_of,
    incidents_of,
    record,
    spans_of,
)
from proctor.incidents.rules import State, finish, step
from proctor.incidents.tables import IncidentRow
from proctor.media.clips import Clip, cut_clip
from proctor.observations import Check, Observation, Track
from proctor.sittings.tables import Sitting
from tests.support.cast import NOON, assemble
from tests.support.sittings import cut_clips, incident_of, record_track, sitting_of

pytestmark = pytest.mark.db

RULES = ExamRules()


@pytest.fixture
def sitting(tx: Session) -> Sitting:
    cast = assemble(tx)
    return sitting_of(tx, cast, cast.alice, NOON)


def browser(at_s: float, name: str) -> Observation:
    return Observation(Check.BROWSER, name, at_s)


def test_an_incident_is_one_row_that_its_end_completes(tx: Session, sitting: Sitting) -> None:
    state, opened = step(RULES, State(), browser(10.0, "page_hidden"))
    first = record(tx, sitting.id, opened, NOON)
    (row,) = incidents_of(tx, sitting.id)
    assert (row.kind, row.start_s, row.end_s) == ("page_hidden", 10.0, None)

    _, closed = step(RULES, state, browser(14.5, "page_shown"))
    second = record(tx, sitting.id, closed, NOON)

    assert first == second == (row.id,)
    assert (row.end_s, row.severity) == (14.5, "attention")
    kinds = [event.kind for event in events.read(tx, sitting.id)]
    assert kinds == ["incident_opened", "incident_closed"]
    assert events.read(tx, sitting.id)[1].payload["end_s"] == 14.5


def test_gaps_of_two_tracks_are_told_apart(tx: Session, sitting: Sitting) -> None:
    state = State()
    for track in ("camera", "screen"):
        item = Observation(Check.MEDIA, "silent", 5.0, {"track": track})
        state, changes = step(RULES, state, item)
    state, changes = step(RULES, state, browser(9.0, "copy"))
    record(tx, sitting.id, changes, NOON)
    resumed = Observation(Check.MEDIA, "resumed", 12.0, {"track": "screen"})
    state, changes = step(RULES, state, resumed)
    record(tx, sitting.id, changes, NOON)
    record(tx, sitting.id, finish(RULES, state, 14.0), NOON)

    ends = {row.evidence["track"]: row.end_s for row in incidents_of(tx, sitting.id)}
    assert ends == {"camera": 14.0, "screen": 12.0}


def test_a_clip_has_pre_and_post_roll_inside_the_exam() -> None:
    assert clip_windows(RULES, [(2, 4), (40, 50), (88, None)], 90) == (
        ClipWindow(0, 9, (2,)),
        ClipWindow(35, 55, (40,)),
        ClipWindow(83, 90, (88,)),
    )


def test_overlapping_windows_are_one_clip() -> None:
    assert clip_windows(RULES, [(46, 60), (40, 48)], 90) == (ClipWindow(35, 65, (40, 46)),)


def test_no_clip_is_longer_than_a_minute() -> None:
    assert clip_windows(RULES, [(10, 100), (60, 62)], 300) == (
        ClipWindow(5, 65, (10,)),
        ClipWindow(55, 67, (60,)),
    )


def test_what_an_incident_becomes_goes_before_what_is_written() -> None:
    rows = [IncidentRow(kind="paste", start_s=2.0, end_s=None, evidence={})]
    state, opened = step(RULES, State(), browser(2.0, "page_hidden"))
    _, closed = step(RULES, state, browser(4.0, "page_shown"))

    assert spans_of(rows, opened, {}) == [(2.0, None), (2.0, None)]
    assert spans_of(rows, (*opened, *closed), {}) == [(2.0, None), (2.0, 4.0)]
    assert spans_of(rows, closed, {"page_hidden"}) == [(2.0, None)]


def test_clips_that_cannot_all_be_written_leave_no_file(
    tx: Session, sitting: Sitting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_track(tx, sitting, tmp_path, Track.CAMERA)
    incident_of(tx, sitting, "page_hidden", 2.0, 3.0)
    incident_of(tx, sitting, "page_hidden", 20.0, 21.0)
    before, left = set(tmp_path.rglob("*")), [1]

    def full(*values: Any) -> Clip:
        if not left:
            raise OSError(errno.ENOSPC, "no space left")
        left.pop()
        return cut_clip(*values)

    monkeypatch.setattr(builder, "cut_clip", full)
    with pytest.raises(OSError, match="no space"):
        cut_clips(tx, sitting, tmp_path)

    assert set(tmp_path.rglob("*")) == before


def test_clips_of_both_tracks_are_files_that_play(
    tx: Session, sitting: Sitting, tmp_path: Path
) -> None:
    record_track(tx, sitting, tmp_path, Track.CAMERA, seconds=36, starts_s=-6.0)
    record_track(tx, sitting, tmp_path, Track.SCREEN, seconds=33, starts_s=-3.0)
    incident = incident_of(tx, sitting, "page_hidden", 12.0, 14.0)

    cut_clips(tx, sitting, tmp_path)

    clips = clips_of(tx, sitting.id)
    assert [(clip.track, clip.incident_id) for clip in clips] == [
        (Track.CAMERA, incident.id),
        (Track.SCREEN, incident.id),
    ]
    for clip in clips:
        assert (clip.start_s, clip.end_s) == (pytest.approx(7.0, abs=0.01), pytest.approx(19.0))
        path = tmp_path / clip.path
        assert hashlib.sha256(path.read_bytes()).hexdigest() == clip.sha256
        with av.open(str(path)) as container:
            assert len(list(container.decode(video=0))) == 61


def test_what_was_not_recorded_has_no_clip(tx: Session, sitting: Sitting, tmp_path: Path) -> None:
    record_track(tx, sitting, tmp_path, Track.CAMERA, seconds=5)
    incident_of(tx, sitting, "media_gap", 20.0, 25.0, track="camera")

    assert cut_clips(tx, sitting, tmp_path) == []
