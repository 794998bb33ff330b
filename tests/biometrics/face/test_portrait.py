from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from biometrics.face.detect import YuNet
from biometrics.face.fitness import faults
from biometrics.face.gaze import FaceMesh
from biometrics.face.portrait import assess
from biometrics.ids import ModelId
from biometrics.types import Box, FaceSample, Gaze, Image, Landmarks, Portrait
from models.registry import open_model

pytestmark = pytest.mark.unit

FACES = Path("tests/data/faces")
GOOD = Portrait(70.0, 40.0, 0.06, 0.0, 0.05, 5.0, 0.0, True, True)


@pytest.fixture(scope="module")
def detector(models_dir: Path) -> YuNet:
    return YuNet(open_model("yunet", models_dir), ModelId("yunet", "test"), 0.6)


@pytest.fixture(scope="module")
def mesh(models_dir: Path) -> FaceMesh:
    files = (open_model(name, models_dir) for name in ("face-mesh", "iris"))
    return FaceMesh(*files, ModelId("face-mesh", "test"))


def still(name: str) -> Image:
    image = cv2.imread(str(FACES / name))
    assert image is not None
    return image.astype(np.uint8)


@pytest.mark.parametrize("path", sorted(FACES.glob("*.jpg")), ids=lambda path: path.stem)
def test_every_portrait_is_a_good_sample(detector: YuNet, mesh: FaceMesh, path: Path) -> None:
    image = still(path.name)
    (face,) = detector.detect(image)
    assert faults(assess(image, face, mesh.look(image, face))) == ()


def test_light_and_focus_are_told_from_the_face_alone(detector: YuNet) -> None:
    image = still("family1-dad1.jpg")
    (face,), ahead = detector.detect(image), Gaze(0.0, 0.0, 0.5)
    across = np.linspace(-0.3, 1.6, image.shape[1])[None, :, None]
    changed = {
        "too_bright": np.clip(image * 2.5, 0, 255),
        "little_light": image * 0.15,
        "uneven_light": np.clip(image * across, 0, 255),
        "blurred": cv2.GaussianBlur(image, (25, 25), 0),
    }
    told = {
        name: faults(assess(picture.astype(np.uint8), face, ahead))[:1]
        for name, picture in changed.items()
    }
    assert told == {name: (name,) for name in changed}


def test_eyes_are_measured_between_their_centres_and_edges_cut() -> None:
    image = np.full((100, 100, 3), 128, np.uint8)
    eyes = Landmarks((30.0, 40.0), (60.0, 80.0), (0, 0), (0, 0), (0, 0))
    found = assess(image, FaceSample(Box(20, 20, 81, 60), eyes, 0.9), Gaze(0.0, 0.0, None))
    assert found.eye_distance_px == 50.0
    assert (found.whole, found.eyes_open) == (False, False)
    inside = assess(image, FaceSample(Box(20, 20, 80, 60), None, 1.0), Gaze(0.0, 0.0, 0.5))
    assert inside.whole
    assert (inside.contrast, inside.sharpness) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("portrait", "fault"),
    [
        (replace(GOOD, eye_distance_px=35.0), "too_small"),
        (replace(GOOD, whole=False), "cut_off"),
        (replace(GOOD, yaw_deg=-31.0), "turned"),
        (replace(GOOD, pitch_deg=41.0), "tilted"),
        (replace(GOOD, pitch_deg=-31.0), "tilted"),
    ],
)
def test_what_keeps_a_portrait_from_use(portrait: Portrait, fault: str) -> None:
    assert faults(portrait) == (fault,)


@pytest.mark.parametrize("pitch_deg", [-10.0, 35.0])
def test_a_head_as_upright_ones_were_measured_is_no_fault(pitch_deg: float) -> None:
    assert faults(replace(GOOD, pitch_deg=pitch_deg)) == ()


def test_closed_eyes_are_no_fault() -> None:
    assert faults(replace(GOOD, eyes_open=False)) == ()


@pytest.mark.parametrize("left", [-60.0, -44.0, -20.0, 620.0, 636.0, 700.0])
def test_a_face_cut_by_the_edge_is_not_whole(left: float) -> None:
    image = np.full((480, 640, 3), 200, np.uint8)
    face = FaceSample(Box(left, 100.0, 50.0, 60.0), None, 0.9)
    assert "cut_off" in faults(assess(image, face, Gaze(0.0, 0.0, 0.5)))
