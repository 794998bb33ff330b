"""Train ``weights/keystroke-network.onnx`` to its end: windows averaged as a profile averages them.

Usage: ``python -m models.recipes.keystroke_network_pooled DATA_FOLDER OUTPUT``. Needs torch and
pyarrow. Reads klicke_background and klicke_background2 of the folder. After the two stretches of
keystroke_network one more layer and two more stretches: the mean of up to four windows of about
fifty presses is told from other writers'; in the last the windows of one mean are typed as on
another day.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from keystroke.verifiers.channels import FLIGHT_MS, HOLD, INTERVAL, N_SYMBOLS
from models.recipes.keystroke_network import (
    BATCH_PRESSES,
    EmbeddingNetwork,
    Recorded,
    Trained,
    export,
    train,
    writers,
)

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
# of a changed window a tenth of the timings is lost
LOST: Final = 0.1

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Stretch:
    """``fall``: from the share of the stretch that is done to the rate of learning. ``changed``:
    share of windows, or of whole groups (``by_group``), held and followed a little slower or
    faster: each window by ``apart``, hold and interval, in spreads. ``days``: share of groups that
    are moved besides, all their windows alike, by ``day`` and each finger by ``finger``."""

    seed: int
    steps: int
    rate: float
    fall: Callable[[float], float]
    decay: float
    changed: float
    by_group: bool
    apart: tuple[float, float]
    days: float
    day: tuple[float, float]
    finger: tuple[float, float]


def late_wave(done: float) -> float:
    """1 for a fifth of the stretch, then half a wave to 0."""
    return 1.0 if done < 0.2 else 0.5 * (1 + float(np.cos(np.pi * (done - 0.2) / 0.8)))


def last_line(done: float) -> float:
    """1 until the last batches, then a line to 0."""
    return min(1.0, (1 - done) * FOURTH.steps / FALLING)


THIRD: Final = Stretch(
    7, 6568, 1.5e-3, late_wave, 1e-4, 0.5, False, (0.2, 0.3), 0.0, (0.0, 0.0), (0.0, 0.0)
)
# the last batches of the fourth, in which the rate falls
FALLING: Final = 2600
FOURTH: Final = Stretch(
    17, 5800, 1.5e-3, last_line, 0.02, 0.45, True, (0.12, 0.2), 0.5, (0.2, 0.2), (0.15, 0.12)
)


def draw(
    people: Sequence[Recorded], stretch: Stretch, rng: np.random.Generator
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
        torch.from_numpy(changed(symbols, timings, windows, stretch, rng)),
        torch.from_numpy(whose),
        windows,
    )


def changed(
    symbols: NDArray[np.int64],
    timings: Floats,
    windows: int,
    stretch: Stretch,
    rng: np.random.Generator,
) -> Floats:
    """Windows with some of them typed otherwise; the time from release to press follows."""
    found = timings.copy()
    n = len(timings)
    group = np.arange(n) // windows
    alike = group if stretch.by_group else np.arange(n)
    is_changed = (rng.random(n) < stretch.changed)[alike][:, None].astype(np.float32)
    is_moved = (rng.random(n) < stretch.days)[group][:, None].astype(np.float32)

    def normal(*shape: int) -> Floats:
        return rng.standard_normal(shape, np.float32)

    grown = []
    for i, (column, scale) in enumerate(((0, HOLD), (2, INTERVAL))):
        fingers = np.take_along_axis(normal(n, N_SYMBOLS)[group], symbols, 1)
        moves = stretch.apart[i] * normal(n, 1) + is_moved * (
            stretch.day[i] * normal(n, 1)[group] + stretch.finger[i] * fingers
        )
        known = timings[:, :, column + 1]
        moved = timings[:, :, column] + moves * is_changed * known
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


def train_on(begun: Trained, people: Sequence[Recorded], stretch: Stretch) -> Trained:
    """The network after one more stretch, from the weights that the last one ended with."""
    torch.manual_seed(stretch.seed)
    rng = np.random.default_rng(stretch.seed)
    network = begun.last.grown(LAYERS).train()
    centres = nn.Parameter(functional.normalize(begun.centres))
    rates = torch.optim.AdamW(
        [*network.parameters(), centres], stretch.rate, weight_decay=stretch.decay
    )
    averaged = torch.optim.swa_utils.AveragedModel(
        network,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGING),
        use_buffers=True,
    )
    for step in range(stretch.steps):
        for group in rates.param_groups:
            rising = min(1, (step + 1) / 300)
            group["lr"] = stretch.rate * rising * stretch.fall(step / stretch.steps)
        symbols, timings, whose, windows = draw(people, stretch, rng)
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
    return Trained(network, found.eval(), centres.detach())


def told_apart(unit: Tensor, centres: Tensor, whose: Tensor, scale: float, margin: float) -> Tensor:
    """Additive-margin softmax of unit vectors (b, 64)."""
    wanted = functional.one_hot(whose, len(centres))
    cosines = unit @ functional.normalize(centres).T
    return functional.cross_entropy(scale * (cosines - margin * wanted), whose)


def main(folder: Path, output: Path) -> None:
    """Train all stretches and export."""
    people = writers(folder)
    trained = train(people)
    for stretch in (THIRD, FOURTH):
        trained = train_on(trained, people, stretch)
    export(trained.averaged, output)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
