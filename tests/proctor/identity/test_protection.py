from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from biometrics.comparison import cosine
from biometrics.types import Box, Quality, Template
from proctor.identity import enrolment, protection
from proctor.identity.checks import FaceIdentity
from proctor.identity.protection import TemplateKey
from proctor.identity.tables import Reference
from proctor.inference import FaceFinding, FrameAssessment, face_comparison
from proctor.people.tables import Account
from proctor.vault import KeyDestroyed, SubjectKey, Vault
from tests.support.cast import NOON, Cast, assemble

pytestmark = pytest.mark.db

VAULT = Vault(bytes(32))
COMPARISON = face_comparison("opencv")
LATER = NOON + timedelta(days=1)


def template(seed: int) -> Template:
    vector = np.random.default_rng(seed).normal(size=128)
    return Template(COMPARISON.model_id, vector / np.linalg.norm(vector))


def frame(seed: int) -> FrameAssessment:
    face = FaceFinding(Box(200, 100, 200, 200), 0.9, False, template(seed))
    quality = Quality(100.0, 50.0, 100.0, False, False, False)
    return FrameAssessment(640, 480, quality, (face,), (COMPARISON.model_id,))


def enrolled(tx: Session, cast: Cast, learner: Account, seed: int) -> Reference:
    for _ in range(enrolment.FACE_SAMPLES):
        progress = enrolment.add_face(tx, VAULT, COMPARISON, learner.id, frame(seed), NOON)
        assert progress.hints == ()
    row = tx.scalars(select(Reference).where(Reference.account_id == learner.id)).one()
    enrolment.confirm(tx, row.id, cast.olga, "office", NOON)
    return row


def identity(tx: Session, learner: Account) -> FaceIdentity:
    found = enrolment.face_reference(tx, VAULT, learner.id, COMPARISON.model_id, LATER)
    assert found is not None
    return FaceIdentity(COMPARISON, found.template, found.rotation)


def test_what_is_stored_is_unrelated_to_what_was_measured_and_compares_all_the_same(
    tx: Session,
) -> None:
    cast = assemble(tx)
    row = enrolled(tx, cast, cast.alice, 1)
    assert row.rotation == 1
    for stored in protection.templates_of(tx, VAULT, row):
        assert abs(cosine(stored, template(1))) < 0.4
    check = identity(tx, cast.alice)
    assert check.add(template(1)).score.score == pytest.approx(1.0, abs=1e-5)
    assert check.add(template(2)).score.score == pytest.approx(
        cosine(template(1), template(2)), abs=1e-5
    )


def test_after_a_renewal_people_match_and_the_old_copy_does_not(tx: Session) -> None:
    cast = assemble(tx)
    row = enrolled(tx, cast, cast.alice, 1)
    enrolled(tx, cast, cast.bob, 2)
    copy = protection.templates_of(tx, VAULT, row)[0]
    assert protection.renew_all(tx, VAULT, cast.institution.id, LATER) == 2
    assert identity(tx, cast.alice).add(template(1)).score.score == pytest.approx(1.0, abs=1e-5)
    assert identity(tx, cast.bob).add(template(2)).score.score == pytest.approx(1.0, abs=1e-5)
    assert abs(cosine(copy, protection.templates_of(tx, VAULT, row)[0])) < 0.4
    with pytest.raises(KeyDestroyed):
        protection.rotation(tx, VAULT, cast.alice.id, 1)
    old = tx.scalars(select(TemplateKey).where(TemplateKey.number == 1)).one()
    assert (old.wrapped, old.destroyed_at) == (b"", LATER)


def test_a_renewal_passes_over_people_who_were_erased(tx: Session) -> None:
    cast = assemble(tx)
    enrolled(tx, cast, cast.alice, 1)
    enrolled(tx, cast, cast.bob, 2)
    key = tx.get_one(SubjectKey, cast.bob.id)
    key.wrapped, key.destroyed_at = b"", NOON
    assert protection.renew_all(tx, VAULT, cast.institution.id, LATER) == 1
    with pytest.raises(KeyDestroyed):
        identity(tx, cast.bob)


def test_references_from_before_there_were_rotations_are_turned_by_the_first_renewal(
    tx: Session,
) -> None:
    cast = assemble(tx)
    row = enrolled(tx, cast, cast.alice, 1)
    row.rotation = protection.AS_MEASURED
    row.sealed = protection.seal(tx, VAULT, cast.alice.id, [template(1)] * 3)
    assert identity(tx, cast.alice).add(template(1)).score.score == pytest.approx(1.0, abs=1e-5)
    protection.renew_all(tx, VAULT, cast.institution.id, LATER)
    assert row.rotation == 2
    assert abs(cosine(protection.templates_of(tx, VAULT, row)[0], template(1))) < 0.4
    assert identity(tx, cast.alice).add(template(1)).score.score == pytest.approx(1.0, abs=1e-5)


def test_an_id_photo_is_compared_under_the_same_rotation(tx: Session) -> None:
    cast = assemble(tx)
    for _ in range(enrolment.FACE_SAMPLES):
        enrolment.add_face(tx, VAULT, COMPARISON, cast.alice.id, frame(1), NOON)
    compared = [
        enrolment.match_id_photo(tx, VAULT, COMPARISON, cast.alice.id, frame(seed), NOON).matched
        for seed in (1, 2)
    ]
    assert compared == [True, False]
