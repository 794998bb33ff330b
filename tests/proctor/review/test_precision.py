"""What decisions say about a detector, and when it is switched off."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from proctor import events
from proctor.review.looks import record_view
from proctor.review.precision import (
    LEAST_CASES,
    NoSuchDetector,
    Precision,
    detectors_of,
    precision_of,
    switch_on,
    switched_off,
)
from proctor.review.tables import Decision
from proctor.review.verdicts import decide_incident
from proctor.sittings.tables import Sitting
from tests.support.cast import NOON, Cast
from tests.support.sittings import incident_of, sitting_of

pytestmark = pytest.mark.db

REASON = "It is plain in the recording."


@pytest.fixture
def sitting(tx: Session, cast: Cast) -> Sitting:
    row = sitting_of(tx, cast, cast.alice, NOON)
    record_view(tx, cast.rita.id, row.id, "recording", "camera", NOON)
    return row


def decide(
    tx: Session,
    cast: Cast,
    sitting: Sitting,
    kind: str,
    confirmed: int,
    dismissed: int,
    hour: int = 0,
) -> None:
    decisions = [Decision.CONFIRMED] * confirmed + [Decision.DISMISSED] * dismissed
    for second, decision in enumerate(decisions):
        row = incident_of(tx, sitting, kind, second, second)
        at = NOON + timedelta(hours=hour, seconds=second)
        decide_incident(tx, cast.rita, sitting, row.id, decision, REASON, at)


def test_the_decision_in_force_counts_once(tx: Session, cast: Cast, sitting: Sitting) -> None:
    decide(tx, cast, sitting, "paste", confirmed=2, dismissed=1)
    undecided = incident_of(tx, sitting, "paste", 50, 50)
    changed = incident_of(tx, sitting, "paste", 60, 60)
    for minute, decision in enumerate([Decision.CONFIRMED, Decision.DISMISSED], start=1):
        at = NOON + timedelta(minutes=minute)
        decide_incident(tx, cast.rita, sitting, changed.id, decision, REASON, at)

    assert undecided.id
    assert precision_of(tx, cast.institution.id) == {"paste": Precision(2, 4)}


def test_a_detector_overturned_in_more_than_half_of_thirty_cases_is_off(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    decide(tx, cast, sitting, "focus_lost", confirmed=14, dismissed=LEAST_CASES - 15)
    assert switched_off(tx, cast.institution.id) == frozenset()

    decide(tx, cast, sitting, "focus_lost", confirmed=0, dismissed=1, hour=1)

    assert switched_off(tx, cast.institution.id) == {"focus_lost"}
    (event,) = events.read(tx, f"detectors:{cast.institution.id}")
    assert event.payload == {"kind": "focus_lost", "confirmed": 14, "decided": LEAST_CASES}


def test_half_is_not_more_than_half(tx: Session, cast: Cast, sitting: Sitting) -> None:
    decide(tx, cast, sitting, "focus_lost", confirmed=15, dismissed=15)

    assert switched_off(tx, cast.institution.id) == frozenset()


def test_a_detector_of_identity_is_announced_and_stays_on(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    decide(tx, cast, sitting, "face_mismatch", confirmed=2, dismissed=28)

    assert switched_off(tx, cast.institution.id) == frozenset()
    announced = [each.kind for each in detectors_of(tx, cast.institution.id) if each.needs_notice]
    assert announced == ["face_mismatch"]


def test_switched_on_again_only_newer_decisions_count(
    tx: Session, cast: Cast, sitting: Sitting
) -> None:
    decide(tx, cast, sitting, "paste", confirmed=0, dismissed=LEAST_CASES)
    switch_on(tx, cast.olga, "paste", NOON + timedelta(hours=1))

    decide(tx, cast, sitting, "paste", confirmed=0, dismissed=LEAST_CASES - 1, hour=2)
    assert switched_off(tx, cast.institution.id) == frozenset()
    with pytest.raises(NoSuchDetector):
        switch_on(tx, cast.olga, "paste", NOON + timedelta(hours=3))

    decide(tx, cast, sitting, "paste", confirmed=0, dismissed=1, hour=4)
    assert switched_off(tx, cast.institution.id) == {"paste"}


@pytest.mark.parametrize(
    ("precision", "expected"), [(Precision(), 0.5), (Precision(14, 100), 15 / 102)]
)
def test_few_decisions_move_the_expectation_little(precision: Precision, expected: float) -> None:
    assert precision.expected == expected
