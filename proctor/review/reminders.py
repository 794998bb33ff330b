"""Notices that follow from time alone: incidents to explain, and a time for it that ends soon."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from proctor.exams.tables import AssessmentEvent
from proctor.incidents.tables import IncidentRow
from proctor.people.notices import About, Notice, NoticeKind, tell
from proctor.plumbing.db import Database
from proctor.review.statements import OPEN_FOR
from proctor.review.tables import Statement
from proctor.sittings.tables import Sitting, SittingState

#: before the time to answer is over
REMINDED = timedelta(days=2)
# an exam that ended before is told of no more, as after an update
FRESH = timedelta(days=1)


def remind(db: Database, now: datetime) -> int:
    """Tell students what they may answer, and until when; how many notices were added."""
    with db.reading() as tx:
        due = any(_due(tx, kind, now) for kind in (NoticeKind.ANSWER, NoticeKind.DEADLINE))
    if not due:
        return 0
    told = 0
    with db.transaction() as tx:
        for kind in (NoticeKind.ANSWER, NoticeKind.DEADLINE):
            for about in _due(tx, kind, now):
                tell(tx, kind, about, now)
                told += 1
    return told


def _due(tx: Session, kind: NoticeKind, now: datetime) -> Sequence[About]:
    over_before, over_after = now, now - FRESH
    wanted: list[ColumnElement[bool]] = []
    if kind is NoticeKind.DEADLINE:
        over_before, over_after = now - OPEN_FOR + REMINDED, now - OPEN_FOR
        wanted = [~exists().where(Statement.sitting_id == Sitting.id)]
    query = (
        select(Sitting, AssessmentEvent.title)
        .join(AssessmentEvent, AssessmentEvent.id == Sitting.event_id)
        .where(
            Sitting.state == SittingState.FINISHED,
            Sitting.finished_at <= over_before,
            Sitting.finished_at > over_after,
            exists().where(IncidentRow.sitting_id == Sitting.id),
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
