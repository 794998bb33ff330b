"""Which decisions are legal, by whom, and what stands in the end."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from proctor import events
from proctor.people.tables import Account
from proctor.review.tables import Decision
from proctor.review.verdicts import (
    AlreadyDecided,
    IncidentsUndecided,
    NoSuchIncident,
    NotADecision,
    OwnSitting,
    ReasonMissing,
    SecondPersonNeeded,
    SittingRunning,
    StillOpen,
    decide_identity,
    decide_incident,
    identity_standing,
    newest_by_incident,
    verdicts_of,
)
from proctor.sittings.tables import Sitting, SittingState
from tests.support.cast import NOON, Cast, assemble
from tests.support.sittings import incident_of, sitting_of

pytestmark = pytest.mark.db

REASON = "The recording shows the same person throughout."


@pytest.fixture
def cast(tx: Session) -> Cast:
    return assemble(tx)


@pytest.fixture
def sitting(tx: Session, cast: Cast) -> Sitting:
    return sitting_of(tx, cast, cast.alice, NOON)


def identity(
    tx: Session, who: Account, sitting: Sitting, decision: Decision, minute: int = 0
) -> None:
    decide_identity(tx, who, sitting, decision, REASON, NOON + timedelta(minutes=minute))


def standing(tx: Session, sitting: Sitting) -> Decision | None:
    return identity_standing(verdicts_of(tx, sitting.id)).decision


def test_a_later_decision_stands_and_the_earlier_stays_on_record(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    incident = incident_of(tx, sitting, "face_absent", 10, 20)
    for minute, decision in enumerate([Decision.CONFIRMED, Decision.DISMISSED]):
        at = NOON + timedelta(minutes=minute)
        decide_incident(tx, cast.rita, sitting, incident.id, decision, REASON, at)

    verdicts = verdicts_of(tx, sitting.id)

    assert [row.decision for row in verdicts] == [Decision.CONFIRMED, Decision.DISMISSED]
    assert newest_by_incident(verdicts)[incident.id].decision is Decision.DISMISSED


def test_the_chain_holds_the_decision_but_not_the_words(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    incident = incident_of(tx, sitting, "paste", 10, 10)

    verdict = decide_incident(tx, cast.rita, sitting, incident.id, Decision.DISMISSED, REASON, NOON)

    (event,) = events.read(tx, sitting.id, "verdict_given")
    assert event.payload == {
        "verdict": verdict.id,
        "incident": incident.id,
        "reviewer": cast.rita.id,
        "decision": "dismissed",
    }


@pytest.mark.parametrize("reason", ["", "          ", "too short", " a  b  c  ", "x" * 2001])
def test_a_decision_needs_a_reason(tx: Session, cast: Cast, sitting: Sitting, reason: str) -> None:
    incident = incident_of(tx, sitting, "paste", 10, 10)

    with pytest.raises(ReasonMissing):
        decide_incident(tx, cast.rita, sitting, incident.id, Decision.CONFIRMED, reason, NOON)
    assert verdicts_of(tx, sitting.id) == []


def test_each_subject_has_its_own_decisions(tx: Session, cast: Cast, sitting: Sitting) -> None:
    incident = incident_of(tx, sitting, "paste", 10, 10)

    with pytest.raises(NotADecision):
        decide_incident(tx, cast.rita, sitting, incident.id, Decision.VOID, REASON, NOON)
    with pytest.raises(NotADecision):
        identity(tx, cast.rita, sitting, Decision.DISMISSED)


def test_nobody_decides_about_their_own_sitting(tx: Session, cast: Cast) -> None:
    own = sitting_of(tx, cast, cast.rita, NOON)

    with pytest.raises(OwnSitting):
        identity(tx, cast.rita, own, Decision.VERIFIED)


def test_an_incident_of_another_sitting_is_not_there(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    other = incident_of(tx, sitting_of(tx, cast, cast.bob, NOON), "paste", 10, 10)

    for incident_id in (other.id, "unknown"):
        with pytest.raises(NoSuchIncident):
            decide_incident(tx, cast.rita, sitting, incident_id, Decision.CONFIRMED, REASON, NOON)


def test_an_open_incident_is_decided_after_its_end(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    incident = incident_of(tx, sitting, "page_hidden", 10, None)

    with pytest.raises(StillOpen):
        decide_incident(tx, cast.rita, sitting, incident.id, Decision.CONFIRMED, REASON, NOON)


def test_the_same_decision_twice_is_refused(tx: Session, cast: Cast, sitting: Sitting) -> None:
    incident = incident_of(tx, sitting, "paste", 10, 10)
    decide_incident(tx, cast.rita, sitting, incident.id, Decision.CONFIRMED, REASON, NOON)
    identity(tx, cast.rita, sitting, Decision.VERIFIED)

    with pytest.raises(AlreadyDecided):
        decide_incident(tx, cast.rustam, sitting, incident.id, Decision.CONFIRMED, REASON, NOON)
    with pytest.raises(AlreadyDecided):
        identity(tx, cast.rustam, sitting, Decision.VERIFIED, 1)


def test_identity_is_decided_after_the_exam(tx: Session, cast: Cast) -> None:
    running = sitting_of(tx, cast, cast.bob, NOON, SittingState.RUNNING)

    with pytest.raises(SittingRunning):
        identity(tx, cast.rita, running, Decision.VERIFIED)


def test_incidents_about_identity_come_first(tx: Session, cast: Cast, sitting: Sitting) -> None:
    incident_of(tx, sitting, "paste", 5, 5)
    mismatch = incident_of(tx, sitting, "face_mismatch", 10, 20)

    with pytest.raises(IncidentsUndecided):
        identity(tx, cast.rita, sitting, Decision.VERIFIED)

    decide_incident(tx, cast.rita, sitting, mismatch.id, Decision.DISMISSED, REASON, NOON)
    identity(tx, cast.rita, sitting, Decision.VERIFIED)
    assert standing(tx, sitting) is Decision.VERIFIED


def test_voiding_takes_two_different_people(tx: Session, cast: Cast, sitting: Sitting) -> None:
    identity(tx, cast.rita, sitting, Decision.VOID)
    assert standing(tx, sitting) is None

    with pytest.raises(SecondPersonNeeded):
        identity(tx, cast.rita, sitting, Decision.VOID, 1)

    identity(tx, cast.rustam, sitting, Decision.VOID, 2)
    assert standing(tx, sitting) is Decision.VOID


def test_another_decision_takes_back_a_first_vote_to_void(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    identity(tx, cast.rita, sitting, Decision.VOID)
    identity(tx, cast.rustam, sitting, Decision.VERIFIED, 1)
    assert standing(tx, sitting) is Decision.VERIFIED

    identity(tx, cast.paula, sitting, Decision.VOID, 2)
    found = identity_standing(verdicts_of(tx, sitting.id))
    assert found.decision is None
    assert found.voided_by == {cast.paula.id}


def test_a_voided_sitting_is_decided_for_good(tx: Session, cast: Cast, sitting: Sitting) -> None:
    identity(tx, cast.rita, sitting, Decision.VOID)
    identity(tx, cast.rustam, sitting, Decision.VOID, 1)

    with pytest.raises(AlreadyDecided):
        identity(tx, cast.paula, sitting, Decision.VERIFIED, 2)
