"""What the rules opened and closed becomes rows, events and clips of both tracks."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.exams.thresholds import ExamRules
from proctor.incidents.kinds import Change, Incident, Opened
from proctor.incidents.tables import ClipRow, IncidentRow
from proctor.media.clips import ClipUnavailable, cut_clip
from proctor.media.tables import Recording
from proctor.media.webm import NotARecording, read_start_ms
from proctor.observations import Track
from proctor.plumbing.db import new_id

MAX_CLIP_S = 60.0


@dataclass(frozen=True, slots=True)
class ClipWindow:
    """What one clip shows, in seconds since the exam began, and the incidents it is for."""

    start_s: float
    end_s: float
    incident_ids: tuple[str, ...]


def record(
    tx: Session,
    sitting_id: str,
    changes: Iterable[Change],
    at: datetime,
    suppressed: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, ...]:
    """Write *changes* as rows and events; the ids of their incidents, in the same order.

    ``suppressed``: why a kind opens no incident here, by kind. What would have been one is kept
    as an event alone.
    """
    ids = []
    for change in changes:
        incident, is_new = change.incident, isinstance(change, Opened)
        if incident.kind in suppressed:
            if is_new:
                because = {"kind": incident.kind.value, "because": suppressed[incident.kind]}
                span = {"start_s": incident.start_s, "opened_s": incident.opened_s}
                events.append(tx, sitting_id, "incident_suppressed", because | span, at)
            continue
        row = _open(tx, sitting_id, incident, at) if is_new else _close(tx, sitting_id, incident)
        ids.append(row.id)
        kind = "incident_opened" if is_new else "incident_closed"
        events.append(tx, sitting_id, kind, _payload(row), at)
    return tuple(ids)


def incidents_of(tx: Session, sitting_id: str) -> list[IncidentRow]:
    """Incidents of a sitting in order of their start."""
    query = select(IncidentRow).where(IncidentRow.sitting_id == sitting_id)
    return list(tx.scalars(query.order_by(IncidentRow.start_s, IncidentRow.kind)))


def clips_of(tx: Session, sitting_id: str) -> list[ClipRow]:
    """Clips of all incidents of a sitting."""
    query = select(ClipRow).join(IncidentRow, IncidentRow.id == ClipRow.incident_id)
    mine = query.where(IncidentRow.sitting_id == sitting_id)
    return list(tx.scalars(mine.order_by(ClipRow.start_s, ClipRow.track)))


def clip_windows(
    rules: ExamRules, incidents: Iterable[IncidentRow], exam_s: float
) -> tuple[ClipWindow, ...]:
    """What to cut for *incidents*: with pre- and post-roll, inside the exam, overlapping ones
    joined while the whole is no longer than ``MAX_CLIP_S``. ``exam_s``: the exam until now."""
    windows: list[ClipWindow] = []
    for row in sorted(incidents, key=lambda row: row.start_s):
        window = _window(rules, row, exam_s)
        joined = _joined(windows[-1], window) if windows else None
        if joined is None:
            windows.append(window)
        else:
            windows[-1] = joined
    return tuple(windows)


def cut_for(
    tx: Session,
    incidents: Sequence[IncidentRow],
    *,
    rules: ExamRules,
    exam_s: float,
    recordings_dir: Path,
) -> list[ClipRow]:
    """Clips of *incidents*, which are of one sitting, from both tracks; files are written now.

    A track without a picture in the window has no clip: its gap says why. Raises OSError.
    """
    clips = [
        clip
        for window in clip_windows(rules, incidents, exam_s)
        for track in Track
        for clip in _cut(tx, incidents[0].sitting_id, track, window, recordings_dir)
    ]
    tx.add_all(clips)
    tx.flush()
    return clips


def _open(tx: Session, sitting_id: str, incident: Incident, at: datetime) -> IncidentRow:
    row = IncidentRow(
        sitting_id=sitting_id,
        kind=incident.kind.value,
        severity=incident.severity.value,
        start_s=incident.start_s,
        end_s=None,
        opened_s=incident.opened_s,
        opened_at=at,
        evidence=dict(incident.evidence),
    )
    tx.add(row)
    tx.flush()
    return row


def _close(tx: Session, sitting_id: str, incident: Incident) -> IncidentRow:
    query = select(IncidentRow).where(
        IncidentRow.sitting_id == sitting_id,
        IncidentRow.kind == incident.kind.value,
        IncidentRow.end_s.is_(None),
    )
    track = incident.evidence.get("track")
    (row,) = (row for row in tx.scalars(query) if row.evidence.get("track") == track)
    row.end_s = incident.end_s
    row.evidence = dict(incident.evidence)
    tx.flush()
    return row


def _payload(row: IncidentRow) -> dict[str, Any]:
    return {
        "incident": row.id,
        "kind": row.kind,
        "severity": row.severity,
        "start_s": row.start_s,
        "end_s": row.end_s,
        "opened_s": row.opened_s,
        "evidence": row.evidence,
    }


def _window(rules: ExamRules, row: IncidentRow, exam_s: float) -> ClipWindow:
    end_s = exam_s if row.end_s is None else row.end_s
    start_s = max(0.0, row.start_s - rules.pre_roll_s)
    end_s = min(max(end_s, row.start_s) + rules.post_roll_s, exam_s, start_s + MAX_CLIP_S)
    return ClipWindow(start_s, max(start_s, end_s), (row.id,))


def _joined(first: ClipWindow, second: ClipWindow) -> ClipWindow | None:
    end_s = max(first.end_s, second.end_s)
    if second.start_s > first.end_s or end_s - first.start_s > MAX_CLIP_S:
        return None
    return ClipWindow(first.start_s, end_s, first.incident_ids + second.incident_ids)


def _cut(
    tx: Session, sitting_id: str, track: Track, window: ClipWindow, recordings_dir: Path
) -> list[ClipRow]:
    rows: list[ClipRow] = []
    for shift_s, paths in _timelines(tx, sitting_id, track, recordings_dir).items():
        relative = f"{sitting_id}/clip-{new_id()}.webm"
        path = recordings_dir / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            clip = cut_clip(paths, window.start_s - shift_s, window.end_s - shift_s, path)
        except ClipUnavailable:
            continue
        rows += [
            ClipRow(
                id=new_id(),
                incident_id=incident_id,
                track=track,
                path=relative,
                start_s=clip.start_s + shift_s,
                end_s=clip.end_s + shift_s,
                sha256=clip.sha256,
                parent_sha256=clip.parent_sha256,
            )
            for incident_id in window.incident_ids
        ]
    return rows


def _timelines(
    tx: Session, sitting_id: str, track: Track, recordings_dir: Path
) -> dict[float, list[Path]]:
    """Files of a track by where their epoch lies; a restarted service begins a new epoch."""
    query = select(Recording).where(Recording.sitting_id == sitting_id, Recording.track == track)
    found: dict[float, list[Path]] = {}
    for row in tx.scalars(query.order_by(Recording.part)):
        path = recordings_dir / row.path
        # a file that is gone or torn in its header holds nothing to cut from
        with suppress(FileNotFoundError, NotARecording):
            shift_s = round(row.starts_s - read_start_ms(path) / 1000, 3)
            found.setdefault(shift_s, []).append(path)
    return found
