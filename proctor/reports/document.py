"""The canonical JSON of an identity report, from which every other format is drawn."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from proctor.centres.protocols import CentreFinding
from proctor.exams.schemes import plain_number
from proctor.observations import Track
from proctor.reports.build import Design, IdentityReport, LearnerReport, Standing
from proctor.shares.calculator import Share, ShareRange
from proctor.shares.evidence import Sat, SittingEvidence
from proctor.shares.outcomes import EventOutcome, PlannedEvent
from proctor.shares.packs import PolicyPack

SCHEMA = "tanu.identity-report/1"

Json = dict[str, Any]

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
        "as_of": _instant(report.as_of),
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
    models: set[str] = set()
    standings = _Standings(report.pack)
    comma = b""
    for learner in report.learners:
        yield comma + _dumps(_learner(learner, report.people, standings, models))
        comma = b","
    document["models"] = sorted(models)
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
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


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
    return {
        "camera_seconds": _seconds(evidence.coverage[Track.CAMERA].recorded_s),
        "screen_seconds": _seconds(evidence.coverage[Track.SCREEN].recorded_s),
        "exam_seconds": _seconds(evidence.exam_s),
        "gaps": [
            {
                "track": gap.track.value,
                "start": _seconds(gap.start_s),
                "end": _seconds(gap.end_s),
                "cause": gap.cause,
            }
            for gap in evidence.gaps
        ],
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
        "opens_at": _instant(event.opens_at),
        "closes_at": _instant(event.closes_at),
    }


def _learner(
    learner: LearnerReport, people: dict[str, str], standings: "_Standings", models: set[str]
) -> Json:
    """``models``: those whose figures the report holds, added to."""
    for event in learner.outcomes:
        if event.evidence is not None:
            models.update(event.evidence.model_ids)
    return {
        "number": learner.number,
        "name": learner.name,
        **standings[learner.standing],
        "events": [
            _unsat(event) if event.sitting is None else _outcome(event, people)
            for event in learner.outcomes
        ],
    }


class _Standings(dict[Standing, Json]):
    """How learners stand as JSON, computed once for all who stand alike."""

    def __init__(self, pack: PolicyPack) -> None:
        self._pack = pack

    def __missing__(self, standing: Standing) -> Json:
        self[standing] = {
            "count": range_json(standing.count, self._pack),
            "weight": range_json(standing.weight, self._pack),
            "met": standing.met,
            "met_if_pending_verified": standing.met_if_pending_verified,
        }
        return self[standing]


@lru_cache(maxsize=4096)
def _unsat(event: EventOutcome) -> orjson.Fragment:
    """An event without a sitting, which most learners of a course share as one object."""
    return orjson.Fragment(_dumps(_outcome(event, {})))


def _outcome(event: EventOutcome, people: dict[str, str]) -> Json:
    decision, evidence = event.decision, event.evidence
    return {
        "code": event.event.code,
        "outcome": decision.outcome.value,
        "reasons": list(decision.reasons),
        "methods": [
            {
                "technology": method.technology.value,
                "result": method.result.value,
                "reason": method.reason,
            }
            for method in decision.methods
        ],
        "sitting": _sitting(event.sitting, evidence, people)
        if event.sitting and evidence
        else None,
        "centre": _centre(event.centre) if event.centre else None,
    }


def _centre(centre: CentreFinding) -> Json:
    return {
        "name": centre.centre,
        "protocol": centre.number,
        "held_at": _instant(centre.held_at),
        "signed_on": centre.signed_on.isoformat() if centre.signed_on else None,
        "attended": centre.attended,
        "document": centre.document.value if centre.document else None,
        "conditions": centre.conditions,
    }


def _sitting(sitting: Sat, evidence: SittingEvidence, people: dict[str, str]) -> Json:
    kinds = {incident.id: incident.kind for incident in evidence.incidents}
    return {
        "id": sitting.id,
        "attempt": sitting.attempt,
        "started_at": _instant(sitting.started_at) if sitting.started_at else None,
        "identified_via": evidence.identified_via,
        "identity": _identity(evidence),
        "keystroke": _keystroke(evidence),
        "recording": recording_json(evidence),
        "incidents": [
            {
                "kind": incident.kind,
                "start": _seconds(incident.start_s),
                "end": _seconds(incident.end_s),
                "decision": incident.decision.value if incident.decision else None,
            }
            for incident in evidence.incidents
        ],
        "verdicts": [
            {
                "incident": kinds[verdict.incident_id] if verdict.incident_id else None,
                "decision": verdict.decision.value,
                "reason": verdict.reason,
                "by": people[verdict.reviewer_id],
                "at": _instant(verdict.at),
            }
            for verdict in evidence.verdicts
        ],
        "models": list(evidence.model_ids),
    }


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
    return {
        "result": evidence.keystroke.result.value,
        "reason": evidence.keystroke.reason,
        "score": _seconds(evidence.keystroke.score),
        "n_keys": evidence.keystroke.n_keys,
    }


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _seconds(value: float | None) -> float | None:
    """To three decimals, so that the text does not carry the noise of a float."""
    if value is None:
        return None
    rounded = round(value, 3)
    return int(rounded) if rounded.is_integer() else rounded
