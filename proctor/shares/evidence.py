"""What is on record about the identity of one sitting: checks, coverage, incidents, verdicts."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, String, case, or_, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.elements import TypeCoerce

from biometrics.ids import OWN
from keystroke.features import FourMeasurements
from proctor.identity.tables import CheckResult, IdentityCheck, Modality
from proctor.incidents.tables import IncidentRow
from proctor.inference.opened import stricter_points
from proctor.media.tables import MediaGap, Recording, Source
from proctor.observations import Track
from proctor.review.tables import Decision, Verdict
from proctor.sittings.interventions import pauses_in
from proctor.sittings.tables import Act, Expiry, Intervention, Sitting, SittingState

# SQLite takes 32 766 variables in one statement, PostgreSQL 65 535
_IDS_AT_ONCE = 1000
# from here on reading the table through costs less than finding its rows one by one
_MANY = 20_000
_FACE = Modality.FACE.value
_MATCH, _NO_MATCH = CheckResult.MATCH.value, CheckResult.NO_MATCH.value
_NOT_ASSESSED = CheckResult.NOT_ASSESSED.value
_RESULTS: dict[str, CheckResult] = {result.value: result for result in CheckResult}


class FaceEvidence(NamedTuple):
    """Face comparisons during the exam. ``final``: the newest one that was assessed;
    ``longest_gap_s``: the longest stretch of the exam without one, pauses left out.
    ``stricter``: ``matched`` and ``final`` at the stricter operating point of the model's card;
    None when a score or the point is not known."""

    final: CheckResult | None
    matched: int
    non_matched: int
    not_assessed: int
    longest_gap_s: float
    stricter: tuple[int, CheckResult | None] | None


@dataclass(frozen=True, slots=True)
class KeystrokeEvidence:
    """The newest typing comparison. ``score``: higher = more alike; ``n_keys`` compared.

    ``measured``: what the Order names of typing; None of no key, once it is erased, and of exams
    held before it was kept.
    """

    result: CheckResult
    reason: str | None
    score: float | None
    n_keys: int | None
    measured: FourMeasurements | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of the exam not recorded on a track, in seconds since it began."""

    track: Track
    start_s: float
    end_s: float
    cause: str


class TrackCoverage(NamedTuple):
    """How much of the exam one track holds. ``recorded_s`` is all of it; ``counted_s`` and
    ``longest_gap_s`` leave pauses out, and to them what a browser sent afterwards is a gap, since
    nobody could see it while it happened. ``sealed``: it has files and all are hashed."""

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


class SittingEvidence(NamedTuple):
    """All of it for one sitting. ``exam_s`` is None while the exam has no end, ``counted_s`` is
    without its pauses; ``identified_via``: how identity was established before the start, None
    if it was not; ``expired_at``: since when its recordings are gone."""

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
    expired_at: datetime | None = None


class Sat(NamedTuple):
    """A sitting as far as its evidence and its outcome need it. ``version``: of the scheme it
    was held under."""

    version: int
    id: str
    attempt: int
    state: SittingState
    started_at: datetime | None
    exam_s: float | None
    identified_via: str | None


_Span = tuple[float, float]
# files hold whole milliseconds
_TOUCHING_S = 0.001
_HELD_UP = (Act.PAUSE, Act.RESUME)
# at_s, result, model_id, result at the stricter operating point
_Face = tuple[float, tuple[str, str | None, str | None]]


class _Typing(NamedTuple):
    at_s: float
    result: str
    model_id: str | None
    reason: str | None
    score: float | None
    n_keys: int | None
    measured: dict[str, float | None] | None


class _Files:
    """What the files of one track hold, added up by place of the sitting."""

    def __init__(self, sittings: int) -> None:
        self.recorded_s = [0.0] * sittings
        # whether there is any, and whether one of them is not hashed
        self.some, self.unsealed = bytearray(sittings), bytearray(sittings)
        self.sent_afterwards: defaultdict[int, list[_Span]] = defaultdict(list)


