"""A picture in, the screens and telephones in it out."""

from importlib import import_module
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from biometrics.ids import ModelId
from biometrics.types import Box, Image, Thing

_Numbers = NDArray[np.float32]

_SIDE: Final = 416
_STRIDES: Final = (8, 16, 32)
# of the training pictures, in the order blue, green, red
_MEAN: Final = np.array([103.53, 116.28, 123.675], np.float32)
_DEVIATION: Final = np.array([57.375, 57.12, 58.395], np.float32)
#: the kinds that are looked for, by their number among COCO's eighty
KINDS: Final = {62: "tv", 63: "laptop", 65: "remote", 67: "phone"}
_NMS_OVERLAP: Final = 0.5


class NanoDet:
    """NanoDet on one thread. ``weights``: the registry's file; ``threshold``: cards/nanodet.md.

    Raises ImportError when onnxruntime is not installed.
    """

    def __init__(self, weights: Path, model_id: ModelId, threshold: float) -> None:
        self.model_id = model_id
        self._threshold = threshold
        runtime = import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # what one picture needed is given back: the processes are many
        options.enable_cpu_mem_arena = False
        providers = ["CPUExecutionProvider"]
        self._session: Any = runtime.InferenceSession(str(weights), options, providers=providers)
        self._input = self._session.get_inputs()[0].name

    def detect(self, image: Image) -> tuple[Thing, ...]:
        """Things in *image*, surest first, in its own pixels."""
        height, width = image.shape[:2]
        scale = _SIDE / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        # a picture of other proportions is not stretched: a remote control scored 0.42, not 0.20
        square = np.full((_SIDE, _SIDE, 3), _MEAN, np.float32)
        square[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        planes = ((square - _MEAN) / _DEVIATION).transpose(2, 0, 1)[np.newaxis]
        answers = self._session.run(None, {self._input: planes.astype(np.float32)})
        found = [
            thing
            for stride, scores, sides in zip(_STRIDES, answers[:3], answers[3:], strict=True)
            for thing in _things(stride, scores[0], sides[0], self._threshold)
        ]
        return tuple(
            Thing(thing.kind, _scaled(thing.box, 1 / scale), thing.score) for thing in _best(found)
        )


def _things(stride: int, scores: _Numbers, sides: _Numbers, threshold: float) -> list[Thing]:
    """``scores``: shape (n, 80). ``sides``: shape (n, 44), how far each edge is, in eleven bins."""
    across = _SIDE // stride
    found = []
    for number, kind in KINDS.items():
        for at in np.flatnonzero(scores[:, number] >= threshold):
            x, y = (at % across + 0.5) * stride, (at // across + 0.5) * stride
            left, top, right, bottom = (_expected(sides[at]) * stride).tolist()
            box = Box(float(x - left), float(y - top), left + right, top + bottom)
            found.append(Thing(kind, box, float(scores[at, number])))
    return found


def _expected(sides: _Numbers) -> NDArray[np.float64]:
    bins = sides.reshape(4, -1).astype(np.float64)
    weights = np.exp(bins - bins.max(axis=1, keepdims=True))
    expected: NDArray[np.float64] = weights @ np.arange(bins.shape[1]) / weights.sum(axis=1)
    return expected


def _best(found: list[Thing]) -> list[Thing]:
    """Without those that a surer one of the same kind covers."""
    kept: list[Thing] = []
    for thing in sorted(found, key=lambda each: each.score, reverse=True):
        if all(o.kind != thing.kind or o.box.iou(thing.box) < _NMS_OVERLAP for o in kept):
            kept.append(thing)
    return kept


def _scaled(box: Box, by: float) -> Box:
    return Box(box.left * by, box.top * by, box.width * by, box.height * by)
