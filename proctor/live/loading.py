"""A sitting as the database holds it, and what all live sittings share."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from keystroke.template import Sums
from keystroke.verifiers.plda import PldaVerifier
from proctor import events
from proctor.analysis import keys
from proctor.clock import Clock
from proctor.errors import NotFound
from proctor.exams.policies import rules_of
from proctor.exams.tables import AssessmentEvent, ExamPolicy
from proctor.exams.thresholds import ExamRules
from proctor.identity import enrolment
from proctor.identity.checks import FaceIdentity
from proctor.incidents import rules
from proctor.inference import InferencePool
from proctor.observations import NotAssessed, Observation
from proctor.people import consents
from proctor.people.tables import Purpose
from proctor.plumbing.db import Database
from proctor.settings import Settings
from proctor.sittings.tables import Sitting
from proctor.vault import Vault


@dataclass(frozen=True)
class Line:
    """What every sitting of one service uses."""

    settings: Settings
    db: Database
    vault: Vault
    clock: Clock
    inference: InferencePool
    verifier: PldaVerifier


@dataclass(frozen=True)
class Loaded:
    """A sitting as it stands in the database."""

    sitting: Sitting
    policy: ExamRules
    duration: timedelta
    closes_at: datetime
    consented: frozenset[Purpose]
    identity: FaceIdentity | None
    typing: Sums
    state: rules.State
    newest_at: datetime | None


class NoSuchSitting(NotFound):
    """There is no such sitting."""


def load(line: Line, sitting_id: str) -> Loaded:
    with line.db.transaction() as tx:
        sitting = tx.get(Sitting, sitting_id)
        if sitting is None:
            raise NoSuchSitting
        event = tx.get_one(AssessmentEvent, sitting.event_id)
        policy = tx.get(ExamPolicy, event.policy_id) if event.policy_id else None
        answers = consents.current(tx, line.vault, sitting.account_id)
        consented = frozenset(purpose for purpose, given in answers.items() if given)
        exam_rules = rules_of(policy)
        written = events.read(tx, sitting_id)
        return Loaded(
            sitting=sitting,
            policy=exam_rules,
            duration=timedelta(seconds=event.duration_s),
            closes_at=event.closes_at,
            consented=consented,
            identity=_identity(tx, line, sitting) if Purpose.FACE in consented else None,
            typing=keys.stored(tx, line.vault, sitting),
            state=_replay(exam_rules, written),
            newest_at=written[-1].at if written else None,
        )


def _identity(tx: Session, line: Line, sitting: Sitting) -> FaceIdentity | None:
    comparison = line.inference.comparison
    reference = enrolment.face_reference(
        tx, line.vault, sitting.account_id, comparison.model_id, before=sitting.created_at
    )
    if reference is None:
        return None
    return FaceIdentity(comparison, reference.template, reference.rotation)


def _replay(exam_rules: ExamRules, written: list[events.Event]) -> rules.State:
    """The rules' state after what is already in the event store."""
    state = rules.State()
    for event in written:
        if event.kind in ("observation", "not_assessed"):
            state, _ = rules.step(exam_rules, state, _item(event))
    return state


def fact(item: Observation | NotAssessed) -> tuple[str, dict[str, Any]]:
    assert item.at_s is not None, "what happens in an exam has a time"
    kind = "observation" if isinstance(item, Observation) else "not_assessed"
    return kind, {**asdict(item), "at_s": round(item.at_s, 3)}


def _item(event: events.Event) -> Observation | NotAssessed:
    made = Observation if event.kind == "observation" else NotAssessed
    return made(**event.payload)
