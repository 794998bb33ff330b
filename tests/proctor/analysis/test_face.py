from dataclasses import replace

import numpy as np
import pytest

from biometrics.ids import ModelId
from biometrics.types import Box, Gaze, Quality, Thing
from proctor.analysis import face
from proctor.analysis.scene import Scene
from proctor.exams.thresholds import ExamRules
from proctor.identity.checks import ProbePlan
from proctor.incidents.kinds import Kind
from proctor.incidents.replay import incidents_under
from proctor.inference import FaceFinding, FrameAssessment
from proctor.observations import NotAssessed, Observation

pytestmark = pytest.mark.unit

FACE = FaceFinding(Box(200, 100, 200, 200), 0.9, False, None)


def frame(*, far: int | None = None, gaze: Gaze | None = None) -> FrameAssessment:
    return FrameAssessment(
        width=640,
        height=480,
        quality=Quality(100.0, 50.0, 100.0, False, False, False),
        faces=(FACE,),
        model_ids=(ModelId("test", "1"),),
        fingerprint=np.zeros(768, np.uint8).tobytes(),
        far_faces=far,
        gaze=gaze,
    )


def facts(scene: Scene, seen: FrameAssessment | NotAssessed) -> dict[str, dict[str, object]]:
    found = face.observe(seen, None, ProbePlan(), scene, probe_due=False, at_s=1.0, jitter=0.0)
    return {item.name: dict(item.values) for item in found.items if isinstance(item, Observation)}


def test_faces_behind_count_with_those_in_front() -> None:
    assert facts(Scene(), frame(far=2))["faces"] == {"count": 3, "box_px": 200, "far": True}
    assert facts(Scene(), frame())["faces"]["count"] == 1


def test_a_covered_picture_that_nobody_looked_at_has_no_number_of_faces() -> None:
    covered = replace(frame(), faces=(), quality=replace(frame().quality, covered=True))
    assert set(facts(Scene(), covered)) == {"camera"}
    two, dark = Observation("face", "faces", 0.0, {"count": 2}), facts(Scene(), covered)["camera"]
    items = [replace(two, at_s=float(s)) for s in range(6)]
    items += [Observation("face", "camera", float(s), {**dark}) for s in range(6, 20)]
    found = incidents_under(ExamRules(), items, None)
    # the second person may be there all the time, and that nobody is, nobody saw
    assert [(each.kind, each.end_s) for each in found] == [
        (Kind.MULTIPLE_FACES, None),
        (Kind.CAMERA_COVERED, None),
    ]


def test_a_picture_that_does_not_change_is_said_to_be_still() -> None:
    scene = Scene()
    assert [facts(scene, frame())["camera"]["still"] for _ in range(2)] == [False, True]


def test_the_direction_of_the_eyes_is_said_once_it_means_something() -> None:
    scene = Scene()
    straight = [facts(scene, frame(gaze=Gaze(0.0, 0.0, 0.45))) for _ in range(10)]
    assert ["gaze" in each for each in straight] == [False] * 9 + [True]
    assert straight[-1]["gaze"] == {"away": False}
    assert facts(scene, frame(gaze=Gaze(0.0, 0.0, 0.30)))["gaze"] == {"away": True}


def test_a_telephone_is_said_when_it_was_looked_for() -> None:
    scene, phone = Scene(), (Thing("phone", Box(0, 0, 40, 80), 0.5),)
    assert "things" not in facts(scene, frame())
    said = [facts(scene, replace(frame(), things=phone))["things"] for _ in range(2)]
    assert said == [{"phone": False}, {"phone": True}]


def test_a_frame_that_was_not_assessed_says_nothing_else() -> None:
    found = face.observe(
        NotAssessed("face", "timeout"),
        None,
        ProbePlan(),
        Scene(),
        probe_due=False,
        at_s=7.0,
        jitter=0.0,
    )
    assert found.items == (NotAssessed("face", "timeout", 7.0),)
    assert found.unprobed == "timeout"
