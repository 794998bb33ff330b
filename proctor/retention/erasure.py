"""Erasure of a student's samples and recordings when they ask for it.

Asked for → confirmed by the office, if nothing is open: the key is destroyed and what has to stay
is sealed under another → files unlinked → receipt. Decisions, outcomes and chains stay. Or refused
with a reason; when the student asks again, the same person does not refuse it again.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import rfc8785
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from proctor import events
from proctor.analysis import keys
from proctor.clock import written
from proctor.errors import Conflict, NotFound
from proctor.exams.schemes import versions_of
from proctor.exams.tables import AssessmentEvent
from proctor.identity.tables import Reference, SentenceSample
from proctor.people import consents
from proctor.people.notices import About, NoticeKind, tell
from proctor.people.tables import Account, Consent, Institution
from proctor.plumbing.db import hold
from proctor.retention.facts import standings, with_evidence
from proctor.retention.holds import on_hold
from proctor.retention.rules import HOLDS, Why
from proctor.retention.tables import Erasure
from proctor.retention.terms import terms_of
from proctor.review import statements
from proctor.review.tables import Statement
from proctor.review.verdicts import reason_of
from proctor.sittings import desk, interventions
from proctor.sittings.repairs import window_of
from proctor.sittings.tables import Answer, Expiry, Intervention, Sitting, SittingState
from proctor.vault import Vault

SCHEMA = "tanu.erasure-receipt/1"
#: what is not erased, in the words of ``erasure.stays.<name>``
STAYS = ("account", "decisions", "chain", "answers", "consents", "statements", "reports")


class NoSuchErasure(NotFound):
    """There is no such request."""


class ErasureAsked(Conflict):
    """There is a request already, or none that could be taken back."""

    key = "error.erasure_asked"


class ErasureHeld(Conflict):
    """Something about the person is open, or a legal hold is in force."""

    key = "error.erasure_held"


class OtherPersonAnswers(Conflict):
    """Who refused the request before does not refuse it again."""

    key = "error.erasure_refused_before"


def newest_of(tx: Session, account_id: str) -> Erasure | None:
    """The newest request of a student that was not taken back."""
    query = select(Erasure).where(Erasure.account_id == account_id, Erasure.withdrawn_at.is_(None))
    return tx.scalars(query.order_by(Erasure.asked_at.desc())).first()


def waiting(tx: Session, institution_id: str) -> list[tuple[Erasure, Account]]:
    """Requests of an institution that nobody confirmed yet, the oldest first."""
    query = (
        select(Erasure, Account)
        .join(Account, Account.id == Erasure.account_id)
        .where(
            Account.institution_id == institution_id,
            Erasure.withdrawn_at.is_(None),
            Erasure.confirmed_at.is_(None),
            Erasure.refused_at.is_(None),
        )
    )
    return [(row, student) for row, student in tx.execute(query.order_by(Erasure.asked_at))]


def ask(tx: Session, student: Account, at: datetime) -> Erasure:
    """Ask for one's samples and recordings to be erased. Raises ErasureAsked."""
    hold(tx, _stream(student.id))
    newest = newest_of(tx, student.id)
    if newest is not None and newest.is_open:
        raise ErasureAsked
    row = Erasure(account_id=student.id, asked_at=at, receipt={})
    tx.add(row)
    tx.flush()
    events.append(tx, _stream(student.id), "erasure_asked", {"erasure": row.id}, at)
    return row


def withdraw(tx: Session, student: Account, at: datetime) -> None:
    """Take one's request back before it is confirmed. Raises ErasureAsked."""
    hold(tx, _stream(student.id))
    newest = newest_of(tx, student.id)
    if newest is None or newest.confirmed_at or newest.refused_at:
        raise ErasureAsked
    newest.withdrawn_at = at
    events.append(tx, _stream(student.id), "erasure_withdrawn", {"erasure": newest.id}, at)


