"""Models as the registry describes them: which belong to a backend, how their scores are read."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from biometrics.calibration import Calibration, OperatingPoint
from biometrics.comparison import FaceComparison, Measure
from biometrics.ids import ModelId
from models.registry import Entry, open_model, read_own, read_registry

if TYPE_CHECKING:
    from keystroke.verifiers.free_text import FreeTextVerifier

Backend = Literal["opencv", "dlib", "dlib-compat"]
DETECTOR = "yunet"
ENCODERS: dict[Backend, str] = {
    "opencv": "sface",
    "dlib": "dlib-resnet",
    "dlib-compat": "dlib-resnet",
}
#: the detector inside dlib, which has no weights of its own
DLIB_HOG = ModelId("dlib-hog", "20")
MESH, IRIS = "face-mesh", "iris"
THINGS = "nanodet"
_BESIDE: dict[Backend, tuple[str, ...]] = {
    "opencv": (),
    "dlib": ("dlib-five-points",),
    "dlib-compat": ("dlib-five-points",),
}


def model_id_of(entry: Entry) -> ModelId:
    return ModelId(entry.name, entry.version)


def open_all(backend: Backend, models_dir: Path) -> dict[str, Path]:
    """The file of every model that *backend* works with, each checked. Raises ModelRefused."""
    names = (DETECTOR, MESH, IRIS, THINGS, ENCODERS[backend], *_BESIDE[backend])
    return {name: open_model(name, models_dir) for name in names}


@dataclass(frozen=True)
class OwnPad:
    """A PAD network that the institution has its own licence for."""

    path: Path
    sha256: str

    @property
    def model_id(self) -> ModelId:
        return ModelId(self.path.stem, self.sha256[:8])

    def read(self) -> bytes:
        """Raises ModelRefused."""
        return read_own(self.path, self.sha256)


def face_comparison(backend: Backend) -> FaceComparison:
    """How templates of *backend* compare, with the operating points of its model card."""
    entry = read_registry().models[ENCODERS[backend]]
    points = [OperatingPoint(**row) for row in entry.operating_points]
    return FaceComparison(
        model_id_of(entry),
        cast(Measure, entry.measure),
        Calibration(**entry.calibration),
        {point.name: point for point in points},
    )


@cache
def stricter_points() -> dict[str, tuple[OperatingPoint, OperatingPoint]]:
    """By id of the face model, the point its comparisons are decided at and the stricter one.

    They serve an institution's own calibration too, whose scores are on the model's scale.
    """
    found = {}
    for entry in read_registry().models.values():
        points = {row["name"]: OperatingPoint(**row) for row in entry.operating_points}
        if len(points) > 1:
            found[str(model_id_of(entry))] = points["verification"], points["enrolment"]
    return found


def keystroke_verifier(*, with_network: bool = True) -> "FreeTextVerifier":
    """The verifier of free typing; where onnxruntime is missing, without its network.

    References made with the network do not serve the verifier without, nor the other way round.
    Raises ModelRefused.
    """
    # they bring scikit-learn, which every worker process would hold without any use for it
    from threadpoolctl import threadpool_limits

    from keystroke.verifiers.count_plda import CountPlda
    from keystroke.verifiers.free_text import FreeTextVerifier, load_weighing
    from keystroke.verifiers.network import open_embedder

    # the matrices are small: a second thread waits for its share ten times as long as it works
    threadpool_limits(1)
    here = Path()
    population = CountPlda.load(open_model("keystroke-plda", here))
    embedder = open_embedder(open_model("keystroke-network", here)) if with_network else None
    weighings = open_model("keystroke-free-text", here)
    return FreeTextVerifier(
        population, embedder, load_weighing(weighings, fused=embedder is not None)
    )
