"""An embedding of ordered presses, one finger each: its first two stretches of training.

keystroke_network_pooled trains on and writes the file. Needs torch and pyarrow, which the service
does not. The network learns to tell writers apart, a window at a time (additive-margin softmax);
what it is for is telling apart people it never saw.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from keystroke.verifiers.channels import N_CHANNELS, N_SYMBOLS, channels
from models.recipes.keystroke_plda import read_presses

SEED: Final = 20260101
WIDTH: Final = 96
EMBEDDING: Final = 64
# presses of a batch, shared out among windows of one length
BATCH_PRESSES: Final = 12_800
SCALE: Final = 24.0
MARGIN: Final = 0.2
AVERAGING: Final = 0.998
# how loud a new layer is at first
QUIET: Final = 0.1


@dataclass(frozen=True)
class Stage:
    """One stretch of training. ``changed``: share of batches, or of windows, typed a little slower
    or faster by ``jitter``, with a share of timings ``lost``. ``fall``: from the share of the
    stretch that is done to the rate of learning. ``layers``: kernel and dilation of those it
    trains."""

    steps: int
    lengths: tuple[int, ...]
    rate: float
    fall: Callable[[float], float]
    margin_steps: int
    layers: tuple[tuple[int, int], ...]
    by_window: bool
    changed: float
    jitter: float
    lost: float


def cosine(done: float) -> float:
    """From 1 to a hundredth along half a wave."""
    return 0.5 * (1 + float(np.cos(np.pi * done))) + 0.01


def late_line(done: float) -> float:
    """1 for a fifth of the stretch, then a line to 0."""
    return min(1.0, (1 - done) / 0.8)


FIRST: Final = Stage(
    9000, (60, 100, 100, 150, 200), 2e-3, cosine, 1500, ((5, 1), (5, 2)), False, 0.3, 0.15, 0.0
)
# one more layer, shorter windows, more of them changed and more changes
SECOND: Final = Stage(
    7600,
    (50, 75, 100, 100, 150, 200),
    1e-3,
    late_line,
    1,
    ((5, 1), (5, 2), (5, 4)),
    True,
    0.5,
    0.2,
    0.1,
)

Recorded = tuple[NDArray[np.int64], NDArray[np.float32]]


class EmbeddingNetwork(nn.Module):
    """Convolutions over the presses, attentive mean and spread, 64 numbers."""

    def __init__(self, layers: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.symbols = nn.Embedding(N_SYMBOLS, 24)
        self.first = nn.Conv1d(24 + N_CHANNELS, WIDTH, 3, padding=1)
        self.deeper = nn.ModuleList(
            nn.Conv1d(WIDTH, WIDTH, k, padding=k // 2 * d, dilation=d) for k, d in layers
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(WIDTH) for _ in range(1 + len(layers)))
        self.attention = nn.Conv1d(WIDTH, WIDTH, 1)
        self.project = nn.Linear(2 * WIDTH, EMBEDDING)
        self.norm = nn.BatchNorm1d(EMBEDDING)

    def forward(self, symbols: Tensor, timings: Tensor) -> Tensor:
        """Embeddings (b, 64) of windows: symbols (b, n) and channels (b, n, 6)."""
        x = torch.cat([self.symbols(symbols), timings], 2).transpose(1, 2)
        x = functional.relu(self.norms[0](self.first(x)))
        for convolution, norm in zip(self.deeper, list(self.norms)[1:], strict=True):
            x = x + functional.relu(norm(convolution(x)))
        weight = torch.softmax(self.attention(x).float(), 2)
        x = x.float()
        mean = (weight * x).sum(2)
        spread = torch.sqrt(((weight * x * x).sum(2) - mean * mean).clamp(min=1e-5))
        embedded: Tensor = self.norm(self.project(torch.cat([mean, spread], 1)))
        return embedded

    def grown(self, layers: Sequence[tuple[int, int]]) -> "EmbeddingNetwork":
        """This network with more layers, which say little at first."""
        network = EmbeddingNetwork(layers)
        network.load_state_dict(self.state_dict(), strict=False)
        for norm in list(network.norms)[len(self.norms) :]:
            nn.init.constant_(norm.weight, QUIET)
        return network


def writers(folder: Path) -> list[Recorded]:
    """Symbols and channels of each writer's only session."""
    found: list[Recorded] = []
    for name in ("klicke_background", "klicke_background2"):
        for sessions in read_presses(folder / f"{name}.parquet").values():
            (presses,) = sessions.values()
            found.append(channels(presses))
    return [w for w in found if len(w[0]) > max(FIRST.lengths)]


