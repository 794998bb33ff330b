"""The register of certificates: whether each is valid, and what people ruled afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proctor import events
from proctor.exams.tables import AssessmentEvent, AssessmentScheme, Course
from proctor.people.tables import Account, Role
from proctor.reports.build import learner_report
from proctor.reports.certificates import CertificateNotFound, certificate_for, document_of
from proctor.reports.tables import Certificate, CertificateRuling, CertificateStatus
from proctor.review.tables import Verdict
from proctor.shares.outcomes import course_outcomes
from proctor.shares.packs import pack
from proctor.sittings.tables import Sitting

_RULERS = (Role.EXAM_OFFICE, Role.ADMIN)


def rule(
    tx: Session,
    certificate_id: str,
    status: CertificateStatus,
    reason: str,
    by: Account,
    now: datetime,
) -> CertificateStatus:
    """Put a certificate under review, revoke it or restore it, with the reason.

    The status it then has: a second person has to revoke it too. Raises CertificateNotFound, also
    for one of another institution.
    """
    row = certificate_for(tx, by, certificate_id)
    if by.role not in _RULERS:
        raise CertificateNotFound
    ruling = CertificateRuling(
        certificate_id=row.id, status=status, reason=reason, by=by.id, at=now
    )
    tx.add(ruling)
    tx.flush()
    fact = {"certificate": row.id, "status": status.value, "by": by.id}
    events.append(tx, f"course:{row.course_id}", "certificate_ruled", fact, now)
    return status_of(tx, row, now)


def status_of(tx: Session, row: Certificate, now: datetime) -> CertificateStatus:
    """What people ruled; without a ruling, or when somebody decided about a sitting after it was
    restored, valid, but under review when the share that it rests on is no longer met."""
    return _statuses(tx, [row], _rulings(tx, [row]), now)[row.id]


@dataclass(frozen=True, slots=True)
class Ruling:
    """One decision on a certificate; ``by`` is a name, None in those of before it was asked for."""

    status: CertificateStatus
    reason: str
    by: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the register. ``rulings``: oldest first."""

    row: Certificate
    holder: Account
    status: CertificateStatus
    rulings: tuple[Ruling, ...]

    @property
    def revoked_by_one(self) -> bool:
        """Whether one person revoked it, and a second has to."""
        newest = self.rulings[-1].status if self.rulings else None
        return newest is CertificateStatus.REVOKED is not self.status


def register(
    tx: Session, course: Course, now: datetime, *, offset: int, limit: int
) -> tuple[int, list[Entry]]:
    """How many certificates of *course* there are, and some of them, newest first."""
    query = select(Certificate).where(Certificate.course_id == course.id)
    total = tx.scalar(select(func.count()).select_from(query.subquery())) or 0
    newest = query.order_by(Certificate.number.desc()).offset(offset).limit(limit)
    rows = list(tx.scalars(newest))
    rulings = _rulings(tx, rows)
    statuses = _statuses(tx, rows, rulings, now)
    people = {row.by for of_one in rulings.values() for row in of_one}
    people |= {row.account_id for row in rows}
    accounts = {one.id: one for one in tx.scalars(select(Account).where(Account.id.in_(people)))}
    return total, [
        Entry(
            row,
            accounts[row.account_id],
            statuses[row.id],
            tuple(
                Ruling(
                    each.status, each.reason, accounts[each.by].name if each.by else None, each.at
                )
                for each in reversed(rulings.get(row.id, []))
            ),
        )
        for row in rows
    ]


def _rulings(tx: Session, rows: Sequence[Certificate]) -> dict[str, list[CertificateRuling]]:
    """Newest first, by id of the certificate."""
    query = select(CertificateRuling).where(
        CertificateRuling.certificate_id.in_([row.id for row in rows])
    )
    found: dict[str, list[CertificateRuling]] = {}
    for ruling in tx.scalars(query.order_by(CertificateRuling.at.desc())):
        found.setdefault(ruling.certificate_id, []).append(ruling)
    return found


def _statuses(
    tx: Session,
    rows: Sequence[Certificate],
    rulings: Mapping[str, Sequence[CertificateRuling]],
    now: datetime,
) -> dict[str, CertificateStatus]:
    statuses = {
        row.id: _ruled(rulings[row.id]) if row.id in rulings else CertificateStatus.VALID
        for row in rows
    }
    by_share: dict[str, list[Certificate]] = {}
    for row in rows:
        rests = statuses[row.id] is CertificateStatus.VALID
        if not rests or not document_of(row)["identity"]["required"]:
            continue
        # restored by a person: until somebody decides about a sitting again
        if row.id not in rulings or _decided_since(tx, row, rulings[row.id][0].at):
            by_share.setdefault(row.course_id, []).append(row)
    for course_id, resting in by_share.items():
        course = tx.get_one(Course, course_id)
        holders = [tx.get_one(Account, row.account_id) for row in resting]
        outcomes, rules = course_outcomes(tx, course, holders, now), pack(course.policy_pack)
        for row, holder in zip(resting, holders, strict=True):
            if not learner_report(holder, outcomes[holder.id], rules).met:
                statuses[row.id] = CertificateStatus.UNDER_REVIEW
    return statuses


def _decided_since(tx: Session, row: Certificate, at: datetime) -> bool:
    """Whether somebody decided about a sitting of the holder in the course after *at*."""
    query = (
        select(func.max(Verdict.at))
        .join(Sitting, Sitting.id == Verdict.sitting_id)
        .join(AssessmentEvent, AssessmentEvent.id == Sitting.event_id)
        .join(AssessmentScheme, AssessmentScheme.id == AssessmentEvent.scheme_id)
        .where(Sitting.account_id == row.account_id, AssessmentScheme.course_id == row.course_id)
    )
    newest = tx.scalar(query)
    return newest is not None and newest > at


def _ruled(rulings: Sequence[CertificateRuling]) -> CertificateStatus:
    """What *rulings*, newest first, come to: one person alone revokes nothing."""
    revoking = list(takewhile(lambda each: each.status is CertificateStatus.REVOKED, rulings))
    if not revoking:
        return rulings[0].status
    people = {each.by for each in revoking}
    # rulings of before people were named stand
    stands = len(people) > 1 or None in people
    return CertificateStatus.REVOKED if stands else CertificateStatus.UNDER_REVIEW
