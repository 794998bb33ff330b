import tracemalloc
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy.orm import Session

from biometrics.cohort import own_scores
from biometrics.protection import Rotation
from biometrics.types import Template
from proctor import events
from proctor.clock import TIME_ZONE
from proctor.identity import calibrations, nightly, protection
from proctor.identity.impostors import (
    Impostors,
    Measured,
    Own,
    comparable,
    compare_everybody,
    newest,
)
from proctor.identity.nightly import measure
from proctor.identity.tables import ReferenceState
from proctor.inference import face_comparison
from proctor.people.tables import Account
from proctor.plumbing.db import Database
from proctor.vault import Vault
from tests.support.cast import NOON, Cast, assemble
from tests.support.references import reference_of

pytestmark = pytest.mark.db

VAULT = Vault(bytes(32))
COMPARISON = face_comparison("opencv")
TURN = Rotation.from_key(bytes(32))


@pytest.fixture
def cast(database: Database) -> Cast:
    with database.transaction() as tx:
        return assemble(tx)


def reference(
    tx: Session,
    person: Account,
    degrees: float,
    *,
    rotation: int = 1,
    state: ReferenceState = ReferenceState.CONFIRMED,
    days: int = 1,
) -> None:
    vector = np.zeros(128, np.float32)
    vector[:2] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    template = TURN.apply(Template(COMPARISON.model_id, vector))
    reference_of(
        tx,
        person,
        NOON,
        days=days,
        model_id=str(COMPARISON.model_id),
        samples=1,
        sealed=protection.seal(tx, VAULT, person.id, [template]),
        rotation=rotation,
        state=state,
    )


def test_every_two_people_are_compared_once(database: Database, cast: Cast) -> None:
    with database.transaction() as tx:
        reference(tx, cast.alice, 0)
        reference(tx, cast.bob, 60)
        reference(tx, cast.charlie, 10)
    found = measure(database, VAULT, COMPARISON, cast.institution.id, NOON)
    assert (found.people, found.compared) == (3, 3)
    assert found.accepted == dict.fromkeys(COMPARISON.operating_points, 3)
    assert found.highest == pytest.approx(np.cos(np.radians(10)), abs=1e-6)


def test_pending_and_expired_references_and_other_rotations_are_not_compared(
    database: Database, cast: Cast
) -> None:
    with database.transaction() as tx:
        reference(tx, cast.alice, 0)
        reference(tx, cast.bob, 0, state=ReferenceState.PENDING)
        reference(tx, cast.charlie, 0, rotation=2)
    found = measure(database, VAULT, COMPARISON, cast.institution.id, NOON)
    assert (found.people, found.compared, found.highest) == (2, 0, None)
    later = measure(database, VAULT, COMPARISON, cast.institution.id, NOON + timedelta(days=2))
    assert later.people == 0


def test_the_newest_measurement_of_the_scores_in_force_is_what_the_office_sees(
    database: Database, cast: Cast
) -> None:
    home, model = cast.institution.id, COMPARISON.model_id
    with database.transaction() as tx:
        for person, degrees in ((cast.alice, 0), (cast.bob, 10)):
            reference(tx, person, degrees)
    for minutes in (0, 5):
        measure(database, VAULT, COMPARISON, home, NOON + timedelta(minutes=minutes))
    with database.reading() as tx:
        assert newest(tx, home, model) == Measured(NOON + timedelta(minutes=5), 2, 1, 1)
        assert newest(tx, "another", model) is None
        assert newest(tx, home, model.calibrated(1)) is None
        assert newest(tx, home, face_comparison("dlib").model_id) is None


def test_a_measurement_from_before_scores_had_names_is_that_of_its_model(
    database: Database, cast: Cast
) -> None:
    home, model = cast.institution.id, COMPARISON.model_id
    told = {"people": 2, "compared": 1, "accepted": 0, "model": str(model), "threshold": 0.428}
    with database.transaction() as tx:
        events.append(tx, f"institution:{home}", "impostors_measured", told, NOON)
        assert newest(tx, home, model) == Measured(NOON, 2, 1, 0)


