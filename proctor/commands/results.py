"""What a demonstration leaves: the report in every format, and its result as plain JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from sqlalchemy.orm import Session

from proctor.incidents import builder
from proctor.incidents.kinds import Kind
from proctor.observations import Track
from proctor.reports.document import Json
from proctor.reports.files import FileFormat, content_of
from proctor.reports.tables import IssuedReport

# kinds that the screen shows; all others are seen by the camera
_ON_SCREEN = frozenset(
    {Kind.PASTE, Kind.PAGE_HIDDEN, Kind.FOCUS_LOST, Kind.FULLSCREEN_LEFT, Kind.SCREEN_SHARE_LOST}
)


@dataclass(frozen=True, slots=True)
class Held:
    """One sitting that was played. ``impostor_from_s``: second of the exam, None for nobody."""

    learner_number: str
    event_code: str
    sitting_id: str
    impostor_from_s: float | None


def write_formats(issued: IssuedReport, directory: Path, locale: str) -> dict[str, Path]:
    """Files of an issued report by format."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = {str(name): directory / f"identity-report.{name}" for name in FileFormat}
    for name in FileFormat:
        paths[name].write_bytes(content_of(issued.body, name, locale))
    return paths


def result_of(
    tx: Session,
    document: Json,
    held: Sequence[Held],
    reports: dict[str, Path],
    recordings_dir: Path,
    *,
    chromium: bool,
) -> Json:
    """The result; times in seconds from the start of the exam."""
    return {
        "sittings": [_sitting(tx, document, each, recordings_dir) for each in held],
        "shares": [
            {"learner": row["number"], "count": row["count"], "weight": row["weight"]}
            for row in document["learners"]
        ],
        "reports": {name: str(path) for name, path in reports.items()},
        "chromium": chromium,
    }


def shares_table(document: Json) -> Table:
    """Shares of every learner of the course, and what became of the planned events."""
    table = Table(title=f"Identity report: {document['course']['title']}", show_lines=True)
    for heading in ("learner", "planned events", "share by count", "share by weight"):
        table.add_column(heading)
    planned = {event["code"] for event in document["events"] if event["plan"]}
    for row in document["learners"]:
        outcomes = [
            f"{event['code']}: {event['outcome']}"
            for event in row["events"]
            if event["code"] in planned
        ]
        learner = f"{row['number']}\n{row['name']}"
        shares = (_range(row["count"]), _range(row["weight"]))
        table.add_row(learner, "\n".join(outcomes), *shares)
    return table


def _sitting(tx: Session, document: Json, held: Held, recordings_dir: Path) -> Json:
    learner = next(row for row in document["learners"] if row["number"] == held.learner_number)
    event = next(row for row in learner["events"] if row["code"] == held.event_code)
    found = event["sitting"]
    identity = found["identity"] or {}
    keystroke = found["keystroke"] or {}
    result: dict[str, Any] = {
        "learner": held.learner_number,
        "event": held.event_code,
        "outcome": event["outcome"],
        "methods": event["methods"],
        "identity": {
            name: identity.get(name, 0)
            for name in ("matched_frames", "non_matched_frames", "not_assessed")
        },
        "keystroke": {name: keystroke.get(name) for name in ("score", "n_keys", "measured")},
        "incidents": _incidents(tx, held.sitting_id, recordings_dir),
        "recording": found["recording"],
    }
    if held.impostor_from_s is not None:
        result["impostor_from"] = round(held.impostor_from_s, 3)
    return result


def _incidents(tx: Session, sitting_id: str, recordings_dir: Path) -> list[Json]:
    """Incidents with their clips; ``clip``: the one of the stream that shows the fact."""
    clips: dict[str, dict[str, str]] = {}
    for clip in builder.clips_of(tx, sitting_id):
        paths = clips.setdefault(clip.incident_id, {})
        paths[clip.track.value] = str(recordings_dir / clip.path)
    rows = []
    for row in builder.incidents_of(tx, sitting_id):
        shown = Track.SCREEN if row.kind in _ON_SCREEN else Track.CAMERA
        paths = clips.get(row.id, {})
        rows.append(
            {
                "kind": row.kind,
                "start": round(row.start_s, 3),
                "end": None if row.end_s is None else round(row.end_s, 3),
                "opened": round(row.opened_s, 3),
                "clip": paths.get(shown.value) or next(iter(paths.values()), None),
                "clips": paths,
            }
        )
    return rows


def _range(shares: Json) -> str:
    low, high = _share(shares["low"]), _share(shares["high"])
    return low if low == high else f"{low}\nat most {high}"


def _share(share: Json) -> str:
    met = {True: "met", False: "not met", None: "not applicable"}[share["met"]]
    return f"{share['num']}/{share['den']} = {share['percent']} %, {met}"
