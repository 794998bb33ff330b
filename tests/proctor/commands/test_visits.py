"""Enrolment of a portrait as it comes: whole, too tight, or with other people in it."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import cast

import pytest
from PIL import Image
from sqlalchemy.orm import Session

from biometrics.types import Box, Quality
from proctor.commands import typist, visits
from proctor.commands.seed import seed_demo
from proctor.commands.typist import Press
from proctor.identity import enrolment
from proctor.identity.tables import Modality
from proctor.inference import FaceFinding, FrameAssessment, keystroke_verifier
from proctor.inference.pool import InferencePool
from proctor.observations import NotAssessed
from proctor.people import consents
from proctor.people.tables import Purpose
from proctor.vault import Vault

pytestmark = pytest.mark.db

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
TYPING = keystroke_verifier(with_network=False)
GOOD = Quality(
    brightness=120.0, contrast=50.0, sharpness=100.0, covered=False, dark=False, blurred=False
)
Seen = FrameAssessment | NotAssessed


def face(width: float, *, too_small: bool = False) -> FaceFinding:
    return FaceFinding(Box(20.0, 20.0, width, width * 1.3), 0.9, too_small, None)


def seen(*faces: FaceFinding) -> FrameAssessment:
    return FrameAssessment(200, 240, GOOD, faces, ())


class ScriptedPool:
    """Answers with one assessment after the other, and keeps what it was shown."""

    def __init__(self, *answers: Seen) -> None:
        self._answers: Iterator[Seen] = iter(answers)
        self.sizes: list[tuple[int, int]] = []

    def submit_image(self, data: bytes, *, embed: bool, portrait: bool) -> Future[Seen]:
        assert embed
        with Image.open(BytesIO(data)) as image:
            self.sizes.append(image.size)
        answer: Future[Seen] = Future()
        answer.set_result(next(self._answers))
        return answer


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    path = tmp_path / "portrait.png"
    Image.new("RGB", (200, 240), (120, 100, 90)).save(path)
    return path


@pytest.fixture
def assess(portrait: Path) -> Callable[[ScriptedPool], FrameAssessment]:
    return lambda pool: visits.assess_portrait(cast(InferencePool, pool), portrait)


def test_a_good_portrait_is_looked_at_once(
    assess: Callable[[ScriptedPool], FrameAssessment],
) -> None:
    pool = ScriptedPool(seen(face(80.0)))
    assert assess(pool) == seen(face(80.0))
    assert pool.sizes == [(200, 240)]


def test_a_face_that_fills_the_picture_is_given_room(
    assess: Callable[[ScriptedPool], FrameAssessment],
) -> None:
    pool = ScriptedPool(seen(), seen(face(80.0)))
    assess(pool)
    assert pool.sizes == [(200, 240), (400, 480)]


def test_the_largest_of_several_faces_is_enrolled(
    assess: Callable[[ScriptedPool], FrameAssessment],
) -> None:
    pool = ScriptedPool(seen(face(80.0), face(40.0)), seen(face(200.0)))
    assert assess(pool) == seen(face(200.0))
    # 80 px of face and half of it on each side, as far as the picture reaches, 480 px high
    assert pool.sizes[1] == (382, 480)


def test_a_portrait_without_a_face_is_refused(
    assess: Callable[[ScriptedPool], FrameAssessment],
) -> None:
    with pytest.raises(visits.PortraitRefused, match="no_face"):
        assess(ScriptedPool(seen(), seen()))


def test_a_portrait_that_could_not_be_assessed_is_refused(
    assess: Callable[[ScriptedPool], FrameAssessment],
) -> None:
    with pytest.raises(visits.PortraitRefused, match="not_assessed"):
        assess(ScriptedPool(NotAssessed("face", "worker_crashed")))


def test_each_typing_session_is_a_confirmed_reference_of_its_own_day(tx: Session) -> None:
    seeded = seed_demo(tx, "Test University", NOW)
    learner, vault = seeded.learners[0], Vault(bytes(32))
    desk = visits.Desk(tx, vault, seeded.office, NOW)
    sessions = typist.read_sessions(
        Path(typist.__file__).parent / "material" / "typing_honest.json"
    )[:2]
    for _ in range(2):
        visits.enrol_typing(desk, TYPING, learner, sessions)
    sums = enrolment.typing_reference(tx, vault, learner.id, TYPING.model_id, before=NOW)
    assert len(sums) == 2
    assert enrolment.status(tx, learner.id, NOW)[Modality.KEYSTROKE] == "confirmed"


def test_too_little_typing_is_not_confirmed(tx: Session) -> None:
    seeded = seed_demo(tx, "Test University", NOW)
    learner = seeded.learners[0]
    desk = visits.Desk(tx, Vault(bytes(32)), seeded.office, NOW)
    visits.enrol_typing(desk, TYPING, learner, [(Press("KeyA", 0.0, 90.0),)])
    assert enrolment.status(tx, learner.id, NOW)[Modality.KEYSTROKE] == "missing"


def test_the_learner_consented_to_everything_before_enrolling(tx: Session) -> None:
    seeded = seed_demo(tx, "Test University", NOW)
    vault = Vault(bytes(32))
    visits.consent(visits.Desk(tx, vault, seeded.office, NOW), seeded.learners[0])
    assert consents.current(tx, vault, seeded.learners[0].id) == dict.fromkeys(Purpose, True)
