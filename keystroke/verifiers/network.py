"""The embedding network: ordered presses in, one unit vector for each window of about fifty."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from keystroke.presses import Floats, Presses
from keystroke.template import N_EMBEDDING, Sums
from keystroke.verifiers.channels import channels

WINDOW: Final = 50
# below this a window says too little to be averaged with others
SHORTEST_WINDOW: Final = 25


class Embedder:
    """A network of ``recipes/keystroke_network.py``, run on one thread of the processor."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def embed(self, presses: Presses) -> Floats:
        """Unit vectors of the windows of *presses*, shape (n, 64); n is 0 for too few presses."""
        symbols, timings = channels(presses)
        n = max(1, round(len(symbols) / WINDOW))
        length = len(symbols) // n
        if length < SHORTEST_WINDOW:
            return np.zeros((0, N_EMBEDDING))
        cut = n * length
        windows = {
            "symbols": symbols[:cut].reshape(n, length),
            "timings": timings[:cut].reshape(n, length, -1),
        }
        (vectors,) = self._session.run(None, windows)
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(unit, np.float64)

    def sums(self, presses: Presses) -> Sums:
        """Sums of *presses* with the vectors of their windows."""
        return Sums.from_presses(presses).embedded(self.embed(presses))


def open_embedder(weights: Path) -> Embedder | None:
    """The network in an ONNX file; None where onnxruntime is not installed."""
    if find_spec("onnxruntime") is None:
        return None
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    return Embedder(runtime.InferenceSession(str(weights), options, providers=providers))
