from pathlib import Path
from statistics import mean

import av
import cv2
import numpy as np
import pytest

from biometrics.face.detect import YuNet
from biometrics.face.gaze import FaceMesh
from biometrics.ids import ModelId
from biometrics.types import FaceSample, Gaze, Image
from models.registry import open_model

pytestmark = pytest.mark.unit

MODEL = ModelId("test", "1")
FACES = Path("tests/data/faces")
FILM = Path("proctor/commands/material/camera_honest.mp4")


@pytest.fixture(scope="module")
def mesh(models_dir: Path) -> FaceMesh:
    return FaceMesh(open_model("face-mesh", models_dir), open_model("iris", models_dir), MODEL)


@pytest.fixture(scope="module")
def detector(models_dir: Path) -> YuNet:
    return YuNet(open_model("yunet", models_dir), MODEL, 0.6)


def look(mesh: FaceMesh, detector: YuNet, image: Image) -> Gaze:
    face: FaceSample = detector.detect(image)[0]
    return mesh.look(image, face)


def still(name: str) -> Image:
    image = cv2.imread(str(FACES / f"{name}.jpg"))
    assert image is not None
    return image.astype(np.uint8)


@pytest.mark.parametrize("name", ["family1-dad1", "family2-man1", "family2-lady1"])
def test_a_mirrored_face_is_turned_the_other_way(
    mesh: FaceMesh, detector: YuNet, name: str
) -> None:
    picture = still(name)
    there = look(mesh, detector, picture).yaw_deg
    back = look(mesh, detector, np.ascontiguousarray(picture[:, ::-1])).yaw_deg
    assert abs(there + back) < 8.0
    assert abs(there) < 40.0


def test_the_iris_of_a_person_who_looks_ahead_lies_near_the_middle(
    mesh: FaceMesh, detector: YuNet
) -> None:
    with av.open(str(FILM)) as film:
        frames = [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)][:60:6]
    irises = [look(mesh, detector, frame.astype(np.uint8)).iris for frame in frames]
    known = [iris for iris in irises if iris is not None]
    assert len(known) == len(frames)
    assert 0.35 < mean(known) < 0.55