class Records:
    """What is on record for many sittings, added up while it is read: a term fits in memory.

    The evidence of one sitting is put together when it is asked for.
    """

    def __init__(self, tx: Session, sittings: Collection[str]) -> None:
        self._places = {name: place for place, name in enumerate(sittings)}
        self._faces: list[Any] = [None] * len(sittings)
        self._typing: defaultdict[int, list[_Typing]] = defaultdict(list)
        self._files = {track: _Files(len(sittings)) for track in Track}
        self._gaps: defaultdict[int, list[Gap]] = defaultdict(list)
        self._incidents: defaultdict[int, list[tuple[str, str, float, float | None]]]
        self._incidents = defaultdict(list)
        self._verdicts: defaultdict[int, list[VerdictEvidence]] = defaultdict(list)
        self._held_up: defaultdict[int, list[tuple[int, Act, datetime]]] = defaultdict(list)
        self._expired: dict[str, datetime] = {}
        self._read_checks(tx)
        self._read_recordings(tx)
        self._read_decisions(tx)

    def evidence(self, sitting: Sitting | Sat) -> SittingEvidence:
        """All that is on record for *sitting*, one of those that were read."""
        place, exam_s = self._places[sitting.id], sitting.exam_s or 0.0
        faces, typing = self._faces[place], self._typing.get(place)
        gaps = self._gaps_in(place) if place in self._gaps else ()
        verdicts = self._verdicts_on(place) if place in self._verdicts else ()
        pauses = self._pauses(sitting, place, exam_s) if place in self._held_up else ()
        return SittingEvidence(
            sitting.state,
            sitting.exam_s,
            _counted(exam_s, pauses) if pauses else exam_s,
            sitting.identified_via,
            _face(faces, exam_s, pauses) if faces else None,
            _keystroke(typing) if typing else None,
            self._coverage(place, gaps, exam_s, pauses),
            gaps,
            self._incidents_in(place, verdicts) if place in self._incidents else (),
            verdicts,
            _models(faces or (), typing or ()),
            self._expired.get(sitting.id),
        )

    def _coverage(
        self, place: int, gaps: Sequence[Gap], exam_s: float, pauses: Sequence[_Span]
    ) -> dict[Track, TrackCoverage]:
        covered: dict[Track, TrackCoverage] = {}
        for track, files in self._files.items():
            sealed = files.some[place] > files.unsealed[place]
            held_s = files.recorded_s[place]
            if not gaps and not pauses and place not in files.sent_afterwards:
                recorded_s = held_s if held_s < exam_s else exam_s
                covered[track] = TrackCoverage(recorded_s, recorded_s, 0.0, sealed)
                continue
            missing = [(gap.start_s, gap.end_s) for gap in gaps if gap.track is track]
            found = _track_coverage(held_s, sealed, missing, exam_s, pauses)
            sent = files.sent_afterwards.get(place)
            if sent:
                live_s = held_s - sum([end - start for start, end in sent])
                live = _track_coverage(live_s, sealed, missing + sent, exam_s, pauses)
                found = live._replace(recorded_s=found.recorded_s)
            covered[track] = found
        return covered

    def _pauses(self, sitting: Sitting | Sat, place: int, exam_s: float) -> Sequence[_Span]:
        if sitting.started_at is None:
            return ()
        told = [(act, at) for _, act, at in sorted(self._held_up[place])]
        return _within(pauses_in(told, sitting.started_at, exam_s), exam_s)

    def _gaps_in(self, place: int) -> tuple[Gap, ...]:
        return tuple(sorted(self._gaps[place], key=_gap_order))

    def _verdicts_on(self, place: int) -> tuple[VerdictEvidence, ...]:
        return tuple(sorted(self._verdicts[place], key=_verdict_order))

    def _incidents_in(
        self, place: int, verdicts: Sequence[VerdictEvidence]
    ) -> tuple[IncidentEvidence, ...]:
        decided = {each.incident_id: each.decision for each in verdicts if each.incident_id}
        return tuple(
            IncidentEvidence(id, kind, start_s, end_s, decided.get(id))
            for id, kind, start_s, end_s in sorted(self._incidents[place], key=itemgetter(2, 0))
        )

    def _read_checks(self, tx: Session) -> None:
        row, places, faces = IdentityCheck, self._places, self._faces
        # kept once for all rows that say the same
        same: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        seen = select(row.sitting_id, row.at_s, _text(row.result), row.model_id)
        compared = seen.add_columns(_at_stricter()).where(row.modality == _FACE)
        for name, at_s, result, model, at_stricter in _rows(tx, places, compared):
            place = places.get(name)
            if place is None:
                continue
            told = result, model, at_stricter
            check = at_s, same.setdefault(told, told)
            if faces[place] is None:
                faces[place] = [check]
            else:
                faces[place].append(check)
        typed = seen.add_columns(row.reason, row.score, row.n_keys, row.measured)
        for name, *typing in _own_rows(tx, places, typed.where(row.modality != _FACE)):
            self._typing[places[name]].append(_Typing(*typing))

    def _read_recordings(self, tx: Session) -> None:
        file, gap, places = Recording, MediaGap, self._places
        for track, files in self._files.items():
            held, some = files.recorded_s, files.some
            of_track = select(file.sitting_id, file.recorded_s).where(file.track == track)
            for name, recorded_s in _rows(tx, places, of_track):
                place = places.get(name)
                if place is not None:
                    held[place] += recorded_s
                    some[place] = 1
        unsealed = select(file.sitting_id, file.track).where(file.sha256 == "")
        for name, track in _own_rows(tx, places, unsealed):
            self._files[track].unsealed[places[name]] = 1
        afterwards = select(file.sitting_id, file.track, file.starts_s, file.recorded_s)
        for name, track, starts_s, recorded_s in _own_rows(
            tx, places, afterwards.where(file.source == Source.BACKFILL)
        ):
            sent = starts_s, starts_s + recorded_s
            self._files[track].sent_afterwards[places[name]].append(sent)
        erased = select(Expiry.sitting_id, Expiry.at)
        for name, at in _own_rows(tx, places, erased):
            self._expired[name] = at
        stretches = select(gap.sitting_id, gap.track, gap.start_s, gap.end_s, gap.cause)
        for name, *stretch in _own_rows(tx, places, stretches):
            self._gaps[places[name]].append(Gap(*stretch))

    def _read_decisions(self, tx: Session) -> None:
        seen, said, places = IncidentRow, Verdict, self._places
        incidents = select(seen.sitting_id, seen.id, seen.kind, seen.start_s, seen.end_s)
        for name, *incident in _own_rows(tx, places, incidents):
            self._incidents[places[name]].append(tuple(incident))
        verdicts = select(
            said.sitting_id, said.incident_id, said.reviewer_id, said.decision, said.reason, said.at
        )
        for name, *verdict in _own_rows(tx, places, verdicts):
            self._verdicts[places[name]].append(VerdictEvidence(*verdict))
        act = Intervention
        for name, number, done, at in _own_rows(
            tx, places, select(act.sitting_id, act.number, act.act, act.at)
        ):
            if done in _HELD_UP:
                self._held_up[places[name]].append((number, done, at))


