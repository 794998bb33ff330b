from pathlib import Path

import cv2
import numpy as np
import pytest

from biometrics.ids import ModelId
from biometrics.objects import NanoDet
from biometrics.types import Box, Image
from models.registry import open_model
from tests.support.telephone import with_telephone

pytestmark = pytest.mark.unit

FACE = Path("tests/data/faces/family2-man1.jpg")


@pytest.fixture(scope="module")
def detector(models_dir: Path) -> NanoDet:
    return NanoDet(open_model("nanodet", models_dir), ModelId("test", "1"), 0.15)


def room(width: int = 640, height: int = 480) -> Image:
    """A face in a picture of a webcam's size."""
    face = cv2.imread(str(FACE))
    assert face is not None
    scale = min(width / face.shape[1], height / face.shape[0])
    small = cv2.resize(face, None, fx=scale, fy=scale)
    picture = np.full((height, width, 3), 150, np.uint8)
    picture[: small.shape[0], -small.shape[1] :] = small
    return picture


@pytest.mark.parametrize("size", [(640, 480), (480, 640)])
def test_a_telephone_is_found_where_it_is(detector: NanoDet, size: tuple[int, int]) -> None:
    things = detector.detect(with_telephone(room(*size), 40, 200, 160))
    assert things[0].kind == "phone"
    assert things[0].score > 0.4
    assert things[0].box.iou(Box(40, 200, 80, 160)) > 0.7


def test_a_face_alone_is_no_telephone(detector: NanoDet) -> None:
    assert detector.detect(room()) == ()


def test_things_come_surest_first_and_each_once(detector: NanoDet) -> None:
    picture = with_telephone(with_telephone(room(), 20, 240, 160), 520, 60, 120)
    things = [thing for thing in detector.detect(picture) if thing.kind == "phone"]
    assert [things[0].score, things[1].score] == sorted(
        (thing.score for thing in things), reverse=True
    )[:2]
    assert things[0].box.iou(things[1].box) == 0.0
