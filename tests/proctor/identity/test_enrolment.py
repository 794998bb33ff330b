"""Whose samples make a reference, and when they stop doing so."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlalchemy.orm import Session

from biometrics.types import Box, Portrait, Quality, Template
from keystroke.events import KeyBatch, KeyEvent
from keystroke.zones import Zone
from proctor.identity import enrolment
from proctor.identity.enrolment import FACE_SAMPLES, KEY_SAMPLES, PhotoMatch, Progress
from proctor.identity.tables import Modality, Reference, ReferenceState
from proctor.inference import FaceFinding, FrameAssessment, face_comparison, keystroke_verifier
from proctor.observations import Check, NotAssessed
from proctor.people.tables import Account
from proctor.sittings.tables import SittingState
from proctor.vault import Vault
from tests.support.cast import NOON, Cast
from tests.support.sittings import sitting_of

pytestmark = pytest.mark.db

FACES = face_comparison("opencv")
TYPING = keystroke_verifier(with_network=False)
VAULT = Vault(bytes(32))
CLEAR = Quality(120.0, 50.0, 300.0, covered=False, dark=False, blurred=False)
MINUTE = timedelta(minutes=1)


def picture(person: int) -> FrameAssessment:
    """A good picture of one person; different people point in different directions."""
    template = Template(FACES.model_id, np.eye(128, dtype=np.float32)[person])
    face = FaceFinding(Box(200, 100, 160, 200), 0.95, too_small=False, template=template)
    return FrameAssessment(640, 480, CLEAR, (face,), (FACES.model_id,))


def show(tx: Session, who: Account, person: int, at: datetime = NOON) -> Progress:
    return enrolment.add_face(tx, VAULT, FACES, who.id, picture(person), at)


def write(tx: Session, who: Account, keys: int, at: datetime = NOON) -> Progress:
    presses = tuple(KeyEvent(120.0, Zone.LEFT_INDEX_HOME, 90.0) for _ in range(keys))
    return enrolment.add_typing(tx, VAULT, TYPING, who.id, KeyBatch(0.1, presses), at)


def references(tx: Session, who: Account) -> list[Reference]:
    rows = tx.query(Reference).filter(Reference.account_id == who.id)
    return rows.order_by(Reference.created_at).all()


def test_three_pictures_of_one_face_wait_to_be_confirmed(tx: Session, cast: Cast) -> None:
    progress = [show(tx, cast.alice, 1).accepted for _ in range(4)]
    assert progress == [1, 2, 3, 3]
    (row,) = references(tx, cast.alice)
    assert (row.state, row.samples) == (ReferenceState.PENDING, FACE_SAMPLES)
    assert enrolment.face_reference(tx, VAULT, cast.alice.id, FACES.model_id, NOON + MINUTE) is None
    enrolment.confirm(tx, row.id, cast.olga, "office", NOON)
    found = enrolment.face_reference(tx, VAULT, cast.alice.id, FACES.model_id, NOON + MINUTE)
    assert found is not None


def levels(*of_halves: int) -> bytes:
    return b"".join(bytes([level] * (768 // len(of_halves))) for level in of_halves)


def test_the_same_picture_again_is_no_further_sample(tx: Session, cast: Cast) -> None:
    # encoded anew, and then as little apart as somebody who sits still is in less than a second
    shown = [levels(100, 100), levels(100, 100), levels(100, 100, 100, 101), levels(100, 101)]
    found = [
        enrolment.add_face(
            tx, VAULT, FACES, cast.alice.id, replace(picture(1), fingerprint=each), NOON
        )
        for each in (*shown, shown[0], shown[-1])
    ]
    again = ("same_picture",)
    assert [(each.accepted, each.hints) for each in found] == [
        (1, ()),
        (1, again),
        (1, again),
        (2, ()),
        (2, again),
        (2, again),
    ]
    (row,) = references(tx, cast.alice)
    assert row.fingerprints is not None
    assert levels(100, 100)[:16] not in row.fingerprints
    last = replace(picture(1), fingerprint=levels(90, 90))
    assert enrolment.add_face(tx, VAULT, FACES, cast.alice.id, last, NOON).done
    assert row.fingerprints is None


def test_pictures_of_an_enrolment_broken_off_are_not_known_any_more(
    tx: Session, cast: Cast
) -> None:
    seen = replace(picture(1), fingerprint=levels(100))
    enrolment.add_face(tx, VAULT, FACES, cast.alice.id, seen, NOON)
    (row,) = references(tx, cast.alice)
    enrolment.forget_pictures(tx, NOON + enrolment.SAME_VISIT - timedelta(seconds=1))
    assert row.fingerprints is not None
    enrolment.forget_pictures(tx, NOON + enrolment.SAME_VISIT)
    assert row.fingerprints is None


PORTRAIT = Portrait(66.0, 40.0, 0.06, 0.0, 0.05, -8.0, 0.0, True, True)


def test_the_quality_of_each_sample_stays_with_the_reference(tx: Session, cast: Cast) -> None:
    for portrait in (PORTRAIT, replace(PORTRAIT, yaw_deg=3.0), replace(PORTRAIT, contrast=35.0)):
        seen = replace(picture(1), portrait=portrait)
        enrolment.add_face(tx, VAULT, FACES, cast.alice.id, seen, NOON)
    (row,) = references(tx, cast.alice)
    assert [each["yaw_deg"] for each in row.quality or []] == [-8.0, 3.0, -8.0]
    worst = {"eye_distance_px": 66.0, "yaw_deg": 8.0, "contrast": 35.0, "sharpness": 0.06}
    assert enrolment.quality_of(row) == worst


def test_a_poor_portrait_is_refused_with_what_to_change(tx: Session, cast: Cast) -> None:
    seen = replace(picture(1), portrait=replace(PORTRAIT, yaw_deg=40.0, unevenness=0.5))
    progress = enrolment.add_face(tx, VAULT, FACES, cast.alice.id, seen, NOON)
    assert progress == Progress(0, FACE_SAMPLES, ("turned", "uneven_light"))
    assert references(tx, cast.alice) == []


def leaning(cosine: float) -> FrameAssessment:
    """A picture whose score with the first person is *cosine*."""
    vector = np.zeros(128, np.float32)
    vector[1], vector[2] = cosine, np.sqrt(1 - cosine**2)
    seen = picture(1)
    return replace(seen, faces=(replace(seen.faces[0], template=Template(FACES.model_id, vector)),))


def test_an_id_photo_is_compared_at_its_own_operating_point(tx: Session, cast: Cast) -> None:
    for _ in range(FACE_SAMPLES):
        show(tx, cast.alice, 1)
    point = FACES.operating_points["id_photo"].threshold
    assert point < FACES.operating_points["verification"].threshold
    for score, matched in ((point + 0.01, True), (point - 0.01, False)):
        found = enrolment.match_id_photo(tx, VAULT, FACES, cast.alice.id, leaning(score), NOON)
        assert found == PhotoMatch(matched)
        assert references(tx, cast.alice)[0].id_photo_matched is matched


def test_what_is_wrong_with_an_id_photo_is_told_and_kept(tx: Session, cast: Cast) -> None:
    ghost = replace(picture(1), faces=picture(1).faces * 2)
    assert enrolment.match_id_photo(tx, VAULT, FACES, cast.alice.id, ghost, NOON) == PhotoMatch(
        None, ("many_faces",)
    )
    for _ in range(FACE_SAMPLES):
        show(tx, cast.alice, 1)
    dark = replace(ghost, quality=replace(CLEAR, dark=True))
    late = NotAssessed(Check.FACE, "timeout")
    for photo, hints in ((dark, ("dark", "many_faces")), (late, ("not_assessed",))):
        found = enrolment.match_id_photo(tx, VAULT, FACES, cast.alice.id, photo, NOON)
        assert found == PhotoMatch(None, hints)
        (row,) = references(tx, cast.alice)
        assert enrolment.photo_hints(tx, [row]) == {row.id: list(hints)}
    assert row.id_photo_matched is None
    enrolment.match_id_photo(tx, VAULT, FACES, cast.alice.id, picture(1), NOON)
    assert (row.id_photo_matched, enrolment.photo_hints(tx, [row])) == (True, {})


def test_another_face_does_not_join_the_visit(tx: Session, cast: Cast) -> None:
    show(tx, cast.alice, 1)
    assert show(tx, cast.alice, 2) == Progress(1, FACE_SAMPLES, ("other_face",))


def test_another_face_does_not_replace_a_complete_reference(tx: Session, cast: Cast) -> None:
    for _ in range(FACE_SAMPLES):
        show(tx, cast.alice, 1)
    sealed = references(tx, cast.alice)[0].sealed
    assert show(tx, cast.alice, 2).accepted == FACE_SAMPLES
    assert references(tx, cast.alice)[0].sealed == sealed


def test_more_typing_does_not_change_a_complete_reference(tx: Session, cast: Cast) -> None:
    assert not write(tx, cast.alice, KEY_SAMPLES - 1).done
    assert write(tx, cast.alice, 10).done
    sealed = references(tx, cast.alice)[0].sealed
    assert write(tx, cast.alice, 5000) == Progress(KEY_SAMPLES + 9, KEY_SAMPLES)
    assert references(tx, cast.alice)[0].sealed == sealed


@pytest.mark.parametrize("state", [SittingState.CHECKING, SittingState.RUNNING])
def test_enrolment_is_closed_while_a_sitting_is_open(
    tx: Session, cast: Cast, state: SittingState
) -> None:
    sitting_of(tx, cast, cast.alice, NOON, state)
    with pytest.raises(enrolment.SittingOpen):
        show(tx, cast.alice, 1)
    with pytest.raises(enrolment.SittingOpen):
        write(tx, cast.alice, 10)


def test_no_sample_made_after_a_sitting_was_opened_counts_as_made_before(
    tx: Session, cast: Cast
) -> None:
    show(tx, cast.alice, 1)
    write(tx, cast.alice, 10)
    opened = sitting_of(tx, cast, cast.alice, NOON + 3 * MINUTE, SittingState.CREATED).created_at
    assert show(tx, cast.alice, 1, opened + MINUTE).accepted == 1
    assert write(tx, cast.alice, KEY_SAMPLES, opened + MINUTE).accepted == KEY_SAMPLES
    late = references(tx, cast.alice)[2:]
    assert {row.modality for row in late} == set(Modality)
    assert all(row.created_at > opened for row in late)


def test_an_unfinished_reference_cannot_be_confirmed(tx: Session, cast: Cast) -> None:
    show(tx, cast.alice, 1)
    (row,) = references(tx, cast.alice)
    with pytest.raises(enrolment.NoSuchReference):
        enrolment.confirm(tx, row.id, cast.olga, "office", NOON)


def test_a_new_face_takes_the_place_of_the_old_one_once_confirmed(tx: Session, cast: Cast) -> None:
    for at in (NOON, NOON + timedelta(days=1)):
        for _ in range(FACE_SAMPLES):
            show(tx, cast.alice, 1, at)
        newest = references(tx, cast.alice)[-1]
        enrolment.confirm(tx, newest.id, cast.olga, "office", at)
    states = [row.state for row in references(tx, cast.alice)]
    assert states == [ReferenceState.REVOKED, ReferenceState.CONFIRMED]