def evidence_of(tx: Session, sitting: Sitting) -> SittingEvidence:
    """What is on record for *sitting*."""
    return Records(tx, [sitting.id]).evidence(sitting)


def evidence_of_all(tx: Session, sittings: Sequence[Sitting]) -> dict[str, SittingEvidence]:
    """What is on record for each of *sittings*, by id."""
    records = Records(tx, [sitting.id for sitting in sittings])
    return {sitting.id: records.evidence(sitting) for sitting in sittings}


def _track_coverage(
    held_s: float, sealed: bool, gaps: Sequence[_Span], exam_s: float, pauses: Sequence[_Span]
) -> TrackCoverage:
    """Coverage of an exam of *exam_s* seconds by files of *held_s* seconds and the gaps of one
    track.

    What neither a file nor a gap accounts for is not recorded.
    """
    spans = _within(gaps, exam_s)
    missing = sum([end - start for start, end in spans])
    recorded_s = max(0.0, min(exam_s - missing, held_s))
    if not pauses:
        longest_s = max([end - start for start, end in spans], default=0.0)
        return TrackCoverage(recorded_s, recorded_s, longest_s, sealed)
    counted = [
        end - start
        for start, end in _merged([(_counted(a, pauses), _counted(b, pauses)) for a, b in spans])
    ]
    paused_s = exam_s - _counted(exam_s, pauses)
    in_pauses_s = paused_s - (missing - sum(counted))
    counted_s = max(0.0, recorded_s - in_pauses_s)
    return TrackCoverage(recorded_s, counted_s, max(counted, default=0.0), sealed)


