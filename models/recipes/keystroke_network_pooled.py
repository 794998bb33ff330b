"""Train ``weights/keystroke-network.onnx`` to its end: windows averaged as a profile averages them.

Usage: ``python -m models.recipes.keystroke_network_pooled DATA_FOLDER OUTPUT``. Needs torch and
pyarrow. Reads klicke_background and klicke_background2 of the folder. After the two stretches of
keystroke_network one more layer and one more stretch: the mean of up to four windows of about
fifty presses is told from other writers'.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from keystroke.verifiers.channels import FLIGHT_MS, HOLD, INTERVAL
from models.recipes.keystroke_network import (
    BATCH_PRESSES,
    EmbeddingNetwork,
    Recorded,
    Trained,
    export,
    train,
    writers,
)

SEED: Final = 7
STEPS: Final = 6568
RATE: Final = 1.5e-3
LAYERS: Final = ((5, 1), (5, 2), (5, 4), (3, 1))
LENGTHS: Final = (50, 50, 50, 40, 60)
WINDOWS: Final = (1, 2, 2, 4)
AVERAGING: Final = 0.999
SCALE: Final = 28.0
# margins of one window, and of the mean of several
MARGINS: Final = (0.2, 0.3)
# each of several windows counts too, though less
ALONE_SCALE: Final = 24.0
ALONE_MARGIN: Final = 0.1
ALONE_SHARE: Final = 0.3
# half of the windows are held and followed a little slower or faster; a tenth of timings lost
CHANGED: Final = 0.5
JITTERS: Final = (0.2, 0.3)
LOST: Final = 0.1

Floats = NDArray[np.float32]


def rate_at(done: float) -> float:
    """1 for a fifth of the stretch, then half a wave to 0."""
    return 1.0 if done < 0.2 else 0.5 * (1 + float(np.cos(np.pi * (done - 0.2) / 0.8)))


def draw(
    people: Sequence[Recorded], rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor, int]:
    """A batch: symbols and channels of windows, whose each group of them is, and its size."""
    windows, length = int(rng.choice(WINDOWS)), int(rng.choice(LENGTHS))
    whose = rng.integers(0, len(people), BATCH_PRESSES // (length * windows))
    last = np.array([len(people[i][0]) - length for i in whose])[:, None]
    starts = (rng.random((len(whose), windows)) * last).astype(np.int64)
    if windows > 1 and rng.random() < 0.5:
        # one after the other, as in a sitting
        first = np.clip(starts[:, :1], 0, last - (windows - 1) * length)
        starts = first + np.arange(windows) * length
    cuts = [
        (people[i], slice(s, s + length)) for i, own in zip(whose, starts, strict=True) for s in own
    ]
    symbols = np.stack([person[0][cut] for person, cut in cuts])
    timings = np.stack([person[1][cut] for person, cut in cuts])
    return (
        torch.from_numpy(symbols),
        torch.from_numpy(changed(timings, rng)),
        torch.from_numpy(whose),
        windows,
    )


def changed(timings: Floats, rng: np.random.Generator) -> Floats:
    """Windows with half of them typed otherwise; the time from release to press follows."""
    found = timings.copy()
    n = len(timings)
    is_changed = (rng.random((n, 1)) < CHANGED).astype(np.float32)
    grown = []
    for column, jitter, scale in ((0, JITTERS[0], HOLD), (2, JITTERS[1], INTERVAL)):
        known = timings[:, :, column + 1]
        moved = timings[:, :, column] + jitter * is_changed * known * rng.standard_normal(
            (n, 1), np.float32
        )
        before, after = (np.exp(scale[0] + scale[1] * a) for a in (timings[:, :, column], moved))
        grown.append((after - before) * known)
        kept = rng.random(known.shape) >= LOST * is_changed
        found[:, :, column] = np.clip(moved, -3, 3) * known * kept
        found[:, :, column + 1] = known * kept
    longer, (held, later) = np.zeros_like(grown[0]), grown
    longer[:, 1:] = held[:, :-1]
    flights = timings[:, :, 4]
    follows = np.clip(flights + (later - longer) / FLIGHT_MS, -2, 3)
    flights = np.where(flights != 0, follows, 0.0) * is_changed + flights * (1 - is_changed)
    found[:, :, 4] = flights
    found[:, :, 5] = np.where(is_changed > 0, flights < 0, timings[:, :, 5])
    return found


def train_on(begun: Trained, people: Sequence[Recorded]) -> EmbeddingNetwork:
    """The network after the third stretch, its weights averaged over the last batches."""
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    network = begun.last.grown(LAYERS).train()
    centres = nn.Parameter(functional.normalize(begun.centres))
    rates = torch.optim.AdamW([*network.parameters(), centres], RATE, weight_decay=1e-4)
    averaged = torch.optim.swa_utils.AveragedModel(
        network,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGING),
        use_buffers=True,
    )
    for step in range(STEPS):
        for group in rates.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 300) * rate_at(step / STEPS)
        symbols, timings, whose, windows = draw(people, rng)
        with torch.autocast("cpu", torch.bfloat16):
            embedded = network(symbols, timings)
        unit = functional.normalize(embedded.float())
        mean = functional.normalize(unit.view(-1, windows, unit.shape[1]).mean(1))
        loss = told_apart(mean, centres, whose, SCALE, MARGINS[windows > 1])
        if windows > 1:
            each = whose.repeat_interleave(windows)
            loss = loss + ALONE_SHARE * told_apart(unit, centres, each, ALONE_SCALE, ALONE_MARGIN)
        rates.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        rates.step()
        averaged.update_parameters(network)
    found = averaged.module
    assert isinstance(found, EmbeddingNetwork)
    return found.eval()


def told_apart(unit: Tensor, centres: Tensor, whose: Tensor, scale: float, margin: float) -> Tensor:
    """Additive-margin softmax of unit vectors (b, 64)."""
    wanted = functional.one_hot(whose, len(centres))
    cosines = unit @ functional.normalize(centres).T
    return functional.cross_entropy(scale * (cosines - margin * wanted), whose)


def main(folder: Path, output: Path) -> None:
    """Train all stretches and export."""
    people = writers(folder)
    export(train_on(train(people), people), output)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
