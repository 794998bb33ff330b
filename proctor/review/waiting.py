"""Which sittings of a course wait for a decision of a person, and since when."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from proctor.exams.schemes import events_ever
from proctor.incidents.tables import IncidentRow
from proctor.review.tables import AppealRuling, Statement, Verdict
from proctor.review.verdicts import ENDED, identity_standing
from proctor.sittings.tables import Sitting


def waiting_since(tx: Session, course_id: str) -> dict[str, datetime]:
    """When each sitting ended that has an undecided incident, a decision which needs a second
    person, or an appeal nobody ruled on; by id."""
    over_at = func.coalesce(Sitting.finished_at, Sitting.paused_at, Sitting.created_at).label(
        "over_at"
    )
    ended = select(Sitting.id, over_at).where(
        Sitting.event_id.in_(events_ever(course_id)), Sitting.state.in_(ENDED)
    )
    undecided = exists().where(
        IncidentRow.sitting_id == Sitting.id,
        ~exists().where(
            Verdict.sitting_id == IncidentRow.sitting_id, Verdict.incident_id == IncidentRow.id
        ),
    )
    appealed = exists().where(
        Statement.sitting_id == Sitting.id,
        Statement.is_appeal,
        ~exists().where(AppealRuling.statement_id == Statement.id),
    )
    found = {row.id: row.over_at for row in tx.execute(ended.where(undecided | appealed))}
    about_identity = select(Verdict).join(Sitting, Sitting.id == Verdict.sitting_id)
    about_identity = about_identity.where(
        Sitting.event_id.in_(events_ever(course_id)), Verdict.incident_id.is_(None)
    )
    given: defaultdict[str, list[Verdict]] = defaultdict(list)
    for verdict in tx.scalars(about_identity.order_by(Verdict.at)):
        given[verdict.sitting_id].append(verdict)
    proposed = {id for id, said in given.items() if identity_standing(said).needs_second_person}
    if proposed:
        found |= {row.id: row.over_at for row in tx.execute(ended) if row.id in proposed}
    return found
