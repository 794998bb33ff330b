from pathlib import Path

import cv2
import numpy as np
import pytest

from biometrics.face.detect import YuNet
from biometrics.ids import ModelId
from biometrics.types import Image
from models.registry import open_model

pytestmark = pytest.mark.unit

FACES = Path("tests/data/faces")


@pytest.fixture(scope="module")
def detector(models_dir: Path) -> YuNet:
    return YuNet(open_model("yunet", models_dir), ModelId("yunet", "test"), 0.6)


def still(name: str) -> Image:
    image = cv2.imread(str(FACES / name))
    assert image is not None
    return image.astype(np.uint8)


def on_canvas(*places: tuple[str, int, int, int]) -> Image:
    """Stills of the given height on a grey 640x480 frame, by name, left, top and height."""
    canvas = np.full((480, 640, 3), 128, dtype=np.uint8)
    for name, left, top, height in places:
        face = still(name)
        width = round(face.shape[1] * height / face.shape[0])
        canvas[top : top + height, left : left + width] = cv2.resize(face, (width, height))
    return canvas


@pytest.mark.parametrize("path", sorted(FACES.glob("*.jpg")), ids=lambda path: path.stem)
def test_one_face_in_each_portrait(detector: YuNet, path: Path) -> None:
    (face,) = detector.detect(still(path.name))
    assert face.landmarks.right_eye[0] < face.landmarks.nose[0] < face.landmarks.left_eye[0]
    assert face.landmarks.nose[1] < face.landmarks.left_mouth[1]


def test_no_face_in_an_empty_room(detector: YuNet) -> None:
    assert detector.detect(on_canvas()) == ()


def test_two_faces_come_largest_first_where_they_are(detector: YuNet) -> None:
    frame = on_canvas(("family1-dad1.jpg", 20, 100, 150), ("family2-lady1.jpg", 300, 50, 300))
    near, far = detector.detect(frame)
    assert near.box.left > 300 > far.box.left
    assert near.box.area > far.box.area


def test_boxes_are_in_pixels_of_the_picture_whatever_its_size(detector: YuNet) -> None:
    frame = on_canvas(("family2-man1.jpg", 200, 60, 360))
    (face,) = detector.detect(frame)
    (doubled,) = detector.detect(cv2.resize(frame, (1280, 960)).astype(np.uint8))
    assert doubled.box.left == pytest.approx(2 * face.box.left, abs=8)
    assert doubled.box.width == pytest.approx(2 * face.box.width, rel=0.05)


def test_portrait_and_landscape_pictures_take_turns(detector: YuNet) -> None:
    frame = on_canvas(("family2-man1.jpg", 200, 60, 360))
    first = detector.detect(frame)
    assert len(detector.detect(still("family2-man1.jpg"))) == 1
    assert detector.detect(frame) == first
