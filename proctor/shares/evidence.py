"""What is on record about the identity of one sitting: checks, coverage, incidents, verdicts."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, TypeVar, cast

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from proctor.identity.tables import CheckResult, IdentityCheck, Modality
from proctor.incidents.tables import IncidentRow
from proctor.media.tables import MediaGap, Recording
from proctor.observations import Track
from proctor.review.tables import Decision, Verdict
from proctor.sittings.tables import Sitting, SittingState

# SQLite takes 32 766 variables in one statement, PostgreSQL 65 535
_IDS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class FaceEvidence:
    """Face comparisons during the exam. ``final``: the newest one that was assessed;
    ``longest_gap_s``: the longest stretch of the exam without one."""

    final: CheckResult | None
    matched: int
    non_matched: int
    not_assessed: int
    longest_gap_s: float


@dataclass(frozen=True, slots=True)
class KeystrokeEvidence:
    """The newest typing comparison. ``score``: higher = more alike; ``n_keys`` compared."""

    result: CheckResult
    reason: str | None
    score: float | None
    n_keys: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of the exam not recorded on a track, in seconds since it began."""

    track: Track
    start_s: float
    end_s: float
    cause: str


@dataclass(frozen=True, slots=True)
class TrackCoverage:
    """How much of the exam one track holds. ``sealed``: it has files and all are hashed."""

    recorded_s: float
    longest_gap_s: float
    sealed: bool


@dataclass(frozen=True, slots=True)
class IncidentEvidence:
    """An incident and the newest verdict on it; None while nobody decided."""

    id: str
    kind: str
    start_s: float
    end_s: float | None
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class VerdictEvidence:
    """One person's decision. ``incident_id`` is None for the identity of the sitting."""

    incident_id: str | None
    reviewer_id: str
    decision: Decision
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SittingEvidence:
    """All of it for one sitting. ``exam_s`` is None while the exam has no end;
    ``identified_via``: how identity was established before the start, None if it was not."""

    state: SittingState
    exam_s: float | None
    identified_via: str | None
    face: FaceEvidence | None
    keystroke: KeystrokeEvidence | None
    coverage: dict[Track, TrackCoverage]
    gaps: tuple[Gap, ...]
    incidents: tuple[IncidentEvidence, ...]
    verdicts: tuple[VerdictEvidence, ...]
    model_ids: tuple[str, ...]


def evidence_of(tx: Session, sitting: Sitting) -> SittingEvidence:
    """What is on record for *sitting*."""
    return evidence_of_all(tx, [sitting])[sitting.id]


def evidence_of_all(tx: Session, sittings: Sequence[Sitting]) -> dict[str, SittingEvidence]:
    """What is on record for each of *sittings*, by id."""
    ids = [sitting.id for sitting in sittings]
    checks = _rows(tx, IdentityCheck, ids, IdentityCheck.at_s)
    recordings = _rows(tx, Recording, ids, Recording.part)
    gaps = _rows(tx, MediaGap, ids, MediaGap.start_s)
    incidents = _rows(tx, IncidentRow, ids, IncidentRow.start_s)
    verdicts = _rows(tx, Verdict, ids, Verdict.at)
    return {
        sitting.id: _assemble(
            sitting,
            checks[sitting.id],
            recordings[sitting.id],
            gaps[sitting.id],
            incidents[sitting.id],
            verdicts[sitting.id],
        )
        for sitting in sittings
    }


def track_coverage(
    recordings: Iterable[Recording], gaps: Iterable[Gap], exam_s: float
) -> TrackCoverage:
    """Coverage of an exam of *exam_s* seconds by the files and listed gaps of one track.

    What neither a file nor a gap accounts for is not recorded.
    """
    files = list(recordings)
    missing = _merged([(max(gap.start_s, 0.0), min(gap.end_s, exam_s)) for gap in gaps])
    held = sum(file.recorded_s for file in files)
    present = exam_s - sum(end - start for start, end in missing)
    return TrackCoverage(
        recorded_s=max(0.0, min(present, held)),
        longest_gap_s=max((end - start for start, end in missing), default=0.0),
        sealed=bool(files) and all(file.sha256 for file in files),
    )


def _assemble(
    sitting: Sitting,
    checks: list[IdentityCheck],
    recordings: list[Recording],
    gap_rows: list[MediaGap],
    incident_rows: list[IncidentRow],
    verdict_rows: list[Verdict],
) -> SittingEvidence:
    gaps = tuple(Gap(row.track, row.start_s, row.end_s, row.cause) for row in gap_rows)
    decided = {row.incident_id: row.decision for row in verdict_rows if row.incident_id}
    exam_s = sitting.exam_s or 0.0
    return SittingEvidence(
        state=sitting.state,
        exam_s=sitting.exam_s,
        identified_via=sitting.identified_via,
        face=_face([check for check in checks if check.modality is Modality.FACE], exam_s),
        keystroke=_keystroke([c for c in checks if c.modality is Modality.KEYSTROKE]),
        coverage={
            track: track_coverage(
                [row for row in recordings if row.track is track],
                [gap for gap in gaps if gap.track is track],
                exam_s,
            )
            for track in Track
        },
        gaps=gaps,
        incidents=tuple(
            IncidentEvidence(row.id, row.kind, row.start_s, row.end_s, decided.get(row.id))
            for row in incident_rows
        ),
        verdicts=tuple(
            VerdictEvidence(row.incident_id, row.reviewer_id, row.decision, row.reason, row.at)
            for row in verdict_rows
        ),
        model_ids=tuple(sorted({check.model_id for check in checks if check.model_id})),
    )


def _face(checks: list[IdentityCheck], exam_s: float) -> FaceEvidence | None:
    of_exam = [check for check in checks if check.at_s > 0]
    if not of_exam:
        return None
    results = [check.result for check in of_exam]
    assessed = [check for check in of_exam if check.result is not CheckResult.NOT_ASSESSED]
    edges = [0.0, *(min(check.at_s, exam_s) for check in assessed), exam_s]
    return FaceEvidence(
        final=assessed[-1].result if assessed else None,
        matched=results.count(CheckResult.MATCH),
        non_matched=results.count(CheckResult.NO_MATCH),
        not_assessed=results.count(CheckResult.NOT_ASSESSED),
        longest_gap_s=max(later - earlier for earlier, later in pairwise(edges)),
    )


def _keystroke(checks: list[IdentityCheck]) -> KeystrokeEvidence | None:
    if not checks:
        return None
    newest = checks[-1]
    return KeystrokeEvidence(newest.result, newest.reason, newest.score, newest.n_keys)


def _merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Non-empty *spans* in order, overlapping and touching ones joined."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


_Row = TypeVar("_Row", IdentityCheck, Recording, MediaGap, IncidentRow, Verdict)


def _rows(
    tx: Session, table: type[_Row], ids: list[str], order: InstrumentedAttribute[Any]
) -> dict[str, list[_Row]]:
    found: defaultdict[str, list[_Row]] = defaultdict(list)
    for at in range(0, len(ids), _IDS_AT_ONCE):
        chosen = table.sitting_id.in_(ids[at : at + _IDS_AT_ONCE])
        # plain rows with the columns of the table: a term has more of them than an identity map
        # of objects would hold in memory
        rows = tx.execute(select(*table.__table__.columns).where(chosen).order_by(order))
        for row in rows:
            found[row.sitting_id].append(cast(_Row, row))
    return found
