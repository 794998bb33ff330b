"""Whatever people do in whatever order, nothing goes against a student by one of them alone."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from proctor.errors import ProctorError
from proctor.exams.tables import Technology
from proctor.people.tables import Account
from proctor.review.looks import record_look, record_view
from proctor.review.tables import Decision
from proctor.review.verdicts import (
    MIN_REASON,
    decide_identity,
    decide_incident,
    dismiss_alike,
    verdicts_of,
)
from proctor.shares.calculator import Outcome
from proctor.shares.decision import decide
from proctor.shares.evidence import evidence_of
from proctor.shares.packs import pack
from tests.support.cast import NOON, Cast
from tests.support.sittings import incident_of, sitting_of

pytestmark = pytest.mark.db

PLAN = frozenset({Technology.PROCTORING, Technology.BIOMETRICS})
FAIR = frozenset({Outcome.VERIFIED, Outcome.PENDING})
PEOPLE = ("paula", "rita", "rustam", "alice")
ACTS = ("watch", "look", "incident", "alike", "identity")
acts = st.tuples(
    st.sampled_from(PEOPLE),
    st.sampled_from(ACTS),
    st.sampled_from(Decision),
    st.sampled_from(["", "too short", "The recording shows it plainly."]),
)


class Played:
    """A sitting on which people act; ``looked`` and ``reasoned`` are counted beside the rooms."""

    def __init__(self, tx: Session, cast: Cast) -> None:
        self.tx, self.cast = tx, cast
        self.sitting = sitting_of(tx, cast, cast.alice, NOON)
        self.mismatch = incident_of(tx, self.sitting, "face_mismatch", 5, 9)
        self.looked: set[str] = set()
        self.decided: list[tuple[str, Decision]] = []
        self.minute = 0

    def act(self, name: str, act: str, decision: Decision, reason: str) -> None:
        person, sitting = self.cast.people[name], self.sitting
        self.minute += 1
        at = NOON + timedelta(minutes=self.minute)
        if act == "watch":
            record_view(self.tx, person.id, sitting.id, "recording", "camera", at)
            self.looked.add(name)
        elif act == "look":
            record_look(self.tx, person.id, sitting.id, self.mismatch.id, at)
            self.looked.add(name)
        else:
            self.try_to_decide(person, act, decision, reason)

    def try_to_decide(self, person: Account, act: str, decision: Decision, reason: str) -> None:
        tx, sitting, at = self.tx, self.sitting, NOON + timedelta(minutes=self.minute)
        before = len(verdicts_of(tx, sitting.id))
        try:
            if act == "incident":
                decide_incident(tx, person, sitting, self.mismatch.id, decision, reason, at)
            elif act == "alike":
                dismiss_alike(tx, person, sitting, "face_mismatch", reason, at)
            else:
                decide_identity(tx, person, sitting, decision, reason, at)
                self.decided.append((person.name.lower(), decision))
        except ProctorError:
            assert len(verdicts_of(tx, sitting.id)) == before
            return
        assert len(reason) >= MIN_REASON
        assert person.name.lower() in self.looked
        assert person.id != sitting.account_id

    def outcome(self) -> Outcome:
        evidence = evidence_of(self.tx, self.sitting)
        rules = pack("KZ-137-2016")
        return decide(PLAN, evidence, evidence.verdicts, rules, window_closed=True).outcome


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(acts, min_size=4, max_size=14))
def test_no_order_of_acts_sets_an_adverse_outcome_without_two_people(
    tx: Session, cast: Cast, steps: list[tuple[str, str, Decision, str]]
) -> None:
    with tx.begin_nested() as point:
        played = Played(tx, cast)
        for step in steps:
            played.act(*step)
            found = played.outcome()
            if found in FAIR:
                continue
            newest = played.decided[-1][1]
            agreed = {name for name, decision in played.decided if decision is newest}
            assert len(agreed) >= 2
            assert agreed <= played.looked
        point.rollback()


def test_the_shortest_way_to_an_adverse_outcome(tx: Session, cast: Cast) -> None:
    played = Played(tx, cast)
    reason = "The recording shows it plainly."
    for name in ("rita", "rustam"):
        played.act(name, "watch", Decision.VOID, reason)
    played.act("rita", "incident", Decision.CONFIRMED, reason)
    played.act("rita", "identity", Decision.VOID, reason)
    assert played.outcome() is Outcome.PENDING

    played.act("rustam", "identity", Decision.VOID, reason)
    assert played.outcome() is Outcome.VOIDED


def test_a_confirmed_incident_alone_sets_nothing(tx: Session, cast: Cast) -> None:
    played = Played(tx, cast)
    played.act("rita", "watch", Decision.VOID, "")
    played.act("rita", "incident", Decision.CONFIRMED, "The recording shows it plainly.")

    assert played.outcome() is Outcome.PENDING
