"""What a student says about their own sitting: answers to incidents, and appeals.

A sealed text enters; a person who decided nothing in this sitting rules on an appeal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import Conflict, NotFound, Refused
from proctor.incidents.builder import incidents_of
from proctor.people.notices import NoticeKind
from proctor.people.tables import Account
from proctor.review.looks import looks_of
from proctor.review.staff import tell_others
from proctor.review.tables import AppealRuling, Decision, Statement, Verdict
from proctor.review.verdicts import (
    ADVERSE,
    MAX_REASON,
    MIN_REASON,
    NoSuchIncident,
    NotLooked,
    OwnSitting,
    add_verdict,
    identity_standing,
    newest_by_incident,
    reason_of,
    tell_student,
    verdicts_of,
)
from proctor.sittings.tables import Sitting, SittingState
from proctor.vault import Vault

#: a student may answer this long after the exam, and appeal this long after a decision
OPEN_FOR = timedelta(days=10)
_MOST_ANSWERS = 5
SEAL = "statement"


class NoSuchAppeal(NotFound):
    """There is no such appeal in this sitting."""


class StatementClosed(Conflict):
    """The time to answer is over, or enough was said."""

    key = "error.statement_closed"


class NothingToAppeal(Conflict):
    """There is no decision to appeal against, or the appeal is made already."""

    key = "error.nothing_to_appeal"


class StatementLength(Refused):
    """A statement has 10 to 2000 characters."""

    key = "error.statement_length"


class DecidedBefore(Conflict):
    """Whoever decided in this sitting does not rule on an appeal against it."""

    key = "error.decided_before"


@dataclass(frozen=True, slots=True)
class Ruled:
    """What was ruled on an appeal, and why."""

    granted: bool
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """One statement, opened. ``incident_id``: None when it is about the identity."""

    id: str
    incident_id: str | None
    is_appeal: bool
    text: str
    at: datetime
    ruled: Ruled | None

    @property
    def waits(self) -> bool:
        return self.is_appeal and self.ruled is None


def said_of(tx: Session, vault: Vault, sitting: Sitting) -> list[Said]:
    """Everything the student said, in order of time."""
    query = select(Statement).where(Statement.sitting_id == sitting.id).order_by(Statement.at)
    rows = list(tx.scalars(query))
    rulings = _rulings(tx, [row.id for row in rows])
    return [
        Said(
            row.id,
            row.incident_id,
            row.is_appeal,
            vault.open(tx, sitting.account_id, SEAL, row.sealed).decode(),
            row.at,
            rulings.get(row.id),
        )
        for row in rows
    ]


def waiting_appeals(tx: Session, sitting_ids: Sequence[str]) -> set[str]:
    """Which of these sittings have an appeal nobody ruled on."""
    query = (
        select(Statement.sitting_id)
        .outerjoin(AppealRuling, AppealRuling.statement_id == Statement.id)
        .where(Statement.is_appeal, AppealRuling.statement_id.is_(None))
    )
    return set(tx.scalars(query)) & set(sitting_ids)


def may_answer(sitting: Sitting, now: datetime) -> bool:
    """Whether the student may still answer to incidents."""
    over = sitting.finished_at or sitting.created_at
    return sitting.state is SittingState.FINISHED and now <= over + OPEN_FOR


def appealable(
    verdicts: Sequence[Verdict], said: Iterable[Said | Statement], now: datetime
) -> dict[str | None, datetime]:
    """Decisions against the student that may be appealed, by incident (None: the identity),
    with the end of the time for it. Each decision is appealed once."""
    against: dict[str | None, datetime] = {
        incident_id: row.at
        for incident_id, row in newest_by_incident(verdicts).items()
        if row.decision is Decision.CONFIRMED
    }
    if identity_standing(verdicts).decision in ADVERSE:
        against[None] = max(row.at for row in verdicts if row.incident_id is None)
    newest = {each.incident_id: each.at for each in said if each.is_appeal}
    return {
        subject: at + OPEN_FOR
        for subject, at in against.items()
        if now <= at + OPEN_FOR and (subject not in newest or newest[subject] < at)
    }


def may_appeal(tx: Session, sitting: Sitting, now: datetime) -> bool:
    """Whether there is a decision the student may still appeal against."""
    said = tx.scalars(select(Statement).where(Statement.sitting_id == sitting.id))
    return bool(appealable(verdicts_of(tx, sitting.id), said, now))


def answer(
    tx: Session, vault: Vault, sitting: Sitting, incident_id: str, text: str, at: datetime
) -> None:
    """Keep what the student says about an incident. Raises StatementClosed."""
    if incident_id not in {row.id for row in incidents_of(tx, sitting.id)}:
        raise NoSuchIncident(incident=incident_id)
    mine = [each for each in said_of(tx, vault, sitting) if each.incident_id == incident_id]
    if not may_answer(sitting, at) or len(mine) >= _MOST_ANSWERS:
        raise StatementClosed(sitting=sitting.id)
    _keep(tx, vault, sitting, incident_id, text, at, is_appeal=False)


def appeal(
    tx: Session, vault: Vault, sitting: Sitting, incident_id: str | None, text: str, at: datetime
) -> None:
    """Ask for another person's decision. Raises NothingToAppeal."""
    said = said_of(tx, vault, sitting)
    if incident_id not in appealable(verdicts_of(tx, sitting.id), said, at):
        raise NothingToAppeal(sitting=sitting.id)
    _keep(tx, vault, sitting, incident_id, text, at, is_appeal=True)
    decided = {row.reviewer_id for row in verdicts_of(tx, sitting.id)}
    tell_others(tx, NoticeKind.APPEAL, sitting, decided, at)


