"""What is held of one student and their sittings, as plain JSON for them.

Samples are named and not given out: a template is of use to nobody but an impostor. Of a sitting
that has not ended there is its state alone. Of a chain, what a student is not told is left out, and
only bodies that name nobody of the staff are given. Decisions about
courses (admission, accommodations, on-site exams, certificates) are not in it.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.analysis import keys
from proctor.clock import written
from proctor.exams.schemes import course_of
from proctor.exams.tables import AssessmentEvent
from proctor.identity.tables import Reference
from proctor.people import consents
from proctor.people.tables import Account
from proctor.retention.facts import standing_of, standing_of_reference
from proctor.retention.tables import Erasure
from proctor.review import statements
from proctor.review.dossier import Dossier, Ruling, checks_of, dossier
from proctor.review.verdicts import ENDED
from proctor.sittings import interventions
from proctor.sittings.desk import SEAL
from proctor.sittings.tables import Answer, Sitting
from proctor.vault import Vault

SCHEMA = "tanu.personal-data/1"
# kinds of events whose bodies name nobody of the staff
_BODIES = frozenset({
    "answer_saved", "appeal_made", "consent_answered", "consent_withdrawn", "dropped",
    "enrolment_begun", "erasure_asked", "erasure_done", "erasure_withdrawn", "evidence_expired",
    "incident_answered", "media_connected", "not_assessed", "observation", "reference_expired",
    "seconds_unaccounted", "sitting_finished", "sitting_opened", "sitting_started",
    "sitting_taken_over",
})  # fmt: skip

Json = dict[str, Any]


def held_of(tx: Session, vault: Vault, student: Account, now: datetime) -> Json:
    """What is held of *student* at *now*; times in UTC, media times in seconds of the exam."""
    mine = select(Sitting).where(Sitting.account_id == student.id).order_by(Sitting.created_at)
    return {
        "schema": SCHEMA,
        "as_of": _at(now),
        "account": {
            "name": student.name,
            "email": student.email,
            "number": student.learner_number,
            "language": student.locale,
        },
        "consents": {
            purpose.value: given
            for purpose, given in consents.current(tx, vault, student.id).items()
        },
        "samples": _samples(tx, student, now),
        "erasures": _erasures(tx, student),
        "sittings": [_sitting(tx, vault, each, now) for each in tx.scalars(mine).all()],
        "events": _chain(tx, f"account:{student.id}"),
    }


def _samples(tx: Session, student: Account, now: datetime) -> list[Json]:
    query = select(Reference).where(Reference.account_id == student.id)
    return [
        {
            "modality": row.modality.value,
            "model": row.model_id,
            "state": row.state.value,
            "samples": row.samples,
            "made_at": _at(row.created_at),
            "kept_until": _at(standing_of_reference(tx, row, now).due_at),
        }
        for row in tx.scalars(query.order_by(Reference.created_at)).all()
    ]


def _measured(tx: Session, vault: Vault, sitting: Sitting) -> Json | None:
    """The measurements of typing that Order 137 names, item 38(1)a."""
    n_keys, found = keys.measured(tx, vault, sitting)
    return {"keys": n_keys, **found.as_json()} if n_keys else None


def _erasures(tx: Session, student: Account) -> list[Json]:
    query = select(Erasure).where(Erasure.account_id == student.id)
    return [
        {
            "asked_at": _at(row.asked_at),
            "withdrawn_at": _at(row.withdrawn_at),
            "refused_at": _at(row.refused_at),
            "refused_because": row.refusal,
            "done_at": _at(row.done_at),
        }
        for row in tx.scalars(query.order_by(Erasure.asked_at)).all()
    ]


def _sitting(tx: Session, vault: Vault, sitting: Sitting, now: datetime) -> Json:
    event = tx.get_one(AssessmentEvent, sitting.event_id)
    told: Json = {
        "id": sitting.id,
        "course": course_of(tx, event).title,
        "exam": event.title,
        "attempt": sitting.attempt,
        "state": sitting.state.value,
    }
    if sitting.state not in ENDED or sitting.paused_at is not None:
        return told
    files = dossier(tx, sitting.id)
    return told | {
        "started_at": _at(sitting.started_at),
        "finished_at": _at(sitting.finished_at),
        "recordings": _recordings(files),
        "erased_at": _at(files.expiry.at if files.expiry else None),
        "erased_on_request": files.expiry.on_request if files.expiry else None,
        "kept_until": None if files.expiry else _at(standing_of(tx, sitting, now).due_at),
        "comparisons": [
            {
                "at_s": each.at_s,
                "modality": each.modality.value,
                "result": each.result.value,
                "log_likelihood_ratio": each.llr,
                "model": each.model_id,
            }
            for each in checks_of(tx, sitting.id)
        ],
        "typing": _measured(tx, vault, sitting),
        "incidents": [
            {
                "kind": found.row.kind,
                "start_s": found.row.start_s,
                "end_s": found.row.end_s,
                "evidence": found.row.evidence,
                "decisions": [_ruling(each) for each in found.rulings],
            }
            for found in files.incidents
        ],
        "identity_decisions": [_ruling(each) for each in files.identity],
        "answers": _answers(tx, vault, sitting),
        "statements": [
            {"at": _at(each.at), "is_appeal": each.is_appeal, "text": each.text}
            for each in statements.said_of(tx, vault, sitting)
        ],
        "messages": [
            {"at": _at(each.at), "act": each.act.value, "phrase": each.phrase, "words": each.words}
            for each in interventions.said_in(tx, vault, sitting)
            if each.is_told
        ],
        "views": [
            {"at": _at(each.at), "role": each.role.value, "what": each.what} for each in files.views
        ],
        "events": _chain(tx, sitting.id),
    }


def _recordings(files: Dossier) -> list[Json]:
    return [
        {
            "track": row.track.value,
            "starts_s": row.starts_s,
            "recorded_s": row.recorded_s,
            "bytes": row.bytes,
            "sha256": row.sha256,
        }
        for row in files.recordings
    ]


def _answers(tx: Session, vault: Vault, sitting: Sitting) -> list[Json]:
    rows = tx.scalars(select(Answer).where(Answer.sitting_id == sitting.id)).all()
    return [
        {
            "question": row.question_id,
            "saved_at": _at(row.saved_at),
            "text": vault.open(tx, sitting.account_id, SEAL, row.sealed).decode(),
        }
        for row in rows
    ]


def _ruling(given: Ruling) -> Json:
    return {"decision": given.decision.value, "reason": given.reason, "at": _at(given.at)}


def _chain(tx: Session, stream: str) -> list[Json]:
    written = events.read(tx, stream)
    holds_set = {each.payload["hold"] for each in written if each.kind == "hold_set"}
    return [
        {
            "seq": each.seq,
            "kind": each.kind,
            "at": _at(each.at),
            "body": each.payload if each.kind in _BODIES else None,
            "hash": each.hash.hex(),
        }
        for each in written
        if _is_told(each, holds_set)
    ]


def _is_told(each: events.Event, holds_set: Collection[str]) -> bool:
    if each.kind == "intervention":
        return each.payload["act"] in interventions.TOLD
    # nobody is told of a hold before a second person set it
    return not each.kind.startswith("hold_") or each.payload["hold"] in holds_set


def _at(at: datetime | None) -> str | None:
    return written(at) if at else None
