"""Whose sittings a proctor or reviewer may see, and which of them wait for a decision."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, exists, false, or_, select, true
from sqlalchemy.orm import Session

from proctor.errors import NotFound
from proctor.exams.tables import (
    AssessmentEvent,
    AssessmentScheme,
    Course,
    CourseStaff,
    StaffRole,
)
from proctor.incidents.kinds import IDENTITY_KINDS, Severity
from proctor.incidents.tables import ClipRow, IncidentRow
from proctor.media.tables import Recording
from proctor.people.tables import Account, Role
from proctor.review.precision import Precision, precision_of
from proctor.review.statements import waiting_appeals
from proctor.review.tables import Decision, Verdict
from proctor.review.verdicts import identity_standing, newest_by_incident
from proctor.sittings.tables import Sitting, SittingState

_REVIEWING = (StaffRole.PROCTOR, StaffRole.REVIEWER)
_WEIGHTS = {Severity.ATTENTION: 3.0, Severity.INFO: 1.0}
_ROLES = frozenset({Role.PROCTOR, Role.REVIEWER})


class NotForYou(NotFound):
    """There is no such sitting among those you may review."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A sitting with what it is of: its event, course and learner."""

    sitting: Sitting
    event: AssessmentEvent
    course: Course
    learner: Account


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One sitting of the queue. ``undecided``: incidents without a verdict, ``about_identity`` of
    them. ``urgency``: their severity times how often people confirmed their kind here.
    ``identity``: the decision in force; ``proposed``: one that waits for a second person.
    """

    reviewed: Reviewed
    incidents: int
    undecided: int
    about_identity: int
    urgency: float
    identity: Decision | None
    proposed: Decision | None
    has_appeal: bool

    @property
    def needs_person(self) -> bool:
        return self.undecided > 0 or self.proposed is not None or self.has_appeal

    @property
    def place(self) -> tuple[bool, bool, float]:
        """Where it stands in the queue: lower comes first."""
        waits_for_one = self.has_appeal or self.proposed is not None
        return not waits_for_one, not self.about_identity, -self.urgency


def queue(tx: Session, account: Account) -> list[QueueItem]:
    """Sittings *account* may review: appeals and second decisions, then those with incidents
    about identity, then by urgency, the newest first among equals."""
    seen = _visible(account).order_by(Sitting.created_at.desc(), Sitting.id)
    rows = [
        Reviewed(sitting, event, course, learner)
        for sitting, event, course, learner in tx.execute(seen)
    ]
    # a subquery: a reviewer of many years has more sittings than a statement takes variables
    mine = _visible(account).with_only_columns(Sitting.id)
    incidents: defaultdict[str, list[IncidentRow]] = defaultdict(list)
    for incident in tx.scalars(select(IncidentRow).where(IncidentRow.sitting_id.in_(mine))):
        incidents[incident.sitting_id].append(incident)
    verdicts: defaultdict[str, list[Verdict]] = defaultdict(list)
    given = select(Verdict).where(Verdict.sitting_id.in_(mine)).order_by(Verdict.at)
    for verdict in tx.scalars(given):
        verdicts[verdict.sitting_id].append(verdict)
    rates = precision_of(tx, account.institution_id)
    appeals = waiting_appeals(tx, [row.sitting.id for row in rows])
    items = [
        _item(row, incidents[row.sitting.id], verdicts[row.sitting.id], rates, appeals)
        for row in rows
    ]
    return sorted(items, key=lambda item: item.place)


def under_way(tx: Session, account: Account, now: datetime) -> list[Reviewed]:
    """Sittings *account* may review that have not ended, of exams that are not long past."""
    query = _visible(account).where(
        Sitting.state != SittingState.FINISHED,
        or_(AssessmentEvent.closes_at > now, Sitting.state != SittingState.CHECKING),
    )
    return [Reviewed(*row) for row in tx.execute(query.order_by(Sitting.created_at, Sitting.id))]


def sitting_for(tx: Session, account: Account, sitting_id: str) -> Reviewed:
    """The sitting, when *account* may review it. Raises NotForYou otherwise."""
    row = tx.execute(_visible(account).where(Sitting.id == sitting_id)).one_or_none()
    if row is None:
        raise NotForYou(sitting=sitting_id)
    sitting, event, course, learner = row
    return Reviewed(sitting, event, course, learner)


def recording_for(tx: Session, account: Account, recording_id: str) -> Recording:
    """A recording of a sitting *account* may review. Raises NotForYou otherwise."""
    recording = tx.get(Recording, recording_id)
    if recording is None:
        raise NotForYou(recording=recording_id)
    sitting_for(tx, account, recording.sitting_id)
    return recording


def clip_for(tx: Session, account: Account, clip_id: str) -> tuple[ClipRow, str]:
    """A clip of a sitting *account* may review, with that sitting's id. Raises NotForYou."""
    clip = tx.get(ClipRow, clip_id)
    if clip is None:
        raise NotForYou(clip=clip_id)
    incident = tx.get_one(IncidentRow, clip.incident_id)
    sitting_for(tx, account, incident.sitting_id)
    return clip, incident.sitting_id


def _visible(
    account: Account,
) -> Select[Sitting, AssessmentEvent, Course, Account]:
    """Begun sittings of assigned courses, none of one's own, none of a course one teaches."""
    assigned = select(CourseStaff.course_id).where(
        CourseStaff.account_id == account.id, CourseStaff.role.in_(_REVIEWING)
    )
    teaches = exists().where(
        CourseStaff.course_id == Course.id,
        CourseStaff.account_id == account.id,
        CourseStaff.role == StaffRole.TEACHER,
    )
    query = (
        select(Sitting, AssessmentEvent, Course, Account)
        .join(AssessmentEvent, AssessmentEvent.id == Sitting.event_id)
        .join(AssessmentScheme, AssessmentScheme.id == AssessmentEvent.scheme_id)
        .join(Course, Course.id == AssessmentScheme.course_id)
        .join(Account, Account.id == Sitting.account_id)
    )
    return query.where(
        true() if account.role in _ROLES else false(),
        Course.institution_id == account.institution_id,
        Course.id.in_(assigned),
        ~teaches,
        Sitting.account_id != account.id,
        Sitting.state != SittingState.CREATED,
    )


def _item(
    reviewed: Reviewed,
    incidents: Sequence[IncidentRow],
    verdicts: Sequence[Verdict],
    rates: Mapping[str, Precision],
    appeals: Collection[str],
) -> QueueItem:
    decided = newest_by_incident(verdicts)
    undecided = [row for row in incidents if row.id not in decided]
    standing = identity_standing(verdicts)
    return QueueItem(
        reviewed=reviewed,
        incidents=len(incidents),
        undecided=len(undecided),
        about_identity=sum(row.kind in IDENTITY_KINDS for row in undecided),
        urgency=sum(_urgency(row, rates) for row in undecided),
        identity=standing.decision,
        proposed=standing.proposed if standing.needs_second_person else None,
        has_appeal=reviewed.sitting.id in appeals,
    )


def _urgency(row: IncidentRow, rates: Mapping[str, Precision]) -> float:
    return _WEIGHTS[Severity(row.severity)] * rates.get(row.kind, Precision()).expected