def rule(
    tx: Session,
    reviewer: Account,
    sitting: Sitting,
    statement_id: str,
    *,
    granted: bool,
    reason: str,
    at: datetime,
) -> None:
    """Rule on an appeal; one that is granted replaces the decision in the student's favour."""
    statement = tx.get(Statement, statement_id)
    if statement is None or statement.sitting_id != sitting.id or not statement.is_appeal:
        raise NoSuchAppeal(statement=statement_id)
    if tx.get(AppealRuling, statement_id) is not None:
        raise NothingToAppeal(statement=statement_id)
    if reviewer.id == sitting.account_id:
        raise OwnSitting(sitting=sitting.id)
    if any(row.reviewer_id == reviewer.id for row in verdicts_of(tx, sitting.id)):
        raise DecidedBefore(sitting=sitting.id)
    if not looks_of(tx, reviewer.id, sitting.id).saw_anything:
        raise NotLooked(sitting=sitting.id)
    words = reason_of(reason)
    row = AppealRuling(
        statement_id=statement_id, reviewer_id=reviewer.id, granted=granted, reason=words, at=at
    )
    tx.add(row)
    payload = {"statement": statement_id, "reviewer": reviewer.id, "granted": granted}
    events.append(tx, sitting.id, "appeal_ruled", payload, at)
    if granted:
        favour = Decision.DISMISSED if statement.incident_id else Decision.VERIFIED
        add_verdict(tx, reviewer, sitting, statement.incident_id, favour, words, at)
    else:
        tell_student(tx, sitting, at)


def _keep(
    tx: Session,
    vault: Vault,
    sitting: Sitting,
    incident_id: str | None,
    text: str,
    at: datetime,
    *,
    is_appeal: bool,
) -> None:
    words = text.strip()
    if not MIN_REASON <= len(words) <= MAX_REASON:
        raise StatementLength(least=MIN_REASON, most=MAX_REASON)
    row = Statement(
        sitting_id=sitting.id,
        incident_id=incident_id,
        is_appeal=is_appeal,
        sealed=vault.seal(tx, sitting.account_id, SEAL, words.encode()),
        at=at,
    )
    tx.add(row)
    tx.flush()
    kind = "appeal_made" if is_appeal else "incident_answered"
    payload = {"statement": row.id, "incident": incident_id}
    events.append(tx, sitting.id, kind, payload, at)


def _rulings(tx: Session, ids: Sequence[str]) -> dict[str, Ruled]:
    rows = tx.scalars(select(AppealRuling).where(AppealRuling.statement_id.in_(ids)))
    return {row.statement_id: Ruled(row.granted, row.reason, row.at) for row in rows}
