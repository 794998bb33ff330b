"""The gate before an online course: its scheme and records enter, a publication leaves."""

from datetime import datetime
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import Conflict, Refused
from proctor.exams.dispensations import dispensations_of
from proctor.exams.schemes import events_of, newest_scheme
from proctor.exams.tables import AssessmentScheme, Course, CourseKind
from proctor.people.tables import Account
from proctor.shares.calculator import (
    Share,
    design_by_count,
    design_by_weight,
    share_met,
)
from proctor.shares.packs import PolicyPack, pack
from proctor.shares.planned import design_events
from proctor.shares.tables import Publication


class BelowShare(Refused):
    """The share of events with identification is below what the act asks for."""

    key = "error.below_share"


class NothingAssessed(Refused):
    """No event of the scheme forms the final assessment."""

    key = "error.nothing_assessed"


class NotReviewed(Refused):
    """The records of the expertise and of the pilot are missing."""

    key = "error.not_reviewed"


class AlreadyPublished(Conflict):
    """This version of the scheme is published, or the course is no online course."""

    key = "error.already_published"


def publish(
    tx: Session, course: Course, by: Account, at: datetime, *, expertise: str, pilot: str
) -> Publication:
    """Let the scheme in force onto the platform, as item 38(1) and item 37 allow.

    ``expertise``, ``pilot``: number and date of the records. Raises BelowShare with both shares
    and the threshold, NothingAssessed, NotReviewed, AlreadyPublished.
    """
    scheme = newest_scheme(tx, course.id)
    if scheme is None:
        raise NothingAssessed
    if course.kind is not CourseKind.MOOC or publication_of(tx, scheme):
        raise AlreadyPublished(course=course.id)
    if not (expertise.strip() and pilot.strip()):
        raise NotReviewed(course=course.id)
    rules = pack(course.policy_pack)
    count, weight = scheme_shares(tx, scheme, rules)
    require_share(count, weight, rules)
    row = Publication(
        scheme_id=scheme.id,
        at=at,
        by=by.id,
        expertise=expertise.strip(),
        pilot=pilot.strip(),
        shares={"pack": rules.name, "count": _fraction(count), "weight": _fraction(weight)},
    )
    tx.add(row)
    tx.flush()
    fact = {"by": by.id, "scheme_version": scheme.version, **row.shares}
    events.append(tx, f"course:{course.id}", "course_published", fact, at)
    return row


def require_share(count: Share, weight: Share, rules: PolicyPack) -> None:
    """Raises BelowShare or NothingAssessed unless a scheme may be published under *rules*."""
    met = share_met(count, weight, rules)
    if met is None:
        raise NothingAssessed
    if not met:
        raise BelowShare(
            count=count.percent_floored or "–",
            weight=weight.percent_floored or "–",
            needed=Share(rules.threshold, Fraction(1)).percent_floored or "",
        )


def scheme_shares(tx: Session, scheme: AssessmentScheme, rules: PolicyPack) -> tuple[Share, Share]:
    """Shares of a scheme by design: by count, by weight."""
    cancelled = dispensations_of(tx, scheme.course_id).cancelled
    rows = design_events(events_of(tx, scheme.id), rules, cancelled)
    return design_by_count(rows, rules), design_by_weight(rows)


def publication_of(tx: Session, scheme: AssessmentScheme) -> Publication | None:
    """The publication of this version of a scheme, if it passed the gate."""
    return tx.scalars(select(Publication).where(Publication.scheme_id == scheme.id)).one_or_none()


def _fraction(share: Share) -> list[int]:
    return list(share.integers)
