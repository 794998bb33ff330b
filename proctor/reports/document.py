"""The canonical JSON of an identity report, from which every other format is drawn."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import orjson

from biometrics.calibration import OperatingPoint
from biometrics.ids import OWN
from proctor.centres.protocols import CentreFinding
from proctor.clock import TIME_ZONE
from proctor.exams.schemes import plain_number
from proctor.inference.opened import stricter_points
from proctor.observations import Track
from proctor.reports.build import Design, IdentityReport, LearnerReport, Standing
from proctor.shares.calculator import Share, ShareRange
from proctor.shares.decision import OutcomeDecision
from proctor.shares.evidence import Gap, IncidentEvidence, Sat, SittingEvidence
from proctor.shares.outcomes import EventOutcome
from proctor.shares.packs import PolicyPack
from proctor.shares.planned import PlannedEvent

SCHEMA = "tanu.identity-report/1"

Json = dict[str, Any]

# instants are written to the second
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
# learners written in one piece
_AT_ONCE = 50
# a quote within a string is escaped, so these stand nowhere else in a canonical text
_LEARNERS, _AFTER_LEARNERS = ',"learners":[', '],"limits":['


def as_json(report: IdentityReport) -> Json:
    """*report* as plain JSON values: times in UTC, media times in seconds of the exam."""
    document: Json = orjson.loads(b"".join(canonical_parts(report)))
    return document


def canonical_parts(report: IdentityReport) -> Iterator[bytes]:
    """The canonical text of *report* in UTF-8, piece by piece: a term is not held in memory."""
    document = {
        "schema": SCHEMA,
        "version": report.version,
        "supersedes": report.supersedes,
        "as_of": report.as_of,
        "institution": report.institution,
        "course": {
            "code": report.course_code,
            "title": report.course_title,
            "kind": report.course_kind.value,
            "starts_on": report.starts_on.isoformat(),
            "ends_on": report.ends_on.isoformat(),
            "scheme_version": report.scheme_version,
        },
        "pack": _pack(report.pack),
        "design": _design(report.design, report.pack),
        "events": [_planned(event) for event in report.events],
        "limits": list(report.limits),
    }
    # names are in order: some stand before the learners, the others after them
    yield _dumps({name: document[name] for name in document if name < "learners"})[:-1]
    yield _LEARNERS.encode()
    writer, comma = _Learners(report), b""
    learners = iter(report.learners)
    while some := [_dumps(writer.learner(learner)) for learner in islice(learners, _AT_ONCE)]:
        yield comma + b",".join(some)
        comma = b","
    document["models"] = sorted(writer.models)
    document["sensitivity"] = writer.sensitivity.as_json(writer.models, report.own_thresholds)
    yield b"]," + _dumps({name: document[name] for name in document if name > "learners"})[1:]


def canonical(document: Json) -> str:
    """*document* as one text that is the same wherever it is written (RFC 8785).

    Our documents have ASCII keys, and numbers that all encoders write alike: whole ones as
    integers, others with three decimals. For those a fast encoder writes what RFC 8785 asks for.
    """
    return _dumps(document).decode()


def streamed(body: str) -> Json:
    """The document of a canonical text, its learners decoded one by one while they are taken."""
    start, end = body.index(_LEARNERS), body.rindex(_AFTER_LEARNERS)
    document: Json = json.loads(body[:start] + body[end + 1 :])
    return {**document, "learners": _Decoded(body, start + len(_LEARNERS), end)}


@dataclass(frozen=True, slots=True)
class _Decoded:
    """Learners in a text from *start* to *end*; can be gone through again."""

    body: str
    start: int
    end: int

    def __iter__(self) -> Iterator[Json]:
        decode, at = json.JSONDecoder().raw_decode, self.start
        while at < self.end:
            learner, at = decode(self.body, at)
            yield learner
            at += 1


def _dumps(value: Json) -> bytes:
    return orjson.dumps(value, option=_OPTIONS)


def sha256_of(text: str) -> str:
    """Hex SHA-256 of *text* in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def share_json(share: Share, pack: PolicyPack) -> Json:
    """One share; ``percent`` and ``met`` are null when it is not applicable."""
    num, den, percent = _figures(share)
    return {"num": num, "den": den, "percent": percent, "met": share.met(pack)}


@lru_cache(maxsize=4096)
def _figures(share: Share) -> tuple[int, int, str | None]:
    # the learners of a course share few different fractions
    return *share.integers, share.percent_floored


def range_json(shares: ShareRange, pack: PolicyPack) -> Json:
    return {"low": share_json(shares.low, pack), "high": share_json(shares.high, pack)}


