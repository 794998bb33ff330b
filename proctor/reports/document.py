"""The canonical JSON of an identity report, from which every other format is drawn."""

import hashlib
import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from proctor.centres.protocols import CentreFinding
from proctor.exams.schemes import plain_number
from proctor.observations import Track
from proctor.reports.build import Design, IdentityReport, LearnerReport, PlannedEvent
from proctor.shares.calculator import Share, ShareRange
from proctor.shares.evidence import SittingEvidence
from proctor.shares.outcomes import EventOutcome
from proctor.shares.packs import PolicyPack

SCHEMA = "tanu.identity-report/1"

Json = dict[str, Any]


def as_json(report: IdentityReport) -> Json:
    """*report* as plain JSON values: times in UTC, media times in seconds of the exam."""
    return {
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
        "learners": [_learner(learner, report) for learner in report.learners],
        "models": list(report.model_ids),
        "limits": list(report.limits),
    }


def canonical(document: Json) -> str:
    """*document* as one text that is the same wherever it is written (RFC 8785).

    Our documents have ASCII keys, and numbers that Python and ECMAScript write alike: whole ones
    as integers, others with three decimals. For those the standard encoder, many times faster on
    a term of learners, writes what RFC 8785 asks for.
    """
    return json.dumps(
        document, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )


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


def _learner(learner: LearnerReport, report: IdentityReport) -> Json:
    return {
        "number": learner.number,
        "name": learner.name,
        "count": range_json(learner.count, report.pack),
        "weight": range_json(learner.weight, report.pack),
        "met": learner.met,
        "met_if_pending_verified": learner.met_if_pending_verified,
        "events": [_outcome(event, report.people) for event in learner.outcomes],
    }


def _outcome(event: EventOutcome, people: dict[str, str]) -> Json:
    decision, evidence = event.decision, event.evidence
    return {
        "code": event.code,
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
        "sitting": _sitting(event, evidence, people) if evidence else None,
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


def _sitting(event: EventOutcome, evidence: SittingEvidence, people: dict[str, str]) -> Json:
    kinds = {incident.id: incident.kind for incident in evidence.incidents}
    return {
        "id": event.sitting_id,
        "attempt": event.attempt,
        "started_at": _instant(event.started_at) if event.started_at else None,
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
