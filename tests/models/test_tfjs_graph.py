import base64
import json
from typing import Any

import numpy as np
import onnxruntime
import pytest

from models.tfjs_graph import to_onnx

pytestmark = pytest.mark.unit

RANDOM = np.random.default_rng(3)
KERNEL = RANDOM.normal(size=(3, 3, 2, 4)).astype(np.float16)
BIAS = RANDOM.normal(size=4).astype(np.float16)


def op(name: str, kind: str, *inputs: str, **attr: Any) -> dict[str, Any]:
    return {"name": name, "op": kind, "input": list(inputs), "attr": attr}


def graph(nodes: list[dict[str, Any]], constants: dict[str, np.ndarray]) -> tuple[bytes, bytes]:
    """A graph of one 2-channel picture of 6x6, and its weights."""
    placed = {"shape": {"dim": [{"size": str(n)} for n in (1, 2, 6, 6)]}}
    rows = [
        {
            "name": name,
            "shape": list(array.shape),
            "dtype": "float32" if array.dtype == np.float16 else "int32",
            **({"quantization": {"dtype": "float16"}} if array.dtype == np.float16 else {}),
        }
        for name, array in constants.items()
    ]
    described = {
        "modelTopology": {
            "node": [
                op("picture", "Placeholder", shape=placed),
                *(op(name, "Const") for name in constants),
                *nodes,
            ]
        },
        "signature": {"outputs": {"out:0": {}}},
        "weightsManifest": [{"paths": ["a.bin"], "weights": rows}],
    }
    return json.dumps(described).encode(), b"".join(a.tobytes() for a in constants.values())


CONVOLUTION = {
    "strides": {"list": {"i": ["1", "2", "2", "1"]}},
    "dilations": {"list": {"i": ["1", "1", "1", "1"]}},
    "padding": {"s": base64.b64encode(b"VALID").decode()},
}
CONSTANTS: dict[str, np.ndarray] = {
    "pads": np.array([[0, 0], [0, 0], [1, 1], [1, 1]], np.int32),
    "last": np.array([0, 2, 3, 1], np.int32),
    "first": np.array([0, 3, 1, 2], np.int32),
    "kernel": KERNEL,
    "bias": BIAS,
}
NODES = [
    op("padded", "Pad", "picture", "pads"),
    op("turned", "Transpose", "padded", "last"),
    op("swept", "Conv2D", "turned", "kernel", **CONVOLUTION),
    op("moved", "Add", "swept", "bias"),
    op("back", "Transpose", "moved", "first"),
    op("out", "LeakyRelu", "back", alpha={"f": 0.1}),
]


def by_hand(picture: np.ndarray) -> np.ndarray:
    wide = np.pad(picture, ((0, 0), (0, 0), (1, 1), (1, 1)))
    swept = np.zeros((1, 4, 3, 3))
    for y in range(3):
        for x in range(3):
            patch = wide[0, :, 2 * y : 2 * y + 3, 2 * x : 2 * x + 3]
            swept[0, :, y, x] = np.einsum("cij,ijco->o", patch, KERNEL.astype(np.float64))
    swept += BIAS.astype(np.float64)[None, :, None, None]
    return np.where(swept > 0, swept, 0.1 * swept)


def test_a_padded_turned_convolution_computes_what_it_did() -> None:
    session = onnxruntime.InferenceSession(
        to_onnx(*graph(NODES, CONSTANTS)), providers=["CPUExecutionProvider"]
    )
    picture = RANDOM.normal(size=(1, 2, 6, 6)).astype(np.float32)
    (found,) = session.run(None, {"picture": picture})
    np.testing.assert_allclose(found, by_hand(picture), atol=1e-5)


def test_an_unknown_operation_is_refused() -> None:
    nodes = [*NODES[:-1], op("out", "Erf", "back")]
    with pytest.raises(ValueError, match="Erf"):
        to_onnx(*graph(nodes, CONSTANTS))


def test_weights_that_are_not_the_graph_s_are_refused() -> None:
    described, weights = graph(NODES, CONSTANTS)
    with pytest.raises(ValueError, match="not those of the graph"):
        to_onnx(described, weights + b"1234")


def test_a_convolution_of_another_layout_is_refused() -> None:
    nodes = [*NODES[:1], op("swept", "Conv2D", "padded", "kernel", **CONVOLUTION), *NODES[3:]]
    with pytest.raises(ValueError, match="channels last"):
        to_onnx(*graph(nodes, CONSTANTS))
