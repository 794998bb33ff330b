"""A face in, how live a network that the institution brought takes it to be out."""

from functools import cached_property
from importlib import import_module
from typing import Any

import cv2
import numpy as np

from biometrics.ids import ModelId
from biometrics.types import Box, FaceSample, Image

# as MiniFASNet of 2.7_80x80 was trained; which of its classes is a living face
_SIDE, _AROUND = 80, 2.7
_LIVE = 1


class PadNetwork:
    """An ONNX network: BGR float32, 0 to 255, shape (1, 3, 80, 80) in, one logit a class out.

    It is opened at the first look, which raises what onnxruntime does with bytes it cannot run.
    """

    def __init__(self, weights: bytes, model_id: ModelId) -> None:
        self.model_id = model_id
        self._weights = weights

    @cached_property
    def _session(self) -> Any:
        runtime = import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        providers = ["CPUExecutionProvider"]
        return runtime.InferenceSession(self._weights, options, providers=providers)

    def look(self, image: Image, face: FaceSample) -> float:
        """Softmax of its class 1, in [0, 1], higher = more like a living face.

        Raises FloatingPointError when it answers with what is no number.
        """
        crop = cv2.resize(_around(image, face.box), (_SIDE, _SIDE))
        planes = crop.transpose(2, 0, 1)[np.newaxis].astype(np.float32)
        answers = self._session.run(None, {self._session.get_inputs()[0].name: planes})
        logits = np.asarray(answers[0][0], np.float64)
        if not np.isfinite(logits).all():
            raise FloatingPointError("a logit is not finite")
        shares = np.exp(logits - logits.max())
        return float(shares[_LIVE] / shares.sum())


def _around(image: Image, face: Box) -> Image:
    """The box enlarged by 2.7 about its centre, by less where the picture is smaller, moved
    inside the picture."""
    height, width = image.shape[:2]
    by = min(_AROUND, (height - 1) / face.height, (width - 1) / face.width)
    sides = by * face.width, by * face.height
    left = min(max(0.0, face.left + face.width / 2 - sides[0] / 2), width - 1 - sides[0])
    top = min(max(0.0, face.top + face.height / 2 - sides[1] / 2), height - 1 - sides[1])
    rows = slice(int(top), int(top + sides[1]) + 1)
    return image[rows, int(left) : int(left + sides[0]) + 1]
