"""How far photographs of documents, imitated from labelled stills, reach the card's thresholds.

Each still of ``FOLDER/<person>/<photo>.jpg`` is made a small, pale, printed portrait under fine
lines that somebody took a picture of, several times over, and compared with every other still.

python -m models.recipes.id_photos sface var/models FOLDER
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from biometrics.error_rates import interval
from biometrics.types import Image
from models.recipes.face_calibration import MEASURES, detector_of, encoder_of, stills
from models.registry import read_registry

# of each still
_TAKES = 8


def imitated(image: Image, face_height: float, random: np.random.Generator) -> Image:
    """The still as the portrait of a document: its face 55 to 130 px high, printed, taken again."""
    scale = random.uniform(55, 130) / face_height
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    colour = random.uniform(0.0, 1.0)
    pale = colour * small + (1 - colour) * grey
    pale = 128 + random.uniform(0.6, 0.9) * (pale - 128) + random.uniform(0, 25)
    rows, columns = np.mgrid[: small.shape[0], : small.shape[1]]
    lines = np.sin(rows / random.uniform(0.8, 2.0) + np.sin(columns / random.uniform(4.0, 12.0)))
    pale += random.uniform(2, 8) * lines[..., None]
    pale = cv2.GaussianBlur(pale, (0, 0), random.uniform(0.5, 1.1))
    pale += random.normal(0, random.uniform(2, 6), small.shape)
    middle = (small.shape[1] / 2, small.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(middle, random.uniform(-6, 6), 1.0)
    taken = cv2.warpAffine(pale, turn, small.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(40, 85))]
    _, encoded = cv2.imencode(".jpg", np.clip(taken, 0, 255).astype(np.uint8), quality)
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=["sface", "dlib-resnet"])
    parser.add_argument("target", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    entry = read_registry().models[options.model]
    encoder, compare = encoder_of(entry, options.target), MEASURES[str(entry.measure)]
    detector = detector_of(options.target)
    random = np.random.default_rng(0)
    found, photos, lost = [], [], 0
    for still in stills(options.folder, encoder, detector):
        found.append(still)
        for _ in range(_TAKES):
            photo = imitated(still.image, still.face.box.height, random)
            shown = detector.detect(photo)
            if len(shown) == 1:
                photos.append((still, encoder.encode(photo, shown[0])))
            else:
                lost += 1
    print(f"{len(found)} stills of {len({each.person for each in found})} people; not found {lost}")
    pairs = [
        (one.person == other.person, compare(one.template, photo))
        for one in found
        for other, photo in photos
        if one is not other
    ]
    mated = np.array([score for same, score in pairs if same])
    non_mated = np.array([score for same, score in pairs if not same])
    print(f"mated n={mated.size}, non-mated n={non_mated.size}")
    for point in entry.operating_points:
        threshold = float(point["threshold"])
        missed, passed = int((mated < threshold).sum()), int((non_mated >= threshold).sum())
        low, high = interval(missed, mated.size), interval(passed, non_mated.size)
        print(f"{point['name']} {threshold} FNMR {missed} {low} FMR {passed} {high}")


if __name__ == "__main__":
    main()
