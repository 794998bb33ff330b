"""Which decisions are legal, by whom, and what stands in the end."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from proctor import events
from proctor.people.tables import Account
from proctor.review.looks import record_look, record_view
from proctor.review.tables import Decision
from proctor.review.verdicts import (
    AlreadyDecided,
    IncidentsUndecided,
    NoSuchIncident,
    NotADecision,
    NotLooked,
    OwnSitting,
    ReasonMissing,
    SecondPersonNeeded,
    SittingRunning,
    StillOpen,
    decide_identity,
    decide_incident,
    dismiss_alike,
    identity_standing,
    newest_by_incident,
    verdicts_of,
)
from proctor.sittings.tables import Sitting, SittingState
from tests.support.cast import NOON, Cast
from tests.support.sittings import incident_of, sitting_of

pytestmark = pytest.mark.db

REASON = "The recording shows the same person throughout."


@pytest.fixture
def sitting(tx: Session, cast: Cast) -> Sitting:
    """A sitting whose recording everybody who may review it has seen."""
    return seen(tx, cast, sitting_of(tx, cast, cast.alice, NOON))


def seen(tx: Session, cast: Cast, sitting: Sitting) -> Sitting:
    for person in (cast.paula, cast.rita, cast.rustam):
        record_view(tx, person.id, sitting.id, "recording", "camera", NOON)
    return sitting


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
    running = seen(tx, cast, sitting_of(tx, cast, cast.bob, NOON, SittingState.RUNNING))

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


@pytest.mark.parametrize("adverse", [Decision.VOID, Decision.UNVERIFIED])
def test_a_decision_against_a_student_takes_two_different_people(
    tx: Session, cast: Cast, sitting: Sitting, adverse: Decision
) -> None:
    identity(tx, cast.rita, sitting, adverse)
    assert standing(tx, sitting) is None

    with pytest.raises(SecondPersonNeeded):
        identity(tx, cast.rita, sitting, adverse, 1)

    identity(tx, cast.rustam, sitting, adverse, 2)
    assert standing(tx, sitting) is adverse


def test_two_people_against_a_student_must_agree(tx: Session, cast: Cast, sitting: Sitting) -> None:
    identity(tx, cast.rita, sitting, Decision.VOID)
    identity(tx, cast.rustam, sitting, Decision.UNVERIFIED, 1)
    assert standing(tx, sitting) is None

    identity(tx, cast.rita, sitting, Decision.UNVERIFIED, 2)
    assert standing(tx, sitting) is Decision.UNVERIFIED


def test_nobody_decides_before_looking(tx: Session, cast: Cast) -> None:
    unseen = sitting_of(tx, cast, cast.bob, NOON)
    paste = incident_of(tx, unseen, "paste", 5, 5)
    record_view(tx, cast.rustam.id, unseen.id, "recording", "camera", NOON)

    for decision in (Decision.CONFIRMED, Decision.DISMISSED):
        with pytest.raises(NotLooked):
            decide_incident(tx, cast.rita, unseen, paste.id, decision, REASON, NOON)
    for decision in (Decision.VERIFIED, Decision.UNVERIFIED, Decision.VOID):
        with pytest.raises(NotLooked):
            identity(tx, cast.rita, unseen, decision)

    record_look(tx, cast.rita.id, unseen.id, paste.id, NOON)
    decide_incident(tx, cast.rita, unseen, paste.id, Decision.CONFIRMED, REASON, NOON)
    identity(tx, cast.rita, unseen, Decision.VERIFIED)


def test_all_of_a_kind_are_dismissed_after_a_look_at_each(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    pastes = [incident_of(tx, sitting, "paste", at_s, at_s) for at_s in (5, 8, 11)]
    hidden = incident_of(tx, sitting, "page_hidden", 20, 22)
    running = incident_of(tx, sitting, "paste", 25, None)

    for paste in pastes:
        with pytest.raises(NotLooked):
            dismiss_alike(tx, cast.rita, sitting, "paste", REASON, NOON)
        record_look(tx, cast.rita.id, sitting.id, paste.id, NOON)

    dismiss_alike(tx, cast.rita, sitting, "paste", REASON, NOON)
    decided = newest_by_incident(verdicts_of(tx, sitting.id))
    assert set(decided) == {paste.id for paste in pastes}
    assert not {hidden.id, running.id} & set(decided)
    with pytest.raises(NoSuchIncident):
        dismiss_alike(tx, cast.rita, sitting, "paste", REASON, NOON)


def test_another_decision_takes_back_a_first_vote_to_void(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    identity(tx, cast.rita, sitting, Decision.VOID)
    identity(tx, cast.rustam, sitting, Decision.VERIFIED, 1)
    assert standing(tx, sitting) is Decision.VERIFIED

    identity(tx, cast.paula, sitting, Decision.VOID, 2)
    found = identity_standing(verdicts_of(tx, sitting.id))
    assert found.decision is None
    assert (found.proposed, found.proposed_by) == (Decision.VOID, {cast.paula.id})


def test_a_voided_sitting_is_decided_for_good(tx: Session, cast: Cast, sitting: Sitting) -> None:
    identity(tx, cast.rita, sitting, Decision.VOID)
    identity(tx, cast.rustam, sitting, Decision.VOID, 1)

    with pytest.raises(AlreadyDecided):
        identity(tx, cast.paula, sitting, Decision.VERIFIED, 2)
