import numpy as np
import pytest

from biometrics.ids import ModelId
from biometrics.types import Box, Template, mean_template

pytestmark = pytest.mark.unit

SFACE, DLIB = ModelId("sface", "a"), ModelId("dlib", "a")


def constant(number: float, model_id: ModelId = SFACE) -> Template:
    return Template(model_id, np.full(128, number, dtype=np.float32))


def test_overlap_of_boxes() -> None:
    box = Box(0, 0, 10, 10)
    assert box.iou(box) == 1.0
    assert box.iou(Box(5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert box.iou(Box(10, 0, 10, 10)) == 0.0
    assert Box(0, 0, 0, 0).iou(Box(0, 0, 0, 0)) == 0.0


def test_template_is_read_back_from_its_bytes() -> None:
    template = Template(SFACE, np.arange(128, dtype=np.float32))
    data = template.to_bytes()
    assert len(data) == 512
    assert Template.from_bytes(SFACE, data).vector.tolist() == template.vector.tolist()


def test_template_of_other_shape_or_without_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="128"):
        Template(SFACE, np.zeros(127, dtype=np.float32))
    with pytest.raises(ValueError, match="128"):
        constant(float("nan"))


def test_template_neither_changes_nor_follows_the_array_it_was_made_from() -> None:
    source = np.zeros(128, dtype=np.float32)
    template = Template(SFACE, source)
    source[0] = 1.0
    assert template.vector[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        template.vector[0] = 1.0


def test_mean_of_templates() -> None:
    mean = mean_template([constant(1.0), constant(2.0), constant(6.0)])
    assert mean.model_id == SFACE
    assert mean.vector.tolist() == [3.0] * 128


def test_mean_of_none_or_of_two_models_is_refused() -> None:
    with pytest.raises(ValueError, match="one model"):
        mean_template([])
    with pytest.raises(ValueError, match="one model"):
        mean_template([constant(1.0), constant(1.0, DLIB)])
