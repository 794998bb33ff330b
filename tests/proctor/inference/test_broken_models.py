"""Every model broken in turn, seen as a sitting sees it: nothing looks like a clean result."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from biometrics.types import Template
from proctor.exams.thresholds import ExamRules
from proctor.identity.checks import FaceIdentity
from proctor.incidents.kinds import Kind
from proctor.incidents.replay import incidents_under
from proctor.inference import FrameAssessment, Looks, timed
from proctor.inference.pool import InferencePool
from proctor.inference.worker import Models
from proctor.live.faces import FaceWatch
from proctor.media.frames import EncodedFrame
from proctor.observations import Check, NotAssessed, Observation, Track
from proctor.settings import Settings
from tests.support.broken_models import break_model

pytestmark = pytest.mark.media

FILM = Path("proctor/commands/material/camera_honest.mp4")


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


async def watched(
    pool: InferencePool, keyframe: bytes, seconds: int
) -> tuple[Counter[str], list[tuple[str, object]]]:
    """How often each check failed in so many looks of a sitting, and kind and reason of incidents
    beside those of the film, which stands still.
    """
    (model_id,) = {pool.comparison.model_id}
    reference = Template(model_id, np.eye(128, dtype=np.float32)[0])
    whole = pool.submit_frame("VP8", keyframe, Looks(embed=True)).result()
    if isinstance(whole, FrameAssessment) and whole.faces and whole.faces[0].template:
        reference = whole.faces[0].template
    watch = FaceWatch(pool, "sitting", FaceIdentity(pool.comparison, reference))
    items: list[Observation | NotAssessed] = []
    for s in range(seconds):
        frame = EncodedFrame(Track.CAMERA, "VP8", 0, float(s), True, keyframe)
        items += (await watch.look(frame, float(s))).items
    failed = Counter(item.check for item in items if isinstance(item, NotAssessed))
    return failed, [
        (found.kind.value, found.evidence.get("reason"))
        for found in incidents_under(ExamRules(), items, None)
        if found.kind is not Kind.CAMERA_FROZEN
    ]


#: by model, the checks that cannot be made without it in 18 looks, and how often each was due
WITHOUT = {
    "detector": {"face": 18, "far": 2, "gaze": 9, "things": 1, "presentation": 1},
    "far_detector": {"far": 2},
    "encoder": {"identity": 18},
    "mesh": {"gaze": 9},
    "things": {"things": 1, "presentation": 1},
    "pad": {"pad_network": 1},
}


def test_every_model_is_broken_here() -> None:
    assert set(WITHOUT) == {field.name for field in fields(Models)}


@pytest.mark.parametrize("name", WITHOUT)
async def test_a_model_that_raises_is_not_assessed_and_takes_no_other_check_with_it(
    pool: InferencePool, keyframe: bytes, name: str
) -> None:
    pool.submit(break_model, name).result()
    failed, incidents = await watched(pool, keyframe, 18)
    pool.submit(break_model, None).result()
    assert failed == WITHOUT[name]
    told = [("identity_not_assessed", "assessment_failed")]
    assert incidents == (told if name in ("detector", "encoder") else [])
    assert await watched(pool, keyframe, 3) == (Counter(), [])


async def test_a_model_that_never_ends_is_given_up_and_its_worker_replaced(
    pool: InferencePool, keyframe: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.submit(break_model, "far_detector", 60.0).result()
    with monkeypatch.context() as patched:
        patched.setattr(pool, "_timeout_s", 1.0)
        failed, _ = await watched(pool, keyframe, 1)
    assert failed == {"face": 1, "far": 1, "gaze": 1}
    # nothing is left of the broken one in the new process
    assert await watched(pool, keyframe, 3) == (Counter(), [])


async def test_a_frame_of_nothing_is_not_a_clean_result(pool: InferencePool) -> None:
    failed, incidents = await watched(pool, b"", 18)
    assert failed["face"] == 18
    assert incidents == [("identity_not_assessed", "undecodable")]


async def test_no_model_looks_at_a_covered_picture(pool: InferencePool) -> None:
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 640, 480, "yuv420p"
    encoder.time_base = Fraction(1, 5)
    flat = av.VideoFrame.from_ndarray(np.full((480, 640, 3), 90, np.uint8), format="rgb24")
    covered = b"".join(bytes(p) for p in [*encoder.encode(flat), *encoder.encode(None)])
    # whatever were asked here would fail
    pool.submit(break_model, "detector").result()
    failed, incidents = await watched(pool, covered, 18)
    frame = EncodedFrame(Track.CAMERA, "VP8", 0, 0.0, True, covered)
    said = (await FaceWatch(pool, "sitting", None).look(frame, 0.0)).items
    pool.submit(break_model, None).result()
    assert failed["face"] == 0
    # nobody looked for faces: their number is not known
    assert [each.name for each in said if isinstance(each, Observation)] == ["camera"]
    assert failed["things"] == failed["presentation"] == 1
    assert incidents == [("camera_covered", None)]


async def test_a_still_is_refused_when_any_look_at_it_fails(pool: InferencePool) -> None:
    picture = Path("tests/data/faces/family2-man1.jpg").read_bytes()
    pool.submit(break_model, "mesh").result()
    failed = await pool.assess_image(picture, embed=True, portrait=True)
    pool.submit(break_model, None).result()
    assert failed == NotAssessed(Check.FACE, "assessment_failed")