def test_nobody_who_writes_waits_for_the_comparing(
    database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = cast.institution.id
    with database.transaction() as tx:
        for person in (cast.alice, cast.bob):
            reference(tx, person, 0)
    compare = nightly.compare_everybody

    def while_somebody_writes(*given: Any) -> Impostors:
        with database.transaction() as tx:
            events.append(tx, "sitting:x", "heard", {}, NOON)
        return compare(*given)

    monkeypatch.setattr(nightly, "compare_everybody", while_somebody_writes)
    assert measure(database, VAULT, COMPARISON, home, NOON).compared == 1


def test_many_people_are_not_held_as_pairs() -> None:
    people = np.random.default_rng(0).normal(size=(700, 128))
    tracemalloc.start()
    found = compare_everybody(COMPARISON, None, [people])
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.compared == 700 * 699 // 2
    assert held < 10e6


def test_a_calibration_in_force_is_what_is_measured() -> None:
    random = np.random.default_rng(1)
    crowd = random.normal(size=(80, 128)) + 0.9
    own = Own(3, COMPARISON, NOON)
    centred, plain = (compare_everybody(COMPARISON, each, [crowd]) for each in (own, None))
    known = [[Template(COMPARISON.model_id, each)] for each in crowd]
    expected = own_scores("cosine", known)[1]
    assert expected is not None
    assert centred.highest == pytest.approx(expected.non_mated.max(), abs=1e-6)
    accepted = int((expected.non_mated >= 0.428).sum())
    assert centred.accepted["verification"] == accepted != plain.accepted["verification"]
    assert (str(centred.scores), centred.people) == ("sface/2021dec-int8bq+own3", 80)
    points = dict(COMPARISON.operating_points)
    points["verification"] = replace(points["verification"], threshold=0.45)
    stricter = Own(4, replace(COMPARISON, operating_points=points), NOON)
    passed = compare_everybody(COMPARISON, stricter, [crowd]).accepted["verification"]
    assert passed == int((expected.non_mated >= 0.45).sum()) < accepted
    # fewer than sixty under one rotation are compared as the card says
    few = compare_everybody(COMPARISON, own, [crowd[:40], crowd[40:]])
    assert few.highest == max(
        compare_everybody(COMPARISON, None, [half]).highest for half in (crowd[:40], crowd[40:])
    )


def test_every_night_each_institution_is_measured_once(database: Database, cast: Cast) -> None:
    home, model = cast.institution.id, COMPARISON.model_id
    with database.transaction() as tx:
        reference(tx, cast.alice, 0, days=30)
        assert comparable(tx, COMPARISON, NOON) == []
        reference(tx, cast.bob, 0, days=30)
        assert comparable(tx, COMPARISON, NOON) == [home]

    def measured_at(at: datetime) -> datetime | None:
        nightly.round(database, VAULT, COMPARISON, at)
        with database.reading() as tx:
            found = newest(tx, home, model)
        return found.at if found else None

    # NOON is 17:00 there, and the first measurement waits for no night
    three = NOON.replace(hour=3, tzinfo=TIME_ZONE) + timedelta(days=1)
    assert measured_at(NOON) == NOON
    assert measured_at(NOON + timedelta(hours=5)) == NOON
    assert measured_at(three - timedelta(minutes=1)) == NOON
    assert measured_at(three) == three
    assert measured_at(three + timedelta(hours=1)) == three
    # what is put in force is measured at the next round
    with database.transaction() as tx:
        calibrations.put_in_force(tx, COMPARISON, home, {}, three)
        assert newest(tx, home, model.calibrated(1)) is None
    nightly.round(database, VAULT, COMPARISON, three + timedelta(hours=2))
    with database.reading() as tx:
        assert newest(tx, home, model.calibrated(1)) is not None
