"""Whose sittings a proctor or reviewer may see, and which of them wait for a decision."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

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
from proctor.review.claims import Claim, claims_of
from proctor.review.precision import Precision, precision_of
from proctor.review.sampling import is_drawn
from proctor.review.statements import waiting_appeals
from proctor.review.tables import Decision, SampleLook, Verdict
from proctor.review.verdicts import identity_standing, newest_by_incident
from proctor.sittings.expiries import refuse_expired
from proctor.sittings.tables import Repair, RepairWindow, Sitting, SittingState

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

    @property
    def over_at(self) -> datetime:
        """When the sitting ended, or was made while it has not."""
        return self.sitting.finished_at or self.sitting.created_at


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One sitting of the queue. ``undecided``: incidents without a verdict, ``about_identity`` of
    them. ``urgency``: their severity times how often people confirmed their kind here.
    ``identity``: the decision in force; ``proposed``: one that waits for a second person.
    ``is_for_others``: all it waits for is somebody who has not decided about it.
    ``kinds``: of all its incidents. ``is_sample``: without incidents, drawn to be looked through.
    ``claim``: who works on it now.
    """

    reviewed: Reviewed
    incidents: int
    undecided: int
    about_identity: int
    urgency: float
    identity: Decision | None
    proposed: Decision | None
    has_appeal: bool
    is_for_others: bool
    kinds: frozenset[str]
    is_sample: bool
    claim: Claim | None

    @property
    def needs_person(self) -> bool:
        waits = self.undecided > 0 or self.proposed is not None
        return waits or self.has_appeal or self.is_sample

    @property
    def place(self) -> tuple[bool, bool, float]:
        """Where it stands in the queue: lower comes first."""
        waits_for_one = self.has_appeal or self.proposed is not None
        return not waits_for_one, not self.about_identity, -self.urgency


@dataclass(frozen=True, slots=True)
class Filter:
    """Which sittings to show; what is empty lets all through. ``exam``: id of an event; ``days``:
    they wait at least so long; ``locale``: the language of the learner."""

    exam: str = ""
    kind: str = ""
    days: int = 0
    locale: str = ""

    def admits(self, item: QueueItem, now: datetime) -> bool:
        of = item.reviewed
        return (
            self.exam in ("", of.event.id)
            and (not self.kind or self.kind in item.kinds)
            and now - of.over_at >= timedelta(days=self.days)
            and self.locale in ("", of.learner.locale)
        )


def queue(
    tx: Session, account: Account, now: datetime, sample_percent: float = 0
) -> list[QueueItem]:
    """Sittings *account* may review: appeals and second decisions, then those with incidents
    about identity, then by urgency, the newest first among equals. Of those without
    incidents *sample_percent* are to be looked through."""
    seen = _visible(account).order_by(Sitting.created_at.desc(), Sitting.id)
    rows = [
        Reviewed(sitting, event, course, learner)
        for sitting, event, course, learner in tx.execute(seen)
    ]
    # a subquery: a reviewer of many years has more sittings than a statement takes variables
    mine = visible_sittings(account)
    incidents: defaultdict[str, list[IncidentRow]] = defaultdict(list)
    for incident in tx.scalars(select(IncidentRow).where(IncidentRow.sitting_id.in_(mine))):
        incidents[incident.sitting_id].append(incident)
    verdicts: defaultdict[str, list[Verdict]] = defaultdict(list)
    given = select(Verdict).where(Verdict.sitting_id.in_(mine)).order_by(Verdict.at)
    for verdict in tx.scalars(given):
        verdicts[verdict.sitting_id].append(verdict)
    rates = precision_of(tx, account.institution_id)
    ids = [row.sitting.id for row in rows]
    appeals, claims = waiting_appeals(tx, ids), claims_of(tx, now, ids)
    looked = set(tx.scalars(select(SampleLook.sitting_id).where(SampleLook.sitting_id.in_(mine))))
    items = [
        _item(
            account,
            row,
            incidents[row.sitting.id],
            verdicts[row.sitting.id],
            rates,
            has_appeal=row.sitting.id in appeals,
            is_drawn=is_drawn(row.sitting.id, sample_percent) and row.sitting.id not in looked,
            claim=claims.get(row.sitting.id),
        )
        for row in rows
    ]
    return sorted(items, key=lambda item: item.place)


def under_way(tx: Session, account: Account, now: datetime) -> list[Reviewed]:
    """Sittings *account* may review that have not ended, of exams that are not long past."""
    query = _visible(account).where(
        Sitting.state != SittingState.FINISHED,
        or_(
            AssessmentEvent.closes_at > now,
            Sitting.state != SittingState.CHECKING,
            exists().where(
                Repair.sitting_id == Sitting.id,
                RepairWindow.id == Repair.window_id,
                RepairWindow.closes_at > now,
            ),
        ),
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
    """A recording of a sitting *account* may review. Raises NotForYou otherwise,
    RecordingExpired."""
    recording = tx.get(Recording, recording_id)
    if recording is None:
        raise NotForYou(recording=recording_id)
    sitting_for(tx, account, recording.sitting_id)
    refuse_expired(tx, recording.sitting_id)
    return recording


def clip_for(tx: Session, account: Account, clip_id: str) -> tuple[ClipRow, str]:
    """A clip of a sitting *account* may review, with that sitting's id. Raises NotForYou,
    RecordingExpired."""
    clip = tx.get(ClipRow, clip_id)
    if clip is None:
        raise NotForYou(clip=clip_id)
    incident = tx.get_one(IncidentRow, clip.incident_id)
    sitting_for(tx, account, incident.sitting_id)
    refuse_expired(tx, incident.sitting_id)
    return clip, incident.sitting_id


def visible_sittings(account: Account) -> Select[str]:
    """Ids of the sittings *account* may review."""
    return _visible(account).with_only_columns(Sitting.id)


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
    account: Account,
    reviewed: Reviewed,
    incidents: Sequence[IncidentRow],
    verdicts: Sequence[Verdict],
    rates: Mapping[str, Precision],
    *,
    has_appeal: bool,
    is_drawn: bool,
    claim: Claim | None,
) -> QueueItem:
    decided = newest_by_incident(verdicts)
    undecided = [row for row in incidents if row.id not in decided]
    standing = identity_standing(verdicts)
    proposed = standing.proposed if standing.needs_second_person else None
    is_sample = is_drawn and not incidents and reviewed.sitting.state is SittingState.FINISHED
    # a second decision takes another person than the first, an appeal another than all before
    is_for_account = (
        bool(undecided)
        or is_sample
        or (proposed is not None and account.id not in standing.proposed_by)
        or (has_appeal and all(row.reviewer_id != account.id for row in verdicts))
    )
    return QueueItem(
        reviewed=reviewed,
        incidents=len(incidents),
        undecided=len(undecided),
        about_identity=sum(row.kind in IDENTITY_KINDS for row in undecided),
        urgency=sum(_urgency(row, rates) for row in undecided),
        identity=standing.decision,
        proposed=proposed,
        has_appeal=has_appeal,
        is_for_others=(proposed is not None or has_appeal) and not is_for_account,
        kinds=frozenset(row.kind for row in incidents),
        is_sample=is_sample,
        claim=claim,
    )


def _urgency(row: IncidentRow, rates: Mapping[str, Precision]) -> float:
    return _WEIGHTS[Severity(row.severity)] * rates.get(row.kind, Precision()).expected
