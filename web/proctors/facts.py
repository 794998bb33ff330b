"""Facts of a sitting in the visitor's words: incidents, evidence, reasons, the player's data."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proctor.catalogue import known_keys
from proctor.incidents.tables import IncidentRow
from proctor.media.tables import Recording
from proctor.media.webm import read_clusters, read_start_ms
from proctor.observations import Track
from proctor.review.dossier import Dossier
from proctor.sittings.tables import Sitting

UNSEEN = ("device", "sound", "hardware", "virtual", "browser", "twins")
_NUMBERS = ("faces", "chars", "keys", "llr", "samples")

Say = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Fact:
    """One incident in words: what, how long, and what was measured."""

    name: str
    length: str
    details: tuple[str, ...]


def fact_of(t: Say, row: IncidentRow) -> Fact:
    """The incident as a statement of fact."""
    return Fact(t(f"incident.{row.kind}"), _length(t, row), tuple(_details(t, row.evidence)))


def reason_in_words(t: Say, code: str) -> str:
    """Why something was not assessed."""
    key = f"review.reason.{code}"
    return t(key) if key in known_keys() else t("review.reason.other", code=code)


def cause_in_words(t: Say, code: str) -> str:
    """Why something was not recorded."""
    key = f"review.cause.{code}"
    return t(key) if key in known_keys() else t("review.reason.other", code=code)


def player_data(
    sitting: Sitting, files: Dossier, exam_s: float, recordings_dir: Path, texts: dict[str, str]
) -> dict[str, Any]:
    """What the player's script needs; times in seconds since the exam began."""
    tracks: dict[str, list[dict[str, Any]]] = {track.value: [] for track in Track}
    bounds = [0.0, exam_s]
    for row in files.recordings:
        held = _held(sitting, row, recordings_dir)
        if held is not None:
            part = {"url": f"/review/recordings/{row.id}", "start_s": held[0]}
            tracks[row.track.value].append(part)
            # a running sitting ends where its files do; what is after the exam is of no interest
            bounds += held if sitting.exam_s is None else held[:1]
    return {"start_s": min(bounds), "end_s": max(bounds), "tracks": tracks, "texts": texts}


def _held(sitting: Sitting, row: Recording, recordings_dir: Path) -> tuple[float, float] | None:
    """From when to when a file has pictures; None while it has none."""
    path = recordings_dir / row.path
    if not path.is_file() or path.stat().st_size == 0:
        return None
    if row.sha256:
        return row.starts_s, row.starts_s + row.recorded_s
    # a row is settled when its file is; until then the file itself knows
    starts_s = read_start_ms(path) / 1000 - sitting.exam_offset_s
    clusters = read_clusters(path)
    return starts_s, starts_s + (clusters[-1].start_ms / 1000 if clusters else 0.0)


def _length(t: Say, row: IncidentRow) -> str:
    if row.end_s is None:
        return t("incident.ongoing")
    seconds = row.end_s - row.start_s
    if seconds == 0:
        return t("incident.moment")
    return t("incident.duration", n=f"{seconds:.0f}" if seconds >= 1 else f"{seconds:.1f}")


def _details(t: Say, evidence: dict[str, Any]) -> list[str]:
    details = [t(f"track.{evidence['track']}")] if "track" in evidence else []
    if "reason" in evidence:
        details.append(reason_in_words(t, str(evidence["reason"])))
    details += [
        t(f"incident.evidence.{name}", n=f"{evidence[name]:g}")
        for name in _NUMBERS
        if name in evidence
    ]
    return details