def _face(checks: Sequence[_Face], exam_s: float, pauses: Sequence[_Span]) -> FaceEvidence | None:
    """Checks before the exam do not count."""
    if len(checks) > 1:
        checks = sorted(checks, key=_check_order)
    matched = non_matched = not_assessed = stricter_matched = 0
    final, stricter_final, last_s, longest_s = None, None, 0.0, 0.0
    all_known = True
    for at_s, (result, _, at_stricter) in checks:
        if at_s <= 0:
            continue
        if result == _NOT_ASSESSED:
            not_assessed += 1
            continue
        if result == _MATCH:
            matched += 1
        else:
            non_matched += 1
        if at_stricter is None:
            all_known = False
        elif at_stricter == _MATCH:
            stricter_matched += 1
        final, stricter_final, at_s = result, at_stricter, min(at_s, exam_s)
        if pauses:
            at_s = _counted(at_s, pauses)
        longest_s, last_s = max(longest_s, at_s - last_s), at_s
    if not matched + non_matched + not_assessed:
        return None
    end_s = _counted(exam_s, pauses) if pauses else exam_s
    longest_s = max(longest_s, end_s - last_s)
    stricter = stricter_matched, _RESULTS[stricter_final] if stricter_final else None
    return FaceEvidence(
        _RESULTS[final] if final else None,
        matched,
        non_matched,
        not_assessed,
        longest_s,
        stricter if all_known else None,
    )


def _keystroke(checks: Sequence[_Typing]) -> KeystrokeEvidence:
    last = max(checks, key=attrgetter("at_s", "result"))
    measured = FourMeasurements(**last.measured) if last.measured else None
    return KeystrokeEvidence(_RESULTS[last.result], last.reason, last.score, last.n_keys, measured)


def _models(faces: Sequence[_Face], typing: Sequence[_Typing]) -> tuple[str, ...]:
    found = {check[1][1] for check in faces}
    if typing:
        found.update([check.model_id for check in typing])
    return tuple(sorted(filter(None, found)))


def _counted(at_s: float, pauses: Sequence[_Span]) -> float:
    """*at_s* on a clock that stands still in the pauses, as the student's own does."""
    return at_s - sum([min(end, at_s) - start for start, end in pauses if start < at_s])


def _within(spans: Iterable[_Span], exam_s: float) -> list[_Span]:
    return _merged([(max(start, 0.0), min(end, exam_s)) for start, end in spans])


def _merged(spans: Iterable[_Span]) -> list[_Span]:
    """Non-empty *spans* in order, overlapping and touching ones joined."""
    joined: list[_Span] = []
    for start, end in sorted([span for span in spans if span[0] < span[1]]):
        if joined and start <= joined[-1][1] + _TOUCHING_S:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _check_order(check: _Face) -> tuple[float, str]:
    return check[0], check[1][0]


def _gap_order(gap: Gap) -> tuple[float, float, str]:
    return gap.start_s, gap.end_s, gap.track


def _verdict_order(verdict: VerdictEvidence) -> datetime:
    return verdict.at


def _at_stricter() -> ColumnElement[str | None]:
    """What a face comparison would say at the stricter point; NULL when that is not known.

    A stricter point takes matches away and adds none.
    """
    row = IdentityCheck
    known = [
        (
            or_(row.model_id == model, row.model_id.startswith(model + OWN, autoescape=True)),
            case((row.score >= stricter.threshold, _MATCH), else_=_NO_MATCH),
        )
        for model, (_, stricter) in stricter_points().items()
    ]
    result = _text(row.result)
    return case((result != _MATCH, result), (row.score.is_(None), None), *known, else_=None)


def _text(column: InstrumentedAttribute[Any]) -> TypeCoerce[str]:
    """An enum as the text it is stored as: a term has more of them than there is time to look
    up in an enumeration."""
    return type_coerce(column, String)


def _own_rows(
    tx: Session, sittings: Mapping[str, int], query: Select[*tuple[Any, ...]]
) -> Iterable[Sequence[Any]]:
    return (row for row in _rows(tx, sittings, query) if row[0] in sittings)


def _rows(
    tx: Session, sittings: Mapping[str, int], query: Select[*tuple[Any, ...]]
) -> Iterable[Sequence[Any]]:
    """Rows of *query* about *sittings*, in no order; its first column says whose. When there are
    many, rows about others are among them."""
    if len(sittings) > _MANY:
        return read_rows(tx, query)
    ids, whose = list(sittings), query.selected_columns[0]
    parts = (ids[at : at + _IDS_AT_ONCE] for at in range(0, len(ids), _IDS_AT_ONCE))
    return chain.from_iterable(read_rows(tx, query.where(whose.in_(part))) for part in parts)


def read_rows(tx: Session, query: Select[*tuple[Any, ...]]) -> Iterable[Sequence[Any]]:
    """Rows of columns, for a third of what the rows of a session cost."""
    tx.flush()
    found = tx.connection().execute(query, execution_options={"yield_per": 10_000})
    return chain.from_iterable(found.partitions())
