"""Face calibration and its figures from labelled stills: ``FOLDER/<person>/<photo>.jpg``.

python -m models.recipes.face_calibration sface var/models FOLDER
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np

from biometrics.calibration import Calibration
from biometrics.comparison import closeness, cosine
from biometrics.error_rates import Scores, eer, fmr, fnmr, interval
from biometrics.face.detect import YuNet
from biometrics.face.encode import DlibResNet, FaceEncoder, SFace
from biometrics.ids import ModelId
from biometrics.types import FaceSample, Image, Template
from models.registry import Entry, open_model, read_registry

MEASURES = {"cosine": cosine, "closeness": closeness}


def encoder_of(entry: Entry, target: Path) -> FaceEncoder:
    """The encoder that *entry* describes, its weights checked."""
    model_id = ModelId(entry.name, entry.version)
    weights = open_model(entry.name, target)
    return DlibResNet(model_id) if entry.installed else SFace(weights, model_id)


def detector_of(target: Path) -> YuNet:
    entry = read_registry().models["yunet"]
    assert entry.detection_threshold is not None
    weights = open_model("yunet", target)
    return YuNet(weights, ModelId("yunet", entry.version), entry.detection_threshold)


@dataclass(frozen=True, eq=False)
class Still:
    """A picture of one person; its folder has their name."""

    path: Path
    image: Image
    face: FaceSample
    template: Template

    @property
    def person(self) -> str:
        return self.path.parent.name


def stills(folder: Path, encoder: FaceEncoder, detector: YuNet) -> Iterator[Still]:
    """Each still that shows one face.

    One with no face or several is left out and printed: its label could mean any of them.
    """
    for path in sorted(folder.glob("*/*.jpg")):
        picture = cv2.imread(str(path))
        assert picture is not None
        image = picture.astype(np.uint8, copy=False)
        faces = detector.detect(image)
        if len(faces) == 1:
            yield Still(path, image, faces[0], encoder.encode(image, faces[0]))
        else:
            print(f"{len(faces)} faces:", path.name)


def scores(found: list[Still], measure: str) -> tuple[Scores, Scores]:
    """Mated and non-mated scores of all pairs."""
    compare = MEASURES[measure]
    pairs = [
        (a.person == b.person, compare(a.template, b.template)) for a, b in combinations(found, 2)
    ]
    mated = np.array([score for same, score in pairs if same])
    return mated, np.array([score for same, score in pairs if not same])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=["sface", "dlib-resnet"])
    parser.add_argument("target", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    entry = read_registry().models[options.model]
    assert entry.measure is not None
    encoder, detector = encoder_of(entry, options.target), detector_of(options.target)
    found = list(stills(options.folder, encoder, detector))
    mated, non_mated = scores(found, entry.measure)
    fitted = Calibration.fit(mated, non_mated)
    print(f"{len({each.person for each in found})} people, {len(found)} stills")
    print(f"mated n={mated.size} mean {mated.mean():.3f} min {mated.min():.3f}")
    print(f"non-mated n={non_mated.size} mean {non_mated.mean():.3f} max {non_mated.max():.3f}")
    print(f"EER {eer(mated, non_mated):.4f}, fitted {fitted}")
    for point in entry.operating_points:
        threshold = float(point["threshold"])
        accepted = round(fmr(non_mated, threshold) * non_mated.size)
        rejected = round(fnmr(mated, threshold) * mated.size)
        print(point["name"], threshold, f"llr {fitted.llr(threshold):.2f}")
        print(f"  FMR {accepted}/{non_mated.size}", interval(accepted, non_mated.size))
        print(f"  FNMR {rejected}/{mated.size}", interval(rejected, mated.size))


if __name__ == "__main__":
    main()