def refuse(tx: Session, by: Account, erasure_id: str, reason: str, at: datetime) -> None:
    """Refuse a request, with a reason the student reads. Raises OtherPersonAnswers, ErasureAsked,
    ReasonMissing."""
    row, student = _request(tx, by, erasure_id)
    hold(tx, _stream(student.id))
    # what was read before may be over
    tx.refresh(row)
    if row.confirmed_at or not row.is_open:
        raise ErasureAsked
    if by.id == _refused_before(tx, row):
        raise OtherPersonAnswers
    row.refused_by, row.refused_at, row.refusal = by.id, at, reason_of(reason)
    fact = {"erasure": row.id, "by": by.id}
    events.append(tx, _stream(student.id), "erasure_refused", fact, at)
    tell(tx, NoticeKind.ERASURE, About(student.id), at)


def held_by(tx: Session, student: Account, now: datetime) -> frozenset[Why]:
    """What keeps a student's data from being erased at *now*."""
    sat = list(tx.scalars(select(Sitting).where(Sitting.account_id == student.id)))
    found = {Why.UNDER_WAY} if any(_can_go_on(tx, each, now) for each in sat) else set()
    if any(statements.may_appeal(tx, each, now) for each in sat):
        found.add(Why.APPEALABLE)
    if on_hold(tx, {student.id}, now):
        found.add(Why.LEGAL_HOLD)
    kept = list(tx.scalars(with_evidence().where(Sitting.account_id == student.id)))
    for each in standings(tx, kept, terms_of(tx, student.institution_id), now):
        found |= each.facts.holds & HOLDS
    return frozenset(found)


def confirm(tx: Session, vault: Vault, by: Account, erasure_id: str, at: datetime) -> None:
    """Destroy the key and the samples, and show the recordings to nobody any more; their files
    go next. Raises ErasureHeld, ErasureAsked."""
    row, student = _request(tx, by, erasure_id)
    if held_by(tx, student, at):
        raise ErasureHeld
    # who appeals, decides, sets a hold or seals something now is waited for
    vault.hold(tx, student.id)
    hold(tx, _stream(student.id))
    of_person = select(Sitting.id).where(Sitting.account_id == student.id)
    sittings = tx.scalars(of_person.order_by(Sitting.id)).all()
    for sitting_id in sittings:
        hold(tx, sitting_id)
    # what was read before may be over
    tx.expire_all()
    if row.confirmed_at or not row.is_open:
        raise ErasureAsked
    if held_by(tx, student, at):
        raise ErasureHeld
    kept = list(tx.scalars(with_evidence().where(Sitting.account_id == student.id)))
    row.receipt = {
        "samples": _erase_samples(tx, student.id),
        "typing": keys.erase(tx, sittings),
        "sittings": [each.id for each in kept],
    }
    tx.add_all(Expiry(sitting_id=each.id, on_request=True, due_at=at, at=at) for each in kept)
    anew = vault.renew(tx, student.id, at)
    for purpose, sealed in _staying(tx, student.id):
        assert sealed.sealed is not None, "what has no words is left out"
        sealed.sealed = anew(purpose, sealed.sealed)
    row.confirmed_by, row.confirmed_at = by.id, at
    fact = {"erasure": row.id, "by": by.id, **row.receipt}
    events.append(tx, _stream(student.id), "key_destroyed", fact, at)


def ready_to_complete(tx: Session) -> list[str]:
    """Confirmed erasures whose last file is gone and that have no receipt, in order to be held."""
    unfinished = select(Erasure).where(Erasure.confirmed_at.is_not(None), Erasure.done_at.is_(None))
    going = set(tx.scalars(select(Expiry.sitting_id).where(Expiry.done_at.is_(None))))
    rows = tx.scalars(unfinished.order_by(Erasure.account_id))
    return [row.id for row in rows if going.isdisjoint(row.receipt["sittings"])]


def complete(tx: Session, erasure_ids: Iterable[str], now: datetime) -> None:
    """Write the receipts of erasures of which nothing is left."""
    for erasure_id in erasure_ids:
        row = tx.get_one(Erasure, erasure_id)
        hold(tx, _stream(row.account_id))
        tx.refresh(row)
        if row.done_at is not None:
            continue
        row.done_at = now
        row.receipt = _receipt(tx, row)
        sha256 = hashlib.sha256(receipt_bytes(row)).hexdigest()
        fact = {"erasure": row.id, "receipt": sha256}
        events.append(tx, _stream(row.account_id), "erasure_done", fact, now)
        tell(tx, NoticeKind.ERASURE, About(row.account_id), now)


