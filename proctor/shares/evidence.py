"""What is on record about the identity of one sitting: checks, coverage, incidents, verdicts."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import String, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.elements import TypeCoerce

from proctor.identity.tables import CheckResult, IdentityCheck, Modality
from proctor.incidents.tables import IncidentRow
from proctor.media.tables import MediaGap, Recording
from proctor.observations import Track
from proctor.review.tables import Decision, Verdict
from proctor.sittings.interventions import pauses_in
from proctor.sittings.tables import Act, Intervention, Sitting, SittingState

# SQLite takes 32 766 variables in one statement, PostgreSQL 65 535
_IDS_AT_ONCE = 1000
# from here on reading the table through costs less than finding its rows one by one
_MANY = 20_000
_TRACKS: dict[str, Track] = {track.value: track for track in Track}
_FACE, _KEYSTROKE = Modality.FACE.value, Modality.KEYSTROKE.value
_NOT_ASSESSED = CheckResult.NOT_ASSESSED
_RESULTS: dict[str, CheckResult] = {result.value: result for result in CheckResult}


@dataclass(frozen=True, slots=True)
class FaceEvidence:
    """Face comparisons during the exam. ``final``: the newest one that was assessed;
    ``longest_gap_s``: the longest stretch of the exam without one, pauses left out."""

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
    """How much of the exam one track holds. ``recorded_s`` is all of it; ``counted_s`` and
    ``longest_gap_s`` leave pauses out. ``sealed``: it has files and all are hashed."""

    recorded_s: float
    counted_s: float
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
    """All of it for one sitting. ``exam_s`` is None while the exam has no end, ``counted_s`` is
    without its pauses; ``identified_via``: how identity was established before the start, None
    if it was not."""

    state: SittingState
    exam_s: float | None
    counted_s: float
    identified_via: str | None
    face: FaceEvidence | None
    keystroke: KeystrokeEvidence | None
    coverage: dict[Track, TrackCoverage]
    gaps: tuple[Gap, ...]
    incidents: tuple[IncidentEvidence, ...]
    verdicts: tuple[VerdictEvidence, ...]
    model_ids: tuple[str, ...]


class Sat(NamedTuple):
    """A sitting as far as its evidence and its outcome need it."""

    id: str
    attempt: int
    state: SittingState
    started_at: datetime | None
    exam_s: float | None
    identified_via: str | None


# at_s, modality, result, reason, score, n_keys, model_id
_Check = tuple[float, str, CheckResult, str | None, float | None, int | None, str | None]
# recorded_s, whether it is hashed
_File = tuple[float, bool]
_Span = tuple[float, float]
_HELD_UP = (Act.PAUSE, Act.RESUME)


class Records:
    """What is on record for many sittings, as light rows: a term of them fits in memory.

    The evidence of one sitting is put together when it is asked for.
    """

    def __init__(self, tx: Session, sittings: Collection[str]) -> None:
        self._checks: defaultdict[str, list[_Check]] = defaultdict(list)
        self._files: dict[Track, defaultdict[str, list[_File]]] = {
            track: defaultdict(list) for track in Track
        }
        self._gaps: defaultdict[str, list[Gap]] = defaultdict(list)
        self._incidents: defaultdict[str, list[tuple[str, str, float, float | None]]]
        self._incidents = defaultdict(list)
        self._verdicts: defaultdict[str, list[VerdictEvidence]] = defaultdict(list)
        self._held_up: defaultdict[str, list[tuple[int, Act, datetime]]] = defaultdict(list)
        self._read_checks(tx, sittings)
        self._read_recordings(tx, sittings)
        self._read_decisions(tx, sittings)

    def evidence(self, sitting: Sitting | Sat) -> SittingEvidence:
        """All that is on record for *sitting*, one of those that were read."""
        name, exam_s = sitting.id, sitting.exam_s or 0.0
        checks = _sorted(self._checks.get(name), _check_order)
        gaps = tuple(_sorted(self._gaps.get(name), _gap_order))
        verdicts = tuple(_sorted(self._verdicts.get(name), _verdict_order))
        pauses = self._pauses(sitting, exam_s)
        decided = {each.incident_id: each.decision for each in verdicts if each.incident_id}
        return SittingEvidence(
            state=sitting.state,
            exam_s=sitting.exam_s,
            counted_s=_counted(exam_s, pauses),
            identified_via=sitting.identified_via,
            face=_face([check for check in checks if check[1] == _FACE], exam_s, pauses),
            keystroke=_keystroke([check for check in checks if check[1] == _KEYSTROKE]),
            coverage={
                track: _coverage(files.get(name, ()), _on(track, gaps), exam_s, pauses)
                for track, files in self._files.items()
            },
            gaps=gaps,
            incidents=tuple(
                IncidentEvidence(id, kind, start_s, end_s, decided.get(id))
                for id, kind, start_s, end_s in _sorted(self._incidents.get(name), itemgetter(2, 0))
            ),
            verdicts=verdicts,
            model_ids=tuple(sorted({check[6] for check in checks if check[6]})),
        )

    def _pauses(self, sitting: Sitting | Sat, exam_s: float) -> list[_Span]:
        acts = self._held_up.get(sitting.id)
        if acts is None or sitting.started_at is None:
            return []
        told = [(act, at) for _, act, at in sorted(acts)]
        return _within(pauses_in(told, sitting.started_at, exam_s), exam_s)

    def _read_checks(self, tx: Session, sittings: Collection[str]) -> None:
        row = IdentityCheck
        columns = (
            row.sitting_id, row.at_s, _text(row.modality), _text(row.result), row.reason,
            row.score, row.n_keys, row.model_id,
        )  # fmt: skip
        for sitting, at_s, modality, result, *rest in _rows(tx, sittings, *columns):
            self._checks[sitting].append((at_s, modality, _RESULTS[result], *rest))

    def _read_recordings(self, tx: Session, sittings: Collection[str]) -> None:
        file, gap = Recording, MediaGap
        columns = (file.sitting_id, _text(file.track), file.recorded_s, file.sha256)
        for sitting, track, recorded_s, sha256 in _rows(tx, sittings, *columns):
            self._files[_TRACKS[track]][sitting].append((recorded_s, bool(sha256)))
        for sitting, *stretch in _rows(
            tx, sittings, gap.sitting_id, gap.track, gap.start_s, gap.end_s, gap.cause
        ):
            self._gaps[sitting].append(Gap(*stretch))

    def _read_decisions(self, tx: Session, sittings: Collection[str]) -> None:
        seen, said = IncidentRow, Verdict
        for sitting, *incident in _rows(
            tx, sittings, seen.sitting_id, seen.id, seen.kind, seen.start_s, seen.end_s
        ):
            self._incidents[sitting].append((incident[0], incident[1], incident[2], incident[3]))
        columns = (
            said.sitting_id, said.incident_id, said.reviewer_id, said.decision, said.reason,
            said.at,
        )  # fmt: skip
        for sitting, *verdict in _rows(tx, sittings, *columns):
            self._verdicts[sitting].append(VerdictEvidence(*verdict))
        act = Intervention
        for sitting, number, done, at in _rows(
            tx, sittings, act.sitting_id, act.number, act.act, act.at
        ):
            if done in _HELD_UP:
                self._held_up[sitting].append((number, done, at))


def evidence_of(tx: Session, sitting: Sitting) -> SittingEvidence:
    """What is on record for *sitting*."""
    return Records(tx, [sitting.id]).evidence(sitting)


def evidence_of_all(tx: Session, sittings: Sequence[Sitting]) -> dict[str, SittingEvidence]:
    """What is on record for each of *sittings*, by id."""
    records = Records(tx, [sitting.id for sitting in sittings])
    return {sitting.id: records.evidence(sitting) for sitting in sittings}


def _coverage(
    files: Sequence[_File], gaps: Iterable[Gap], exam_s: float, pauses: Sequence[_Span]
) -> TrackCoverage:
    """What neither a file nor a gap accounts for is not recorded."""
    spans = _within([(gap.start_s, gap.end_s) for gap in gaps], exam_s)
    missing = sum([end - start for start, end in spans])
    held = sum([recorded_s for recorded_s, _ in files])
    recorded_s = max(0.0, min(exam_s - missing, held))
    is_sealed = bool(files) and all(is_sealed for _, is_sealed in files)
    if not pauses:
        longest_s = max([end - start for start, end in spans], default=0.0)
        return _track_coverage(recorded_s, recorded_s, longest_s, is_sealed)
    counted = [
        end - start
        for start, end in _merged([(_counted(a, pauses), _counted(b, pauses)) for a, b in spans])
    ]
    paused_s = exam_s - _counted(exam_s, pauses)
    in_pauses_s = paused_s - (missing - sum(counted))
    return _track_coverage(
        recorded_s, max(0.0, recorded_s - in_pauses_s), max(counted, default=0.0), is_sealed
    )


# the tracks of one sitting are mostly covered alike
_track_coverage = lru_cache(1024)(TrackCoverage)


def _face(checks: list[_Check], exam_s: float, pauses: Sequence[_Span]) -> FaceEvidence | None:
    of_exam = [(check[0], check[2]) for check in checks if check[0] > 0]
    if not of_exam:
        return None
    results = [result for _, result in of_exam]
    assessed = [each for each in of_exam if each[1] is not _NOT_ASSESSED]
    edges = [0.0, *[min(at_s, exam_s) for at_s, _ in assessed], exam_s]
    if pauses:
        edges = [_counted(edge, pauses) for edge in edges]
    return FaceEvidence(
        final=assessed[-1][1] if assessed else None,
        matched=results.count(CheckResult.MATCH),
        non_matched=results.count(CheckResult.NO_MATCH),
        not_assessed=results.count(CheckResult.NOT_ASSESSED),
        longest_gap_s=max([later - earlier for earlier, later in pairwise(edges)]),
    )


def _keystroke(checks: list[_Check]) -> KeystrokeEvidence | None:
    if not checks:
        return None
    _, _, result, reason, score, n_keys, _ = checks[-1]
    return KeystrokeEvidence(result, reason, score, n_keys)


def _counted(at_s: float, pauses: Sequence[_Span]) -> float:
    """*at_s* on a clock that stands still in the pauses, as the student's own does."""
    return at_s - sum([min(end, at_s) - start for start, end in pauses if start < at_s])