def draw(
    people: Sequence[Recorded], stage: Stage, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """A batch of windows of one length: symbols, channels and whose they are."""
    length = int(rng.choice(stage.lengths))
    chosen = rng.integers(0, len(people), BATCH_PRESSES // length)
    starts = [int(rng.integers(0, len(people[i][0]) - length)) for i in chosen]
    windows = [(people[i], slice(s, s + length)) for i, s in zip(chosen, starts, strict=True)]
    symbols = torch.from_numpy(np.stack([person[0][cut] for person, cut in windows]))
    timings = np.stack([person[1][cut] for person, cut in windows])
    n = len(chosen)
    changed = (rng.random((n if stage.by_window else 1, 1)) < stage.changed).astype(np.float32)
    for column in (0, 2):
        known = timings[:, :, column + 1]
        shift = stage.jitter * changed * rng.standard_normal((n, 1), np.float32)
        kept = rng.random(known.shape) >= stage.lost * changed
        timings[:, :, column] = (timings[:, :, column] + shift * known) * kept
        timings[:, :, column + 1] = known * kept
    return symbols, torch.from_numpy(timings), torch.from_numpy(chosen)


@dataclass(frozen=True)
class Trained:
    """``last``: after the last batch; ``averaged``: over the last of them; ``centres``: (n, 64)."""

    last: EmbeddingNetwork
    averaged: EmbeddingNetwork
    centres: Tensor


def train(people: Sequence[Recorded]) -> Trained:
    """The network after both stages."""
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    centres = torch.randn(len(people), EMBEDDING) * 0.05
    first = trained(EmbeddingNetwork(FIRST.layers), centres, people, FIRST, rng).averaged
    grown = first.grown(SECOND.layers)
    return trained(grown, centres_of(grown.eval(), people), people, SECOND, rng)


def centres_of(network: EmbeddingNetwork, people: Sequence[Recorded]) -> Tensor:
    """The mean direction of each writer's first windows of a hundred presses."""
    means = []
    with torch.no_grad():
        for symbols, timings in people:
            n = min(len(symbols), 2000) // 100
            cut = torch.from_numpy(symbols[: 100 * n]).view(n, 100)
            embedded = network(cut, torch.from_numpy(timings[: 100 * n]).view(n, 100, -1))
            means.append(functional.normalize(embedded).mean(0))
    return functional.normalize(torch.stack(means))


def trained(
    network: EmbeddingNetwork,
    start: Tensor,
    people: Sequence[Recorded],
    stage: Stage,
    rng: np.random.Generator,
) -> Trained:
    """The network after the batches of a stage."""
    network.train()
    centres = nn.Parameter(start)
    rates = torch.optim.AdamW([*network.parameters(), centres], stage.rate, weight_decay=1e-4)
    averaged = torch.optim.swa_utils.AveragedModel(
        network,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGING),
        use_buffers=True,
    )
    began, loss_so_far = time.monotonic(), 0.0
    for step in range(stage.steps):
        for group in rates.param_groups:
            group["lr"] = stage.rate * min(1, step / 200) * stage.fall(step / stage.steps)
        symbols, timings, whose = draw(people, stage, rng)
        # half the precision, half the time; the weights themselves stay whole
        with torch.autocast("cpu", torch.bfloat16, enabled=stage is SECOND):
            embedded = network(symbols, timings)
        cosines = functional.normalize(embedded.float()) @ functional.normalize(centres).T
        margin = MARGIN * min(1, (step + 1) / stage.margin_steps)
        wanted = functional.one_hot(whose, len(people))
        loss = functional.cross_entropy(SCALE * (cosines - margin * wanted), whose)
        rates.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        rates.step()
        averaged.update_parameters(network)
        loss_so_far += 0.02 * (loss.item() - loss_so_far)
        if step % 500 == 499:
            seconds = time.monotonic() - began
            sys.stdout.write(f"{step + 1} {seconds:.0f} s, loss {loss_so_far:.3f}\n")
            sys.stdout.flush()
    found = averaged.module
    assert isinstance(found, EmbeddingNetwork)
    return Trained(network, found.eval(), centres.detach())


def export(network: EmbeddingNetwork, output: Path) -> None:
    """Write the network as ONNX; windows of any number and length."""
    example = (torch.zeros(2, 100, dtype=torch.int64), torch.zeros(2, 100, N_CHANNELS))
    torch.onnx.export(
        network,
        example,
        output,
        input_names=["symbols", "timings"],
        output_names=["embedding"],
        dynamic_axes={
            "symbols": {0: "windows", 1: "presses"},
            "timings": {0: "windows", 1: "presses"},
            "embedding": {0: "windows"},
        },
        dynamo=False,
    )
