"""Every model broken in turn: nothing of it looks like a clean result."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from proctor.analysis import face
from proctor.analysis.scene import Scene
from proctor.exams.thresholds import ExamRules
from proctor.identity.checks import ProbePlan
from proctor.incidents.replay import incidents_under
from proctor.inference import InferencePool, Looks, timed
from proctor.inference.worker import Models
from proctor.observations import NotAssessed
from proctor.settings import Settings
from tests.support.broken_models import break_model

pytestmark = pytest.mark.media

FILM = Path("proctor/commands/material/camera_honest.mp4")
EVERYTHING = Looks(embed=True, far=True, gaze=True, things=True, presentation=True)
MODELS = [field.name for field in fields(Models)]


@pytest.fixture(scope="module")
def pool() -> Iterator[InferencePool]:
    models_dir = Settings().models_dir
    made = InferencePool(workers=1, models_dir=models_dir, backend="opencv", timeout_s=60.0)
    yield made
    made.close()


@pytest.fixture(scope="module")
def keyframe(pool: InferencePool) -> bytes:
    (encoded,) = pool.submit(timed.keyframes, FILM, 1).result()
    assert isinstance(encoded, bytes)
    return encoded


def incidents_of(failed: NotAssessed, seconds: int = 20) -> list[tuple[str, object]]:
    """Kind and reason of what the rules make of a check that fails second after second."""
    items = [
        item
        for s in range(seconds)
        for item in face.observe(
            failed, None, ProbePlan(), Scene(), probe_due=True, at_s=float(s), jitter=0.0
        ).items
    ]
    found = incidents_under(ExamRules(), items, None)
    return [(incident.kind.value, incident.evidence["reason"]) for incident in found]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_raises_is_not_assessed_and_the_reviewer_is_told(
    pool: InferencePool, keyframe: bytes, name: str
) -> None:
    pool.submit(break_model, name).result()
    failed = pool.submit_frame("VP8", keyframe, EVERYTHING).result()
    assert failed == NotAssessed("face", "assessment_failed")
    assert incidents_of(failed) == [("identity_not_assessed", "assessment_failed")]
    pool.submit(break_model, None).result()
    assert not isinstance(pool.submit_frame("VP8", keyframe, EVERYTHING).result(), NotAssessed)


def test_a_model_that_never_ends_is_given_up_and_its_worker_replaced(
    pool: InferencePool, keyframe: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.submit(break_model, "things", 60.0).result()
    with monkeypatch.context() as patched:
        patched.setattr(pool, "_timeout_s", 1.0)
        failed = pool.submit_frame("VP8", keyframe, EVERYTHING).result()
    assert failed == NotAssessed("face", "timeout")
    assert incidents_of(failed) == [("identity_not_assessed", "timeout")]
    assert not isinstance(pool.submit_frame("VP8", keyframe, EVERYTHING).result(), NotAssessed)


def test_a_frame_of_nothing_is_not_a_clean_result(pool: InferencePool) -> None:
    failed = pool.submit_frame("VP8", b"", EVERYTHING).result()
    assert failed == NotAssessed("face", "undecodable")
    assert incidents_of(failed) == [("identity_not_assessed", "undecodable")]
