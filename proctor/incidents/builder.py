"""What the rules opened and closed becomes rows, events and clips of both tracks."""

from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
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
from proctor.observations import Track
from proctor.plumbing.db import new_id

MAX_CLIP_S = 60.0

#: when an incident begins and ends; None while it lasts
Span = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class ClipWindow:
    """What one clip shows, in seconds since the exam began, and when its incidents begin."""

    start_s: float
    end_s: float
    begins_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CutClip:
    """A clip on the disk that no row names yet; times in seconds since the exam began."""

    window: ClipWindow
    track: Track
    path: Path
    start_s: float
    end_s: float
    sha256: str
    parent_sha256: str


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
        why = suppressed.get(incident.kind, incident.because)
        if why is not None:
            if is_new:
                because = {"kind": incident.kind.value, "because": why}
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


def spans_of(
    rows: Iterable[IncidentRow], changes: Iterable[Change], suppressed: Container[str]
) -> list[Span]:
    """From when to when each incident lasts: those of *rows*, and what *changes* make of them."""
    ends: dict[tuple[str, str, float], float | None] = {}
    for row in rows:
        ends[row.kind, str(row.evidence.get("track", "")), row.start_s] = row.end_s
    for incident in (change.incident for change in changes):
        if incident.kind not in suppressed and incident.because is None:
            track = str(incident.evidence.get("track", ""))
            ends[incident.kind.value, track, incident.start_s] = incident.end_s
    return [(start_s, end_s) for (_, _, start_s), end_s in ends.items()]


def clip_windows(rules: ExamRules, spans: Iterable[Span], exam_s: float) -> tuple[ClipWindow, ...]:
    """What to cut for incidents of these *spans*: with pre- and post-roll, inside the exam,
    overlapping ones joined while the whole is no longer than ``MAX_CLIP_S``. ``exam_s``: the exam
    until now."""
    windows: list[ClipWindow] = []
    for start_s, end_s in sorted(spans, key=itemgetter(0)):
        window = _window(rules, start_s, exam_s if end_s is None else end_s, exam_s)
        joined = _joined(windows[-1], window) if windows else None
        if joined is None:
            windows.append(window)
        else:
            windows[-1] = joined
    return tuple(windows)


def cut(
    windows: Iterable[ClipWindow],
    recorded: Mapping[Track, Sequence[Path]],
    offset_s: float,
    directory: Path,
) -> list[CutClip]:
    """Cut *windows* from both tracks into *directory*; it copies, so not inside a transaction.

    ``recorded``: files that can be read. ``offset_s``: when the exam began on the recording
    clock. A track without a picture in a window has no clip: its gap says why. Raises OSError,
    and then no file of it is left.
    """
    clips: list[CutClip] = []
    try:
        for window in windows:
            for track, paths in recorded.items():
                path = directory / f"clip-{new_id()}"
                start_s, end_s = window.start_s + offset_s, window.end_s + offset_s
                with suppress(ClipUnavailable):
                    clip = cut_clip(paths, start_s, end_s, path)
                    begins_s, ends_s = clip.start_s - offset_s, clip.end_s - offset_s
                    hashes = clip.sha256, clip.parent_sha256
                    clips.append(CutClip(window, track, clip.path, begins_s, ends_s, *hashes))
    except BaseException:
        discard(clips)
        raise
    return clips


def discard(clips: Iterable[CutClip]) -> None:
    """Take back what was cut and will not be named."""
    for clip in clips:
        clip.path.unlink(missing_ok=True)


def name_clips(
    tx: Session, sitting_id: str, clips: Iterable[CutClip], recordings_dir: Path
) -> list[ClipRow]:
    """A row for each clip and each incident of the sitting that it is for."""
    incidents = incidents_of(tx, sitting_id)
    rows = [
        ClipRow(
            id=new_id(),
            incident_id=incident.id,
            track=clip.track,
            path=str(clip.path.relative_to(recordings_dir)),
            start_s=clip.start_s,
            end_s=clip.end_s,
            sha256=clip.sha256,
            parent_sha256=clip.parent_sha256,
        )
        for clip in clips
        for incident in incidents
        if incident.start_s in clip.window.begins_s
    ]
    tx.add_all(rows)
    tx.flush()
    return rows


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


def _window(rules: ExamRules, start_s: float, end_s: float, exam_s: float) -> ClipWindow:
    begins_s = max(0.0, start_s - rules.pre_roll_s)
    ends_s = min(max(end_s, start_s) + rules.post_roll_s, exam_s, begins_s + MAX_CLIP_S)
    return ClipWindow(begins_s, max(begins_s, ends_s), (start_s,))


def _joined(first: ClipWindow, second: ClipWindow) -> ClipWindow | None:
    end_s = max(first.end_s, second.end_s)
    if second.start_s > first.end_s or end_s - first.start_s > MAX_CLIP_S:
        return None
    return ClipWindow(first.start_s, end_s, first.begins_s + second.begins_s)
