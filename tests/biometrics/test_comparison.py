import pickle

import numpy as np
import pytest

from biometrics.calibration import Calibration, OperatingPoint
from biometrics.comparison import (
    ComparisonScore,
    FaceComparison,
    Measure,
    closeness,
    cosine,
    paired_scores,
)
from biometrics.ids import ModelId
from biometrics.types import Template

pytestmark = pytest.mark.unit

SFACE, DLIB = ModelId("sface", "a"), ModelId("dlib", "a")


def template(first: float, second: float, model_id: ModelId = SFACE) -> Template:
    vector = np.zeros(128, dtype=np.float32)
    vector[:2] = first, second
    return Template(model_id, vector)


def comparison(measure: Measure = "cosine", threshold: float = 0.5) -> FaceComparison:
    point = OperatingPoint("verification", 1e-4, threshold)
    return FaceComparison(SFACE, measure, Calibration(10.0, -4.0), {point.name: point})


def test_cosine_rises_with_likeness_and_ignores_length() -> None:
    assert cosine(template(1, 0), template(5, 0)) == 1.0
    assert cosine(template(1, 0), template(0, 1)) == 0.0
    assert cosine(template(1, 0), template(-1, 0)) == -1.0


def test_cosine_of_a_template_of_zeros_is_refused() -> None:
    with pytest.raises(ValueError, match="no direction"):
        cosine(template(0, 0), template(1, 0))


def test_closeness_is_one_minus_the_distance() -> None:
    assert closeness(template(1, 0), template(1, 0)) == 1.0
    assert closeness(template(3, 0), template(0, 4)) == -4.0


def test_score_leaves_calibrated_and_with_its_model() -> None:
    score = comparison().compare(template(1, 0), template(3, 4))
    assert score.model_id == SFACE
    assert score.score == pytest.approx(0.6)
    assert score.llr == pytest.approx(2.0)


def test_score_equal_to_the_threshold_is_accepted() -> None:
    at, below = ComparisonScore(SFACE, 0.5, 1.0), ComparisonScore(SFACE, 0.4999, 1.0)
    assert comparison().accepts(at, "verification")
    assert not comparison().accepts(below, "verification")


def test_templates_of_another_model_do_not_compare() -> None:
    with pytest.raises(ValueError, match="different models"):
        comparison().compare(template(1, 0), template(1, 0, DLIB))
    with pytest.raises(ValueError, match="different models"):
        comparison().compare(template(1, 0, DLIB), template(1, 0, DLIB))


@pytest.mark.parametrize("tolerance", [0.6, 0.65])
def test_default_tolerance_of_face_recognition_is_refused(tolerance: float) -> None:
    with pytest.raises(ValueError, match=r"0\.6"):
        comparison("closeness", 1 - tolerance)
    assert comparison("closeness", 1 - 0.55).operating_points["verification"].fmr == 1e-4


def test_comparison_survives_the_way_to_a_worker() -> None:
    assert pickle.loads(pickle.dumps(comparison())) == comparison()


@pytest.mark.parametrize("measure", ["cosine", "closeness"])
def test_rows_compare_as_the_templates_do(measure: Measure) -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 5, 128))
    one = {"cosine": cosine, "closeness": closeness}[measure]
    expected = [
        one(Template(SFACE, a), Template(SFACE, b)) for a, b in zip(first, second, strict=True)
    ]
    assert paired_scores(measure, first, second) == pytest.approx(np.array(expected), abs=1e-5)
