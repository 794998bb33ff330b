from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ImageFile

from biometrics.face.detect import YuNet
from biometrics.face.encode import DlibResNet, FaceEncoder, SFace
from biometrics.ids import ModelId
from biometrics.types import Template
from models.registry import open_model
from proctor.inference import Backend, face_comparison

pytestmark = pytest.mark.unit

FACES = sorted(Path("tests/data/faces").glob("*.jpg"))
IDS: dict[Backend, ModelId] = {
    backend: face_comparison(backend).model_id for backend in ("opencv", "dlib")
}


def encoder(backend: Backend, models_dir: Path) -> FaceEncoder:
    if backend == "dlib":
        return DlibResNet(IDS[backend])
    return SFace(open_model("sface", models_dir), IDS[backend])


def templates(backend: Backend, models_dir: Path) -> dict[str, Template]:
    detector = YuNet(open_model("yunet", models_dir), ModelId("yunet", "test"), 0.6)
    net, made = encoder(backend, models_dir), {}
    for path in FACES:
        image = cv2.imread(str(path))
        assert image is not None
        pixels = image.astype(np.uint8)
        made[path.stem] = net.encode(pixels, detector.detect(pixels)[0])
    return made


@pytest.mark.parametrize("backend", ["opencv", "dlib"])
def test_two_stills_of_a_person_match_and_stills_of_two_people_do_not(
    backend: Backend, models_dir: Path
) -> None:
    comparison = face_comparison(backend)
    made = templates(backend, models_dir)
    assert len(made) == 8
    for (first, one), (second, other) in combinations(made.items(), 2):
        mated = first[:-1] == second[:-1]
        score = comparison.compare(one, other)
        assert comparison.accepts(score, "verification") == mated, (first, second)
        assert (score.llr > 0) == mated, (first, second)


def test_sface_template_has_length_one(models_dir: Path) -> None:
    for template in templates("opencv", models_dir).values():
        assert np.linalg.norm(template.vector) == pytest.approx(1.0, abs=1e-6)


def test_torn_images_stay_refused_beside_dlib() -> None:
    DlibResNet(IDS["dlib"])
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
