"""What was recorded of a sitting and what is missing, written down when the exam ends."""

import errno
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proctor import events
from proctor.media.backfill import Backfill
from proctor.media.container import NotARecording
from proctor.media.gaps import Cause, Interval, coverage, gaps
from proctor.media.recorder import RecordedTrack, repair
from proctor.media.tables import MediaGap, Recording, Source
from proctor.observations import Track
from proctor.sittings.tables import Sitting

log = structlog.get_logger()

# sums of milliseconds
EXACT_S = 0.01
#: kind of the event that the ledger of a track is wrong
UNACCOUNTED = "seconds_unaccounted"
#: kind of the events that count what a process took in and lost, by what it was and why
DROPPED = "dropped"


def recordings_of(tx: Session, sitting_id: str, track: Track) -> list[Recording]:
    """Files of one track in order of their connections."""
    query = select(Recording).where(Recording.sitting_id == sitting_id, Recording.track == track)
    return list(tx.scalars(query.order_by(Recording.part)))


def open_files(
    tx: Session,
    sitting_id: str,
    paths: Mapping[Track, Path],
    root: Path,
    source: Source = Source.LIVE,
) -> None:
    """Note the files a new connection writes to, or a browser's pictures were written to."""
    for track, path in paths.items():
        row = Recording(sitting_id=sitting_id, track=track, starts_s=0.0, source=source)
        row.part = len(recordings_of(tx, sitting_id, track)) + 1
        row.path = str(path.relative_to(root))
        tx.add(row)


def note_backfill(tx: Session, sitting: Sitting, made: Backfill, root: Path, now: datetime) -> None:
    """Note the file of what a browser sent after a gap, with its times in the exam."""
    open_files(tx, sitting.id, {made.track: made.path}, root, Source.BACKFILL)
    facts = {
        "track": made.track.value,
        "start_s": round(made.held.start - sitting.exam_offset_s, 3),
        "end_s": round(made.held.end - sitting.exam_offset_s, 3),
        "pictures": made.pictures,
    }
    events.append(tx, sitting.id, "backfill_kept", facts, now)


def files_of(tx: Session, sitting_id: str, root: Path) -> list[Path]:
    """Every file noted for a sitting."""
    return [path for track in Track for path in files_of_track(tx, sitting_id, track, root)]


def files_of_track(tx: Session, sitting_id: str, track: Track, root: Path) -> list[Path]:
    return [root / row.path for row in recordings_of(tx, sitting_id, track)]


def recover(paths: Iterable[Path]) -> list[RecordedTrack]:
    """What the files hold that a killed process left; one that cannot be read is left out.

    It reads whole files, so it has no place inside a transaction.
    """
    found = []
    for path in paths:
        try:
            found.append(repair(path))
        except (OSError, NotARecording) as error:
            # an exam ends even when a file of it is gone: its time becomes a gap
            reason = errno.errorcode.get(getattr(error, "errno", None) or 0, type(error).__name__)
            log.error(
                "recording_unreadable", sitting=path.parent.name, file=path.name, reason=reason
            )
    return found


def close_files(
    tx: Session,
    sitting: Sitting,
    exam_s: float,
    recorded: Sequence[RecordedTrack],
    causes: Mapping[Track, Sequence[Cause]],
    root: Path,
) -> dict[str, str]:
    """Write what each file holds and every gap with its cause; SHA-256 by path.

    ``recorded`` and ``causes`` are on the recording clock. A file that is not among the recorded
    holds nothing and stays without a hash.
    """
    known = {each.path: each for each in recorded}
    hashes: dict[str, str] = {}
    for track in Track:
        intervals: list[Interval] = []
        covered = 0.0
        # seconds that were recorded and sent afterwards too count as recorded
        rows = sorted(recordings_of(tx, sitting.id, track), key=lambda row: row.source != "live")
        for row in rows:
            file = known.get(root / row.path)
            if file is None:
                continue
            held = [_in_exam(i, sitting) for i in file.intervals]
            intervals += held
            row.starts_s = file.starts_s - sitting.exam_offset_s
            row.recorded_s = coverage(intervals, 0.0, exam_s) - covered
            covered += row.recorded_s
            row.bytes, row.sha256 = file.bytes, file.sha256
            hashes[row.path] = file.sha256
        _note_gaps(tx, sitting, track, intervals, exam_s, causes[track])
    return hashes


def accounted_s(tx: Session, sitting_id: str, track: Track) -> float:
    """Recorded and missing seconds of a track together, as they are written down.

    Those of the exam, when each of them was told once: by construction, whatever happened.
    """
    held = select(func.sum(Recording.recorded_s)).where(
        Recording.sitting_id == sitting_id, Recording.track == track
    )
    lost = select(func.sum(MediaGap.end_s - MediaGap.start_s)).where(
        MediaGap.sitting_id == sitting_id, MediaGap.track == track
    )
    return sum(tx.scalar(query) or 0.0 for query in (held, lost))


def note_unaccounted(tx: Session, sitting_id: str, exam_s: float, now: datetime) -> None:
    """Say of which track not every second of the exam was told once: a fault of this service."""
    for track in Track:
        off_s = round(accounted_s(tx, sitting_id, track) - exam_s, 3)
        if abs(off_s) > EXACT_S:
            log.error("seconds_unaccounted", sitting=sitting_id, track=track.value, off_s=off_s)
            facts = {"track": track.value, "off_s": off_s}
            events.append(tx, sitting_id, UNACCOUNTED, facts, now)


def dropped_of(tx: Session, sitting_id: str) -> dict[str, int]:
    """What was lost of a sitting in all its processes."""
    total: Counter[str] = Counter()
    for event in events.read(tx, sitting_id, DROPPED):
        total.update(event.payload)
    return dict(total)


def unaccounted_of(tx: Session, sitting_id: str) -> dict[Track, float]:
    """By how many seconds the ledger of a track is wrong; empty as a rule."""
    found = events.read(tx, sitting_id, UNACCOUNTED)
    return {Track(each.payload["track"]): float(each.payload["off_s"]) for each in found}


def _note_gaps(
    tx: Session,
    sitting: Sitting,
    track: Track,
    intervals: Sequence[Interval],
    exam_s: float,
    causes: Sequence[Cause],
) -> None:
    offset = sitting.exam_offset_s
    known = [Cause(each.start - offset, each.end - offset, each.cause) for each in causes]
    for gap in gaps(track, intervals, 0.0, exam_s, known):
        row = MediaGap(
            sitting_id=sitting.id,
            track=track,
            start_s=gap.start,
            end_s=gap.end,
            cause=gap.cause,
        )
        tx.add(row)


def _in_exam(interval: Interval, sitting: Sitting) -> Interval:
    return Interval(interval.start - sitting.exam_offset_s, interval.end - sitting.exam_offset_s)
