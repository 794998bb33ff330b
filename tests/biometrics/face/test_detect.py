from pathlib import Path

import cv2
import numpy as np
import pytest

from biometrics.face.detect import FAR, DlibHog, YuNet, beside
from biometrics.ids import ModelId
from biometrics.types import Box, FaceSample, Image
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


def test_dlibs_own_detector_finds_one_box_without_landmarks() -> None:
    image = cv2.imread("tests/data/faces/family1-dad1.jpg")
    assert image is not None
    (face,), _ = DlibHog(ModelId("dlib-hog", "test")).survey(image.astype(np.uint8))
    assert face.landmarks is None
    assert face.box.width > 60


def test_a_far_face_inside_a_near_one_is_not_another_person() -> None:
    def face(left: float, size: float) -> FaceSample:
        return FaceSample(Box(left, 100, size, size), None, 0.9)

    near = (face(200, 200),)
    far = (face(210, 180), face(20, 40), face(500, 30))
    assert beside(near, far) == far[1:]
    assert beside((), far) == far


def test_a_small_face_is_found_in_the_larger_size_only(detector: YuNet) -> None:
    image = cv2.imread("tests/data/faces/family1-dad1.jpg")
    assert image is not None
    near, far = detector, detector.at(FAR, 0.6)
    (large,) = near.detect(image.astype(np.uint8))
    scale = 28 / large.box.height
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    frame = np.full((480, 640, 3), 128, np.uint8)
    frame[100 : 100 + small.shape[0], 300 : 300 + small.shape[1]] = small
    assert [len(near.detect(frame)), len(far.detect(frame))] == [0, 1]
    faces, (doubtful,) = near.survey(frame)
    assert faces == ()
    assert far.detect(frame)[0].box.holds(doubtful.box)


def test_a_face_that_is_sure_leaves_no_doubt(detector: YuNet) -> None:
    faces, doubtful = detector.survey(on_canvas(("family2-man1.jpg", 200, 60, 360)))
    assert (len(faces), doubtful) == (1, ())