def receipt_bytes(row: Erasure) -> bytes:
    """The receipt as a file; its SHA-256 stands in the chain of the person."""
    return rfc8785.dumps(row.receipt)


def _request(tx: Session, by: Account, erasure_id: str) -> tuple[Erasure, Account]:
    """A request of a student of *by*'s institution. Raises NoSuchErasure."""
    row = tx.get(Erasure, erasure_id)
    student = tx.get_one(Account, row.account_id) if row else None
    if row is None or student is None or student.institution_id != by.institution_id:
        raise NoSuchErasure
    return row, student


def _refused_before(tx: Session, row: Erasure) -> str | None:
    """Who refused the request of this student before *row*."""
    mine = select(Erasure.refused_by).where(
        Erasure.account_id == row.account_id, Erasure.refused_at.is_not(None)
    )
    return tx.scalars(mine.order_by(Erasure.refused_at.desc()).limit(1)).first()


def _receipt(tx: Session, row: Erasure) -> dict[str, Any]:
    student = tx.get_one(Account, row.account_id)
    assert row.confirmed_at is not None, "only what was confirmed is completed"
    assert row.done_at is not None, "set before"
    return {
        "schema": SCHEMA,
        "institution": tx.get_one(Institution, student.institution_id).name,
        "learner": {"name": student.name, "number": student.learner_number},
        "asked_at": written(row.asked_at),
        "key_destroyed_at": written(row.confirmed_at),
        "done_at": written(row.done_at),
        "erased": {
            "samples": row.receipt["samples"],
            "typing_in_exams": row.receipt["typing"],
            "sittings": [_of_sitting(tx, each) for each in row.receipt["sittings"]],
        },
        "stays": list(STAYS),
    }


def _of_sitting(tx: Session, sitting_id: str) -> dict[str, Any]:
    sitting = tx.get_one(Sitting, sitting_id)
    told = events.read(tx, sitting_id, "evidence_expired")[-1].payload
    return {
        "id": sitting_id,
        "exam": tx.get_one(AssessmentEvent, sitting.event_id).title,
        "files": told["files"],
    }


def _can_go_on(tx: Session, sitting: Sitting, now: datetime) -> bool:
    """Whether more may be recorded in it."""
    if sitting.state is SittingState.SUSPENDED:
        return sitting.paused_at is not None
    if sitting.state not in (SittingState.CREATED, SittingState.CHECKING):
        return sitting.state is SittingState.RUNNING
    if window := window_of(tx, sitting.id):
        return now < window.closes_at
    held = AssessmentEvent.id.in_(versions_of(sitting.event_id))
    return now < tx.scalars(select(func.max(AssessmentEvent.closes_at)).where(held)).one()


def _erase_samples(tx: Session, account_id: str) -> list[dict[str, str]]:
    """Erase what was enrolled; what that was."""
    rows = list(tx.scalars(select(Reference).where(Reference.account_id == account_id)))
    ids = [row.id for row in rows]
    tx.execute(delete(SentenceSample).where(SentenceSample.reference_id.in_(ids)))
    tx.execute(delete(Reference).where(Reference.id.in_(ids)))
    return [
        {
            "id": row.id,
            "modality": row.modality.value,
            "made_at": written(row.created_at),
        }
        for row in rows
    ]


def _staying(
    tx: Session, account_id: str
) -> Iterator[tuple[str, Consent | Statement | Answer | Intervention]]:
    """What was sealed by the person's key and is sealed anew, with its purpose."""
    sittings = select(Sitting.id).where(Sitting.account_id == account_id)
    for row in tx.scalars(select(Consent).where(Consent.account_id == account_id)):
        yield consents.SEAL, row
    for said in tx.scalars(select(Statement).where(Statement.sitting_id.in_(sittings))):
        yield statements.SEAL, said
    for answer in tx.scalars(select(Answer).where(Answer.sitting_id.in_(sittings))):
        yield desk.SEAL, answer
    acts = select(Intervention).where(Intervention.sitting_id.in_(sittings))
    for act in tx.scalars(acts.where(Intervention.sealed.is_not(None))):
        yield interventions.SEAL, act


def _stream(account_id: str) -> str:
    return f"account:{account_id}"