def recording_json(evidence: SittingEvidence) -> Json:
    """What was recorded of a sitting and what was not, in seconds of the exam."""
    exam_s, coverage = evidence.exam_s, evidence.coverage
    exam = _seconds(exam_s)
    # mostly all of it
    camera, screen = [
        exam if coverage[track].recorded_s == exam_s else _seconds(coverage[track].recorded_s)
        for track in (Track.CAMERA, Track.SCREEN)
    ]
    written: Json = {
        "camera_seconds": camera,
        "screen_seconds": screen,
        "exam_seconds": exam,
        "gaps": [_gap(gap) for gap in evidence.gaps],
    }
    if evidence.expired_at is not None:
        written["expired_on"] = evidence.expired_at.astimezone(TIME_ZONE).date().isoformat()
    return written


def _gap(gap: Gap) -> Json:
    return {
        "track": gap.track.value,
        "start": _seconds(gap.start_s),
        "end": _seconds(gap.end_s),
        "cause": gap.cause,
    }


def _pack(pack: PolicyPack) -> Json:
    return {
        "name": pack.name,
        "edition": pack.edition.isoformat(),
        "text": pack.text,
        "threshold_percent": plain_number(pack.threshold * 100),
        "basis": pack.basis.value,
        "zero_weight": pack.zero_weight.value,
        "coverage_percent": plain_number(pack.coverage * 100),
        "longest_gap_s": pack.longest_gap_s,
    }


def _design(design: Design, pack: PolicyPack) -> Json:
    return {
        "count": share_json(design.count, pack),
        "weight": share_json(design.weight, pack),
        "met": design.met,
    }


def _planned(event: PlannedEvent) -> Json:
    return {
        "code": event.code,
        "title": event.title,
        "kind": event.kind.value,
        "weight": plain_number(event.weight),
        "plan": sorted(event.plan),
        "opens_at": event.opens_at,
        "closes_at": event.closes_at,
    }


@dataclass(slots=True)
class _Sensitivity:
    """How many learners meet the requirement, and how many would if the faces of the exams were
    compared at the stricter operating point of the model's card.

    ``pending``: events verified now that people would have to decide then; ``unknown``: learners
    with such an event whose scores, or whose model's operating points, are not on record.
    """

    met: int = 0
    met_stricter: int = 0
    pending: int = 0
    unknown: int = 0

    def add(self, learner: LearnerReport) -> None:
        self.met += learner.met is True
        if learner.stricter is None:
            self.unknown += 1
            return
        self.met_stricter += learner.stricter.met is True
        if learner.stricter is not learner.standing:
            self.pending += sum(
                each.stricter is not each.decision.outcome for each in learner.outcomes
            )

    def as_json(self, models: set[str], own: Mapping[str, OperatingPoint]) -> Json:
        """``own``: of calibrations; the stricter one is the card's for them too."""
        known = stricter_points()
        points = [
            {
                "model": model,
                "fmr_percent": _decimal(100 * own.get(model, point).fmr),
                "threshold": _decimal(own.get(model, point).threshold),
                "stricter_fmr_percent": _decimal(100 * stricter.fmr),
                "stricter_threshold": _decimal(stricter.threshold),
            }
            for model in sorted(models)
            if (found := known.get(model.partition(OWN)[0])) is not None
            for point, stricter in (found,)
        ]
        missing = "no_operating_point" if self.unknown else "no_comparison"
        return {
            "points": points,
            "reason": None if points else missing,
            "met": self.met if points else None,
            "met_stricter": self.met_stricter if points else None,
            "events_pending": self.pending if points else None,
            "learners_unknown": self.unknown,
        }


