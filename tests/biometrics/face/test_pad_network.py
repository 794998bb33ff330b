"""A network that the institution brought, made here: its classes are blue, green and red."""

import numpy as np
import pytest

from biometrics.face.pad_network import PadNetwork
from biometrics.ids import ModelId
from biometrics.types import Box, FaceSample
from models.onnx_graph import model, node

pytestmark = pytest.mark.unit

NAMED = ModelId("colours", "1")


def colours() -> bytes:
    mean = node("ReduceMean", ["face"], ["logits"], {"axes": (2, 3), "keepdims": 0})
    return model([mean], {}, {"face": (1, 3, 80, 80)}, {"logits": (1, 3)})


@pytest.fixture
def network() -> PadNetwork:
    return PadNetwork(colours(), NAMED)


def shown(face: Box, size: tuple[int, int] = (480, 640)) -> np.ndarray:
    """Green as far as the network should see around *face*, red beyond."""
    picture = np.zeros((*size, 3), np.uint8)
    picture[..., 2] = 255
    middle = face.left + face.width / 2, face.top + face.height / 2
    half = 1.35 * face.width, 1.35 * face.height
    rows = slice(max(0, round(middle[1] - half[1])), round(middle[1] + half[1]) + 2)
    columns = slice(max(0, round(middle[0] - half[0])), round(middle[0] + half[0]) + 2)
    picture[rows, columns] = (0, 255, 0)
    return picture


def test_class_one_is_a_living_face_two_point_seven_boxes_wide(network: PadNetwork) -> None:
    box = Box(280, 180, 80, 100)
    assert network.look(shown(box), FaceSample(box, None, 0.9)) == pytest.approx(1.0)
    # more red than green lies around half of the box
    half = Box(300, 205, 40, 50)
    assert network.look(shown(half), FaceSample(box, None, 0.9)) == pytest.approx(0.0, abs=1e-6)
    assert network.look(np.zeros((480, 640, 3), np.uint8), FaceSample(box, None, 0.9)) == (
        pytest.approx(1 / 3)
    )


@pytest.mark.parametrize(
    "box", [Box(-20, -10, 200, 260), Box(560, 400, 120, 160), Box(0, 0, 640, 480)]
)
def test_a_face_at_the_edge_is_looked_at_inside_the_picture(network: PadNetwork, box: Box) -> None:
    green = np.zeros((480, 640, 3), np.uint8)
    green[..., 1] = 255
    assert network.look(green, FaceSample(box, None, 0.9)) == pytest.approx(1.0)


def test_an_answer_that_is_no_number_is_a_failed_look() -> None:
    # the mean of blue, green and red is 0, and its logarithm no number
    graph = [
        node("ReduceMean", ["face"], ["means"], {"axes": (2, 3), "keepdims": 0}),
        node("Log", ["means"], ["logits"], {}),
    ]
    logs = model(graph, {}, {"face": (1, 3, 80, 80)}, {"logits": (1, 3)})
    with pytest.raises(FloatingPointError):
        PadNetwork(logs, NAMED).look(
            np.zeros((480, 640, 3), np.uint8), FaceSample(Box(9, 9, 80, 80), None, 0.9)
        )


def test_what_is_no_network_fails_at_the_look() -> None:
    bad = PadNetwork(b"no network", NAMED)
    with pytest.raises(Exception, match=r"(?i)protobuf|fail"):
        bad.look(np.zeros((480, 640, 3), np.uint8), FaceSample(Box(9, 9, 80, 80), None, 0.9))