def _within(spans: Iterable[_Span], exam_s: float) -> list[_Span]:
    return _merged([(max(start, 0.0), min(end, exam_s)) for start, end in spans])


def _merged(spans: Iterable[_Span]) -> list[_Span]:
    """Non-empty *spans* in order, overlapping and touching ones joined."""
    joined: list[_Span] = []
    for start, end in sorted([span for span in spans if span[0] < span[1]]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


_Item = TypeVar("_Item")


def _sorted(items: list[_Item] | None, order: Callable[[_Item], Any]) -> Sequence[_Item]:
    return sorted(items, key=order) if items and len(items) > 1 else items or ()


_check_order = itemgetter(0, 1, 2)


def _on(track: Track, gaps: Sequence[Gap]) -> Sequence[Gap]:
    return [gap for gap in gaps if gap.track is track] if gaps else ()


def _gap_order(gap: Gap) -> tuple[float, float, str]:
    return gap.start_s, gap.end_s, gap.track


def _verdict_order(verdict: VerdictEvidence) -> datetime:
    return verdict.at


def _text(column: InstrumentedAttribute[Any]) -> TypeCoerce[str]:
    """An enum as the text it is stored as: a term has more of them than there is time to look
    up in an enumeration."""
    return type_coerce(column, String)


_Column = InstrumentedAttribute[Any] | TypeCoerce[str]


def _rows(
    tx: Session, sittings: Collection[str], sitting_id: InstrumentedAttribute[str], *more: _Column
) -> Iterator[Sequence[Any]]:
    """Rows of *sittings* with these columns, in no order."""
    query = select(sitting_id, *more)
    if len(sittings) > _MANY:
        wanted = frozenset(sittings)
        for row in tx.execute(query.execution_options(yield_per=10_000)):
            if row[0] in wanted:
                yield row
        return
    ids = list(sittings)
    for at in range(0, len(ids), _IDS_AT_ONCE):
        yield from tx.execute(query.where(sitting_id.in_(ids[at : at + _IDS_AT_ONCE])))
