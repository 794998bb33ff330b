"""Who is asked again about which incident, and what follows from it: figures, and no decision."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from proctor.incidents.tables import ClipRow, IncidentRow
from proctor.observations import Track
from proctor.people import accounts
from proctor.people.tables import Account, Role
from proctor.review.agreement import Agreement, agreement_by_kind, pairs_of, reviewers_of
from proctor.review.blind import Mix, NoSuchTask, give_opinion, task_for, tasks_of
from proctor.review.looks import record_look, record_view
from proctor.review.precision import Precision, precision_by_version, precision_of
from proctor.review.tables import Decision
from proctor.review.verdicts import NotLooked, decide_incident, verdicts_of
from tests.support.cast import NOON, Cast
from tests.support.sittings import incident_of, sitting_of

pytestmark = pytest.mark.db

ALL = Mix(second_percent=100, control_percent=0)
REASON = "It is plain in the recording."


def decided(tx: Session, cast: Cast, by: Account, decision: Decision) -> IncidentRow:
    """A paste with a clip, in a sitting of somebody else each time, decided by one person."""
    number = tx.query(Account).count()
    email = f"{number}@example.org"
    learner = accounts.add(tx, cast.institution.id, email, "Learner", Role.STUDENT)
    sitting = sitting_of(tx, cast, learner, NOON)
    row = incident_of(tx, sitting, "paste", 5, 5)
    clip = ClipRow(
        incident_id=row.id,
        track=Track.SCREEN,
        path=f"{row.id}.webm",
        start_s=0,
        end_s=9,
        sha256="0" * 64,
        parent_sha256="1" * 64,
    )
    tx.add(clip)
    record_view(tx, by.id, sitting.id, "recording", "screen", NOON)
    decide_incident(tx, by, sitting, row.id, decision, REASON, NOON)
    return row


def asked(tx: Session, account: Account, mix: Mix = ALL) -> set[str]:
    return {task.incident.id for task in tasks_of(tx, account, mix)}


def give(tx: Session, by: Account, row: IncidentRow, decision: Decision, mix: Mix = ALL) -> None:
    later = NOON + timedelta(hours=1)
    clip = tx.query(ClipRow).where(ClipRow.incident_id == row.id).one()
    task = task_for(tx, by, mix, row.id)
    record_view(tx, by.id, row.sitting_id, "clip", clip.id, later)
    give_opinion(tx, by, task, decision, later)


def test_nobody_is_asked_unless_it_is_set(tx: Session, cast: Cast) -> None:
    decided(tx, cast, cast.rita, Decision.DISMISSED)
    assert tasks_of(tx, cast.rustam, Mix(0, 0)) == []


def test_only_who_knows_nothing_of_it_is_asked_and_only_one(tx: Session, cast: Cast) -> None:
    row = decided(tx, cast, cast.rita, Decision.CONFIRMED)

    assert asked(tx, cast.rita) == asked(tx, cast.quentin) == asked(tx, cast.olga) == set()
    assert asked(tx, cast.rustam) == asked(tx, cast.paula) == {row.id}
    record_look(tx, cast.paula.id, row.sitting_id, row.id, NOON)
    assert asked(tx, cast.paula) == set()

    with pytest.raises(NotLooked):
        give_opinion(
            tx, cast.rustam, task_for(tx, cast.rustam, ALL, row.id), Decision.CONFIRMED, NOON
        )
    give(tx, cast.rustam, row, Decision.DISMISSED)
    assert asked(tx, cast.rustam) == set()
    with pytest.raises(NoSuchTask):
        task_for(tx, cast.rustam, ALL, row.id)


def test_an_opinion_changes_no_decision_and_no_precision(tx: Session, cast: Cast) -> None:
    row = decided(tx, cast, cast.rita, Decision.CONFIRMED)
    before = precision_of(tx, cast.institution.id)

    give(tx, cast.rustam, row, Decision.DISMISSED)

    assert [each.decision for each in verdicts_of(tx, row.sitting_id)] == [Decision.CONFIRMED]
    assert precision_of(tx, cast.institution.id) == before == {"paste": Precision(1, 1)}
    assert precision_by_version(tx, cast.institution.id) == {("paste", "default"): Precision(1, 1)}


def test_known_innocent_ones_are_mixed_in_by_how_much_one_decides(tx: Session, cast: Cast) -> None:
    control = decided(tx, cast, cast.rita, Decision.DISMISSED)
    give(tx, cast.paula, control, Decision.DISMISSED)
    contested = decided(tx, cast, cast.rita, Decision.DISMISSED)
    give(tx, cast.paula, contested, Decision.CONFIRMED)
    mix = Mix(0, 20)
    for number in range(5):
        assert asked(tx, cast.rustam, mix) == set(), f"after {number} decisions"
        decided(tx, cast, cast.rustam, Decision.CONFIRMED)

    assert asked(tx, cast.rustam, mix) == {control.id}
    give(tx, cast.rustam, control, Decision.CONFIRMED, mix)
    assert asked(tx, cast.rustam, mix) == set()

    pairs = pairs_of(tx, cast.institution.id)
    assert agreement_by_kind(pairs) == {"paste": Agreement(2, 1, 0.0)}
    records = {each.name: each for each in reviewers_of(tx, cast.institution.id, pairs)}
    assert list(records) == ["Paula", "Rita", "Rustam"]
    rustam = records["Rustam"]
    assert (rustam.decided, rustam.controls, rustam.confirmed_controls) == (5, 1, 1)
    assert records["Rita"].agreement == records["Paula"].agreement == Agreement(2, 1, 0.0)
