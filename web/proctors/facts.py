"""What a reviewer is told beside the facts: how far to trust them, stills, the player's data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proctor.incidents.kinds import Kind
from proctor.media.container import NotARecording
from proctor.media.files import read_clusters, read_header
from proctor.media.tables import Recording
from proctor.observations import Track
from proctor.review.dossier import Dossier
from proctor.review.precision import Precision
from proctor.sittings.tables import Sitting
from web.facts import Say

UNSEEN = ("device", "sound", "hardware", "virtual", "browser", "twins")
# of what was lost, what may be missed in the evidence; the rest is for whoever runs the service
DROPPED = (
    "packet_not_repaired",
    "picture_not_recorded",
    "picture_not_looked_at",
    "fact_not_kept",
    "comparison_not_kept",
)
_COMPARED = frozenset({Kind.FACE_MISMATCH, Kind.TYPING_MISMATCH})


@dataclass(frozen=True, slots=True)
class Trust:
    """How far an incident of this kind can be trusted: what people decided, which model."""

    precision: str
    model: str | None


@dataclass(frozen=True, slots=True)
class Still:
    """A picture beside the incident. ``name``: what it is of (web.proctors.pictures.Moment)."""

    name: str
    url: str
    at_s: float


def trust_of(t: Say, kind: str, precision: Precision | None, model_ids: Sequence[str]) -> Trust:
    """What is known of incidents of this kind here."""
    if precision is None:
        said = t("review.trust.none")
    else:
        said = t("review.trust.precision", n=precision.decided, m=precision.confirmed)
    compared = ", ".join(model_ids) if kind in _COMPARED else ""
    return Trust(said, t("review.trust.model", name=compared) if compared else None)


def player_data(
    sitting: Sitting, files: Dossier, exam_s: float, recordings_dir: Path, texts: dict[str, str]
) -> dict[str, Any]:
    """What the player's script needs; times in seconds since the exam began."""
    tracks: dict[str, list[dict[str, Any]]] = {track.value: [] for track in Track}
    bounds = [0.0, exam_s]
    for row in files.recordings:
        held = _held(sitting, row, recordings_dir)
        if held is not None:
            # what grows under the page cannot be sought in: it plays what there was
            pinned = f"?until={held.until}" if held.until is not None else ""
            part = {"url": f"/review/recordings/{row.id}{pinned}", "start_s": held.start_s}
            tracks[row.track.value].append(part)
            # a running sitting ends where its files do; what is after the exam is of no interest
            bounds += (held.start_s, held.end_s) if sitting.exam_s is None else (held.start_s,)
    return {"start_s": min(bounds), "end_s": max(bounds), "tracks": tracks, "texts": texts}


@dataclass(frozen=True, slots=True)
class _Held:
    """From when to when a file has pictures; ``until``: its bytes, of one that grows."""

    start_s: float
    end_s: float
    until: int | None = None


def _held(sitting: Sitting, row: Recording, recordings_dir: Path) -> _Held | None:
    """What a file holds; None while it has no picture, or none that can be read."""
    path = recordings_dir / row.path
    if not path.is_file():
        return None
    if row.sha256:
        return _Held(row.starts_s, row.starts_s + row.recorded_s)
    # a row is settled when its file is; until then the file itself knows
    try:
        starts_s = read_header(path).start_ms / 1000 - sitting.exam_offset_s
    except NotARecording:
        return None
    clusters = read_clusters(path)
    if not clusters:
        return _Held(starts_s, starts_s)
    last = clusters[-1]
    return _Held(starts_s, starts_s + last.start_ms / 1000, last.offset + last.size)