def _decimal(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


class _Learners:
    """Learners of one report as JSON; what many of them share is written once.

    ``models``: those whose figures the report holds so far; ``sensitivity``: of those learners.
    """

    def __init__(self, report: IdentityReport) -> None:
        self.models: set[str] = set()
        self.sensitivity = _Sensitivity()
        self._pack, self._people = report.pack, report.people
        self._standings: dict[Standing, Json] = {}
        # by identity, and with what is shared, so that it lives on
        self._unsat: dict[int, tuple[EventOutcome, orjson.Fragment]] = {}
        self._decisions: dict[int, tuple[OutcomeDecision, Json]] = {}

    def learner(self, learner: LearnerReport) -> Json:
        self.sensitivity.add(learner)
        standing = learner.standing
        if standing not in self._standings:
            self._standings[standing] = _standing(standing, self._pack)
        unsat = self._unsat
        events = [
            unsat[id(event)][1] if id(event) in unsat else self._event(event)
            for event in learner.outcomes
        ]
        written = {
            "number": learner.number,
            "name": learner.name,
            **self._standings[standing],
            "events": events,
        }
        if learner.format or learner.recredit or learner.peers:
            written |= _apart(learner)
        return written

    def _event(self, event: EventOutcome) -> Json | orjson.Fragment:
        decision, sitting, evidence = event.decision, event.sitting, event.evidence
        if id(decision) not in self._decisions:
            self._decisions[id(decision)] = decision, _decision(decision)
        written = {
            "code": event.event.code,
            **self._decisions[id(decision)][1],
            "sitting": _sitting(sitting, evidence, self._people) if sitting and evidence else None,
            "centre": _centre(event.centre) if event.centre else None,
        }
        if evidence is not None:
            self.models.update(evidence.model_ids)
        if sitting is not None or event.centre is not None:
            return written
        # most learners of a course share it as one object
        self._unsat[id(event)] = event, orjson.Fragment(_dumps(written))
        return self._unsat[id(event)][1]


def _apart(learner: LearnerReport) -> Json:
    """What few learners have: weights of their own, a course recalculated, works checked by
    others."""
    written: Json = {}
    if learner.format:
        weights = {each.code: plain_number(each.event.weight) for each in learner.outcomes}
        written["scheme"] = {"format": learner.format, "weights": weights}
    if learner.recredit:
        told = learner.recredit
        written["recredited"] = {
            "source": told.source,
            "document": told.document,
            "share": told.share,
        }
    if learner.peers:
        written["peers"] = [
            {"code": work.event_code, "checked_by": work.checked_by, "identified": work.identified}
            for work in learner.peers
        ]
    return written


def _standing(standing: Standing, pack: PolicyPack) -> Json:
    return {
        "count": range_json(standing.count, pack),
        "weight": range_json(standing.weight, pack),
        "met": standing.met,
        "met_if_pending_verified": standing.met_if_pending_verified,
    }


def _decision(decision: OutcomeDecision) -> Json:
    methods = [
        {
            "technology": method.technology.value,
            "result": method.result.value,
            "reason": method.reason,
        }
        for method in decision.methods
    ]
    return {
        "outcome": decision.outcome.value,
        "reasons": list(decision.reasons),
        # few, and nothing in them is one person's
        "methods": orjson.Fragment(orjson.dumps(methods, option=orjson.OPT_SORT_KEYS)),
    }


def _centre(centre: CentreFinding) -> Json:
    return {
        "name": centre.centre,
        "protocol": centre.number,
        "held_at": centre.held_at,
        "signed_on": centre.signed_on.isoformat() if centre.signed_on else None,
        "attended": centre.attended,
        "document": centre.document.value if centre.document else None,
        "conditions": centre.conditions,
    }


def _sitting(sitting: Sat, evidence: SittingEvidence, people: dict[str, str]) -> Json:
    return {
        "id": sitting.id,
        "attempt": sitting.attempt,
        "started_at": sitting.started_at,
        "identified_via": evidence.identified_via,
        "identity": _identity(evidence),
        "keystroke": _keystroke(evidence),
        "recording": recording_json(evidence),
        "incidents": [_incident(incident) for incident in evidence.incidents],
        "verdicts": _verdicts(evidence, people) if evidence.verdicts else (),
        "models": evidence.model_ids,
    }


def _incident(incident: IncidentEvidence) -> Json:
    return {
        "kind": incident.kind,
        "start": _seconds(incident.start_s),
        "end": _seconds(incident.end_s),
        "decision": incident.decision.value if incident.decision else None,
    }


def _verdicts(evidence: SittingEvidence, people: dict[str, str]) -> list[Json]:
    kinds = {incident.id: incident.kind for incident in evidence.incidents}
    return [
        {
            "incident": kinds[verdict.incident_id] if verdict.incident_id else None,
            "decision": verdict.decision.value,
            "reason": verdict.reason,
            "by": people[verdict.reviewer_id],
            "at": verdict.at,
        }
        for verdict in evidence.verdicts
    ]


def _identity(evidence: SittingEvidence) -> Json | None:
    if evidence.face is None:
        return None
    return {
        "matched_frames": evidence.face.matched,
        "non_matched_frames": evidence.face.non_matched,
        "not_assessed": evidence.face.not_assessed,
    }


def _keystroke(evidence: SittingEvidence) -> Json | None:
    if evidence.keystroke is None:
        return None
    measured = evidence.keystroke.measured
    return {
        "result": evidence.keystroke.result.value,
        "reason": evidence.keystroke.reason,
        "score": _seconds(evidence.keystroke.score),
        "n_keys": evidence.keystroke.n_keys,
        "measured": {name: _seconds(value) for name, value in asdict(measured).items()}
        if measured
        else None,
    }


def _seconds(value: float | None) -> float | None:
    """To three decimals, so that the text does not carry the noise of a float."""
    if value is None:
        return None
    rounded = round(value, 3)
    return int(rounded) if rounded.is_integer() else rounded
