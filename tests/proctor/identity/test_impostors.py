from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy.orm import Session

from biometrics.protection import Rotation
from biometrics.types import Template
from proctor.identity import protection
from proctor.identity.impostors import Measured, compare_everybody, newest, note
from proctor.identity.tables import Modality, Reference, ReferenceState
from proctor.inference import face_comparison
from proctor.people.tables import Account
from proctor.vault import Vault
from tests.support.cast import NOON, assemble

pytestmark = pytest.mark.db

VAULT = Vault(bytes(32))
COMPARISON = face_comparison("opencv")
TURN = Rotation.from_key(bytes(32))


def reference(
    tx: Session,
    person: Account,
    degrees: float,
    *,
    rotation: int = 1,
    state: ReferenceState = ReferenceState.CONFIRMED,
) -> None:
    vector = np.zeros(128, np.float32)
    vector[:2] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    template = TURN.apply(Template(COMPARISON.model_id, vector))
    tx.add(
        Reference(
            account_id=person.id,
            modality=Modality.FACE,
            model_id=str(COMPARISON.model_id),
            samples=1,
            sealed=protection.seal(tx, VAULT, person.id, [template]),
            rotation=rotation,
            state=state,
            created_at=NOON,
            expires_at=NOON + timedelta(days=1),
        )
    )
    tx.flush()


def test_every_two_people_are_compared_once(tx: Session) -> None:
    cast = assemble(tx)
    reference(tx, cast.alice, 0)
    reference(tx, cast.bob, 60)
    reference(tx, cast.charlie, 90)
    found = compare_everybody(tx, VAULT, COMPARISON, cast.institution.id, NOON)
    assert found.people == 3
    assert sorted(found.scores) == pytest.approx([0.0, 0.5, np.sqrt(0.75)], abs=1e-6)


def test_pending_and_expired_references_and_other_rotations_are_not_compared(tx: Session) -> None:
    cast = assemble(tx)
    reference(tx, cast.alice, 0)
    reference(tx, cast.bob, 0, state=ReferenceState.PENDING)
    reference(tx, cast.charlie, 0, rotation=2)
    found = compare_everybody(tx, VAULT, COMPARISON, cast.institution.id, NOON)
    assert (found.people, found.scores.size) == (2, 0)
    later = compare_everybody(tx, VAULT, COMPARISON, cast.institution.id, NOON + timedelta(days=2))
    assert later.people == 0


def test_the_newest_measurement_is_what_the_office_sees(tx: Session) -> None:
    cast = assemble(tx)
    home = cast.alice.institution_id
    assert newest(tx, home) is None
    for person, degrees in ((cast.alice, 0), (cast.bob, 10)):
        reference(tx, person, degrees)
    for minutes in (0, 5):
        at = NOON + timedelta(minutes=minutes)
        note(tx, COMPARISON, home, compare_everybody(tx, VAULT, COMPARISON, home, at), at)
    assert newest(tx, home) == Measured(NOON + timedelta(minutes=5), 2, 1, 1)
    assert newest(tx, "another") is None
