"""Opinions of one more person who does not know what was decided about an incident.

A share of decided incidents is looked at again; among them are incidents that two people dismissed,
which the next person does not know either. Opinions change no decision.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from math import floor

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session, aliased

from proctor import events
from proctor.errors import NotFound
from proctor.exams.tables import AssessmentEvent
from proctor.incidents.tables import ClipRow, IncidentRow
from proctor.people.tables import Account
from proctor.review.looks import looks_of
from proctor.review.queue import visible_sittings
from proctor.review.sampling import share_of
from proctor.review.tables import BlindOpinion, Decision, Verdict
from proctor.review.verdicts import ABOUT_INCIDENT, NotADecision, NotLooked
from proctor.sittings.tables import Sitting

# a list with more of them than that is not read
MOST_SHOWN = 5


class NoSuchTask(NotFound):
    """There is no such incident for you to look at again."""


@dataclass(frozen=True, slots=True)
class Mix:
    """How much is looked at again. ``second_percent``: of decided incidents; ``control_percent``:
    beside one's own decisions so many incidents that two people dismissed."""

    second_percent: float
    control_percent: float


@dataclass(frozen=True, slots=True)
class Task:
    """An incident to look at without knowing what was decided. ``exam``: its title."""

    incident: IncidentRow
    exam: str
    is_control: bool


def tasks_of(tx: Session, account: Account, mix: Mix) -> list[Task]:
    """What *account* is asked about, in an order that does not tell which is which."""
    if not (mix.second_percent or mix.control_percent):
        return []
    decided, opinions = _decisions(tx, account), _opinions(tx, account)
    due = _controls_due(tx, account, mix.control_percent)
    found, controls = [], []
    for incident, exam in tx.execute(_unknown(account)):
        given = opinions[incident.id]
        is_drawn = share_of("second", incident.id) < mix.second_percent / 100
        if not given and is_drawn:
            found.append(Task(incident, exam, is_control=False))
        elif given and {decided[incident.id], *given} == {Decision.DISMISSED}:
            controls.append(Task(incident, exam, is_control=True))
    controls.sort(key=lambda task: share_of(account.id, task.incident.id))
    found += controls[:due]
    found.sort(key=lambda task: share_of(account.id, task.incident.id))
    looked = [task for task in found if not _was_looked_at(tx, account, task.incident)]
    return looked[:MOST_SHOWN]


def task_for(tx: Session, account: Account, mix: Mix, incident_id: str) -> Task:
    """The task about one incident. Raises NoSuchTask."""
    for task in tasks_of(tx, account, mix):
        if task.incident.id == incident_id:
            return task
    raise NoSuchTask(incident=incident_id)


def give_opinion(
    tx: Session, account: Account, task: Task, decision: Decision, at: datetime
) -> None:
    """Write what *account* thinks of it. Raises NotLooked before a clip was seen."""
    if decision not in ABOUT_INCIDENT:
        raise NotADecision(decision=decision.value)
    incident = task.incident
    if not looks_of(tx, account.id, incident.sitting_id).saw(incident.id):
        raise NotLooked(incident=incident.id)
    row = BlindOpinion(
        incident_id=incident.id,
        reviewer_id=account.id,
        decision=decision,
        is_control=task.is_control,
        at=at,
    )
    tx.add(row)
    tx.flush()
    payload = {"incident": incident.id, "reviewer": account.id, "decision": decision.value}
    events.append(tx, incident.sitting_id, "blind_opinion", payload, at)


def _unknown(account: Account) -> Select[IncidentRow, str]:
    """Decided incidents with a clip, of sittings where *account* decided nothing."""
    mine, given = aliased(Verdict), aliased(BlindOpinion)
    return (
        select(IncidentRow, AssessmentEvent.title)
        .join(Sitting, Sitting.id == IncidentRow.sitting_id)
        .join(AssessmentEvent, AssessmentEvent.id == Sitting.event_id)
        .where(
            Sitting.id.in_(visible_sittings(account)),
            exists().where(Verdict.incident_id == IncidentRow.id),
            exists().where(ClipRow.incident_id == IncidentRow.id),
            ~exists().where(mine.sitting_id == Sitting.id, mine.reviewer_id == account.id),
            ~exists().where(given.incident_id == IncidentRow.id, given.reviewer_id == account.id),
        )
    )


def _decisions(tx: Session, account: Account) -> dict[str, Decision]:
    """The decision in force on each incident *account* may see."""
    query = select(Verdict.incident_id, Verdict.decision).where(
        Verdict.sitting_id.in_(visible_sittings(account)), Verdict.incident_id.is_not(None)
    )
    rows = tx.execute(query.order_by(Verdict.at))
    return {incident_id: decision for incident_id, decision in rows if incident_id is not None}


def _opinions(tx: Session, account: Account) -> defaultdict[str, list[Decision]]:
    query = (
        select(BlindOpinion.incident_id, BlindOpinion.decision)
        .join(IncidentRow, IncidentRow.id == BlindOpinion.incident_id)
        .where(IncidentRow.sitting_id.in_(visible_sittings(account)))
    )
    found: defaultdict[str, list[Decision]] = defaultdict(list)
    for incident_id, decision in tx.execute(query):
        found[incident_id].append(decision)
    return found


def _controls_due(tx: Session, account: Account, percent: float) -> int:
    decided = select(func.count()).where(
        Verdict.reviewer_id == account.id, Verdict.incident_id.is_not(None)
    )
    answered = select(func.count()).where(
        BlindOpinion.reviewer_id == account.id, BlindOpinion.is_control
    )
    due = floor(tx.scalars(decided).one() * percent / 100) - tx.scalars(answered).one()
    return max(0, due)


def _was_looked_at(tx: Session, account: Account, incident: IncidentRow) -> bool:
    """Whether *account* had its card open on the sitting's page, where the decision stands."""
    seen = {"viewer": account.id, "incident": incident.id}
    looks = events.read(tx, incident.sitting_id, "incident_looked")
    return any(each.payload == seen for each in looks)
