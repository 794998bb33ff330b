"""Notices that follow from time alone: incidents to explain or to review, a time that ends soon."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from proctor.exams.schemes import course_of
from proctor.exams.tables import AssessmentEvent, StaffRole
from proctor.incidents.tables import IncidentRow
from proctor.people.notices import About, Notice, NoticeKind, tell
from proctor.plumbing.db import Database
from proctor.review.staff import staff_who
from proctor.review.statements import OPEN_FOR
from proctor.review.tables import Decision, Statement, Verdict
from proctor.sittings.tables import Sitting, SittingState

#: before the time to answer is over
REMINDED = timedelta(days=2)
# an exam that ended before is told of no more, as after an update
FRESH = timedelta(days=1)
_KINDS = (NoticeKind.ANSWER, NoticeKind.DEADLINE, NoticeKind.REVIEW)


def remind(db: Database, now: datetime) -> int:
    """Tell students what they may answer and until when, and reviewers that an exam waits for them;
    how many notices were added."""
    with db.reading() as tx:
        due = any(_due(tx, kind, now) for kind in _KINDS)
    if not due:
        return 0
    told = 0
    with db.transaction() as tx:
        for kind in _KINDS:
            for about in _due(tx, kind, now):
                tell(tx, kind, about, now)
                told += 1
    return told


def _due(tx: Session, kind: NoticeKind, now: datetime) -> Sequence[About]:
    return _to_review(tx, now) if kind is NoticeKind.REVIEW else _to_answer(tx, kind, now)


def _to_review(tx: Session, now: datetime) -> list[About]:
    """Reviewers, or proctors where a course has none, whose exams have sittings that ended since
    they were told of the exam; nobody is told twice before they read it."""
    waiting = (
        select(Sitting.event_id, func.max(Sitting.finished_at))
        .where(
            Sitting.state == SittingState.FINISHED,
            Sitting.finished_at <= now,
            Sitting.finished_at > now - FRESH,
            exists().where(
                IncidentRow.sitting_id == Sitting.id,
                ~exists().where(Verdict.incident_id == IncidentRow.id),
            ),
        )
        .group_by(Sitting.event_id)
    )
    found = []
    for event_id, ended_at in tx.execute(waiting):
        assert ended_at is not None, "a finished sitting has an end"
        event = tx.get_one(AssessmentEvent, event_id)
        course_id = course_of(tx, event).id
        people = staff_who(tx, course_id, StaffRole.REVIEWER)
        for person in people or staff_who(tx, course_id, StaffRole.PROCTOR):
            told = select(Notice).where(
                Notice.account_id == person.id,
                Notice.event_id == event.id,
                Notice.kind == NoticeKind.REVIEW,
            )
            last = tx.scalars(told.order_by(Notice.at.desc()).limit(1)).one_or_none()
            if last is None or (last.seen_at is not None and last.at < ended_at):
                found.append(About(person.id, exam=event.title, event_id=event.id))
    return found


def _to_answer(tx: Session, kind: NoticeKind, now: datetime) -> list[About]:
    over_before, over_after = now, now - FRESH
    wanted: list[ColumnElement[bool]] = []
    if kind is NoticeKind.DEADLINE:
        over_before, over_after = now - OPEN_FOR + REMINDED, now - OPEN_FOR
        wanted = [~exists().where(Statement.sitting_id == Sitting.id)]
    in_force = (
        select(Verdict.decision)
        .where(Verdict.incident_id == IncidentRow.id)
        .order_by(Verdict.at.desc())
        .limit(1)
        .correlate(IncidentRow)
        .scalar_subquery()
    )
    query = (
        select(Sitting, AssessmentEvent.title)
        .join(AssessmentEvent, AssessmentEvent.id == Sitting.event_id)
        .where(
            Sitting.state == SittingState.FINISHED,
            Sitting.finished_at <= over_before,
            Sitting.finished_at > over_after,
            exists().where(
                IncidentRow.sitting_id == Sitting.id,
                in_force.is_distinct_from(Decision.DISMISSED),
            ),
            ~exists().where(Notice.sitting_id == Sitting.id, Notice.kind == kind),
            *wanted,
        )
    )
    found = []
    for sitting, exam in tx.execute(query):
        assert sitting.finished_at is not None, "a finished sitting has an end"
        until = sitting.finished_at + OPEN_FOR
        found.append(About(sitting.account_id, sitting.id, exam, until))
    return found
