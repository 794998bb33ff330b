"""What a student says, until when, and who rules on it."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.people.tables import Account
from proctor.review.looks import record_view
from proctor.review.statements import (
    OPEN_FOR,
    DecidedBefore,
    NoSuchAppeal,
    NothingToAppeal,
    StatementClosed,
    StatementLength,
    answer,
    appeal,
    appealable,
    rule,
    said_of,
    waiting_appeals,
)
from proctor.review.tables import Decision, Statement
from proctor.review.verdicts import (
    NoSuchIncident,
    NotLooked,
    Overruled,
    ReasonMissing,
    decide_identity,
    decide_incident,
    identity_standing,
    newest_by_incident,
    verdicts_of,
)
from proctor.sittings.tables import Sitting, SittingState
from proctor.vault import Vault
from tests.support.cast import NOON, Cast
from tests.support.sittings import incident_of, sitting_of

pytestmark = pytest.mark.db

REASON = "The recording shows it plainly."
WORDS = "My brother walked through the room."
VAULT = Vault(bytes(32))


@pytest.fixture
def sitting(tx: Session, cast: Cast) -> Sitting:
    row = sitting_of(tx, cast, cast.alice, NOON)
    for person in (cast.paula, cast.rita, cast.rustam):
        record_view(tx, person.id, row.id, "recording", "camera", NOON)
    return row


def voided(tx: Session, cast: Cast, sitting: Sitting) -> None:
    for person in (cast.rita, cast.rustam):
        decide_identity(tx, person, sitting, Decision.VOID, REASON, NOON)


def open_subjects(tx: Session, sitting: Sitting, days: int = 0) -> set[str | None]:
    now = NOON + timedelta(days=days)
    return set(appealable(verdicts_of(tx, sitting.id), said_of(tx, VAULT, sitting), now))


def ruled(tx: Session, who: Account, sitting: Sitting, granted: bool) -> None:
    (waiting,) = [each for each in said_of(tx, VAULT, sitting) if each.waits]
    at = NOON + timedelta(days=1)
    rule(tx, who, sitting, waiting.id, granted=granted, reason=REASON, at=at)


def test_an_answer_is_sealed_and_stands_beside_its_incident(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    paste = incident_of(tx, sitting, "multiple_faces", 5, 9)

    answer(tx, VAULT, sitting, paste.id, f"  {WORDS} ", NOON)

    (said,) = said_of(tx, VAULT, sitting)
    assert (said.incident_id, said.text, said.is_appeal) == (paste.id, WORDS, False)
    (row,) = tx.scalars(select(Statement))
    assert WORDS.encode() not in row.sealed
    (event,) = events.read(tx, sitting.id, "incident_answered")
    assert event.payload == {"statement": row.id, "incident": paste.id}


def test_an_answer_has_a_deadline_a_length_and_a_number(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    paste = incident_of(tx, sitting, "paste", 5, 5)
    for text in ("", "too short", "x" * 2001):
        with pytest.raises(StatementLength):
            answer(tx, VAULT, sitting, paste.id, text, NOON)
    with pytest.raises(StatementClosed):
        answer(tx, VAULT, sitting, paste.id, WORDS, NOON + OPEN_FOR + timedelta(seconds=1))
    with pytest.raises(NoSuchIncident):
        answer(tx, VAULT, sitting, "unknown", WORDS, NOON)
    for _ in range(5):
        answer(tx, VAULT, sitting, paste.id, WORDS, NOON + OPEN_FOR)
    with pytest.raises(StatementClosed):
        answer(tx, VAULT, sitting, paste.id, WORDS, NOON)


def test_a_running_exam_is_not_answered_to(tx: Session, cast: Cast) -> None:
    running = sitting_of(tx, cast, cast.bob, NOON, SittingState.RUNNING)
    paste = incident_of(tx, running, "paste", 5, 5)

    with pytest.raises(StatementClosed):
        answer(tx, VAULT, running, paste.id, WORDS, NOON)


def test_only_a_decision_in_force_against_the_student_is_appealed(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    paste = incident_of(tx, sitting, "paste", 5, 5)
    hidden = incident_of(tx, sitting, "page_hidden", 7, 9)
    decide_incident(tx, cast.rita, sitting, paste.id, Decision.CONFIRMED, REASON, NOON)
    decide_incident(tx, cast.rita, sitting, hidden.id, Decision.DISMISSED, REASON, NOON)
    decide_identity(tx, cast.rita, sitting, Decision.VOID, REASON, NOON)
    assert open_subjects(tx, sitting) == {paste.id}

    decide_identity(tx, cast.rustam, sitting, Decision.VOID, REASON, NOON)
    assert open_subjects(tx, sitting) == {paste.id, None}
    assert open_subjects(tx, sitting, days=11) == set()
    with pytest.raises(NothingToAppeal):
        appeal(tx, VAULT, sitting, hidden.id, WORDS, NOON)


def test_a_granted_appeal_replaces_the_decision(tx: Session, cast: Cast, sitting: Sitting) -> None:
    voided(tx, cast, sitting)
    appeal(tx, VAULT, sitting, None, WORDS, NOON + timedelta(hours=1))
    assert waiting_appeals(tx, [sitting.id]) == {sitting.id}
    with pytest.raises(NothingToAppeal):
        appeal(tx, VAULT, sitting, None, WORDS, NOON + timedelta(hours=2))

    ruled(tx, cast.paula, sitting, granted=True)

    assert identity_standing(verdicts_of(tx, sitting.id)).decision is Decision.VERIFIED
    assert waiting_appeals(tx, [sitting.id]) == set()
    (said,) = said_of(tx, VAULT, sitting)
    assert said.ruled is not None
    assert (said.ruled.granted, said.ruled.reason) == (True, REASON)


def test_a_granted_appeal_about_an_incident_dismisses_it(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    paste = incident_of(tx, sitting, "paste", 5, 5)
    decide_incident(tx, cast.rita, sitting, paste.id, Decision.CONFIRMED, REASON, NOON)
    appeal(tx, VAULT, sitting, paste.id, WORDS, NOON + timedelta(hours=1))
    ruled(tx, cast.rustam, sitting, granted=True)

    newest = newest_by_incident(verdicts_of(tx, sitting.id))[paste.id]
    assert (newest.decision, newest.reviewer_id) == (Decision.DISMISSED, cast.rustam.id)


def test_whom_a_granted_appeal_overruled_cannot_undo_it(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    face = incident_of(tx, sitting, "face_mismatch", 5, 9)
    paste = incident_of(tx, sitting, "paste", 5, 5)
    for person, incident in ((cast.rita, face), (cast.rustam, paste)):
        decide_incident(tx, person, sitting, incident.id, Decision.CONFIRMED, REASON, NOON)
    voided(tx, cast, sitting)
    appeal(tx, VAULT, sitting, None, WORDS, NOON + timedelta(hours=1))
    ruled(tx, cast.paula, sitting, granted=True)
    later = NOON + timedelta(days=2)

    for person in (cast.rita, cast.rustam):
        with pytest.raises(Overruled):
            decide_identity(tx, person, sitting, Decision.VOID, REASON, later)
    decide_incident(tx, cast.paula, sitting, face.id, Decision.DISMISSED, REASON, later)
    with pytest.raises(Overruled):
        decide_incident(tx, cast.rita, sitting, face.id, Decision.CONFIRMED, REASON, later)
    # what was not appealed stays open to them, and so does a decision in the student's favour
    decide_incident(tx, cast.rita, sitting, paste.id, Decision.DISMISSED, REASON, later)
    decide_incident(tx, cast.rita, sitting, paste.id, Decision.CONFIRMED, REASON, later)
    # somebody who decided nothing before may
    record_view(tx, cast.quentin.id, sitting.id, "recording", "camera", later)
    decide_identity(tx, cast.quentin, sitting, Decision.UNVERIFIED, REASON, later)


def test_an_incident_that_was_appealed_with_success_is_not_confirmed_again(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    paste = incident_of(tx, sitting, "paste", 5, 5)
    decide_incident(tx, cast.rita, sitting, paste.id, Decision.CONFIRMED, REASON, NOON)
    appeal(tx, VAULT, sitting, paste.id, WORDS, NOON + timedelta(hours=1))
    ruled(tx, cast.rustam, sitting, granted=True)

    later = NOON + timedelta(days=2)
    with pytest.raises(Overruled):
        decide_incident(tx, cast.rita, sitting, paste.id, Decision.CONFIRMED, REASON, later)
    decide_incident(tx, cast.paula, sitting, paste.id, Decision.CONFIRMED, REASON, later)


def test_an_appeal_that_is_not_granted_leaves_the_decision(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    voided(tx, cast, sitting)
    appeal(tx, VAULT, sitting, None, WORDS, NOON + timedelta(hours=1))
    ruled(tx, cast.paula, sitting, granted=False)

    assert identity_standing(verdicts_of(tx, sitting.id)).decision is Decision.VOID
    assert open_subjects(tx, sitting) == set()


def test_another_person_rules_after_a_look_with_a_reason_and_once(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    voided(tx, cast, sitting)
    appeal(tx, VAULT, sitting, None, WORDS, NOON + timedelta(hours=1))
    (said,) = said_of(tx, VAULT, sitting)

    for person in (cast.rita, cast.rustam):
        with pytest.raises(DecidedBefore):
            rule(tx, person, sitting, said.id, granted=False, reason=REASON, at=NOON)
    with pytest.raises(NotLooked):
        rule(tx, cast.quentin, sitting, said.id, granted=True, reason=REASON, at=NOON)
    with pytest.raises(ReasonMissing):
        rule(tx, cast.paula, sitting, said.id, granted=True, reason="no", at=NOON)
    with pytest.raises(NoSuchAppeal):
        rule(tx, cast.paula, sitting, "unknown", granted=True, reason=REASON, at=NOON)
    rule(tx, cast.paula, sitting, said.id, granted=False, reason=REASON, at=NOON)
    with pytest.raises(NothingToAppeal):
        rule(tx, cast.paula, sitting, said.id, granted=True, reason=REASON, at=NOON)
