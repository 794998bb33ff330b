"""Train ``weights/keystroke-network.onnx``: an embedding of ordered presses, one finger each.

Usage: ``python -m models.recipes.keystroke_network DATA_FOLDER OUTPUT``. Needs torch and
pyarrow, which the service does not. Reads klicke_background and klicke_background2 of the folder.
The network learns to tell the writers apart (additive-margin softmax); what it is for is telling
apart people it never saw.
"""

import sys
import time
from collections.abc import Sequence
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
STEPS: Final = 9000
WIDTH: Final = 96
EMBEDDING: Final = 64
# presses of a batch, shared out among windows of one of these lengths
BATCH_PRESSES: Final = 12_800
LENGTHS: Final = (60, 100, 100, 150, 200)
SCALE: Final = 24.0
MARGIN: Final = 0.2
LEARNING_RATE: Final = 2e-3
# share of batches whose windows are typed a little slower or faster, and by how much
JITTERED: Final = 0.3
JITTER: Final = 0.15
AVERAGING: Final = 0.998

Recorded = tuple[NDArray[np.int64], NDArray[np.float32]]


class EmbeddingNetwork(nn.Module):
    """Three convolutions over the presses, attentive mean and spread, 64 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.symbols = nn.Embedding(N_SYMBOLS, 24)
        self.first = nn.Conv1d(24 + N_CHANNELS, WIDTH, 3, padding=1)
        self.second = nn.Conv1d(WIDTH, WIDTH, 5, padding=2)
        self.third = nn.Conv1d(WIDTH, WIDTH, 5, padding=4, dilation=2)
        self.norms = nn.ModuleList(nn.BatchNorm1d(WIDTH) for _ in range(3))
        self.attention = nn.Conv1d(WIDTH, WIDTH, 1)
        self.project = nn.Linear(2 * WIDTH, EMBEDDING)
        self.norm = nn.BatchNorm1d(EMBEDDING)

    def forward(self, symbols: Tensor, timings: Tensor) -> Tensor:
        """Embeddings (b, 64) of windows: symbols (b, n) and channels (b, n, 6)."""
        x = torch.cat([self.symbols(symbols), timings], 2).transpose(1, 2)
        x = functional.relu(self.norms[0](self.first(x)))
        x = x + functional.relu(self.norms[1](self.second(x)))
        x = x + functional.relu(self.norms[2](self.third(x)))
        weight = torch.softmax(self.attention(x), 2)
        mean = (weight * x).sum(2)
        spread = torch.sqrt(((weight * x * x).sum(2) - mean * mean).clamp(min=1e-5))
        embedded: Tensor = self.norm(self.project(torch.cat([mean, spread], 1)))
        return embedded


def writers(folder: Path) -> list[Recorded]:
    """Symbols and channels of each writer's only session."""
    found: list[Recorded] = []
    for name in ("klicke_background", "klicke_background2"):
        for sessions in read_presses(folder / f"{name}.parquet").values():
            (presses,) = sessions.values()
            found.append(channels(presses))
    return [w for w in found if len(w[0]) > max(LENGTHS)]


def draw(people: Sequence[Recorded], rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """A batch of windows of one length: symbols, channels and whose they are."""
    length = int(rng.choice(LENGTHS))
    chosen = rng.integers(0, len(people), BATCH_PRESSES // length)
    starts = [int(rng.integers(0, len(people[i][0]) - length)) for i in chosen]
    windows = [(people[i], slice(s, s + length)) for i, s in zip(chosen, starts, strict=True)]
    symbols = torch.from_numpy(np.stack([person[0][cut] for person, cut in windows]))
    timings = torch.from_numpy(np.stack([person[1][cut] for person, cut in windows]))
    if rng.random() < JITTERED:
        for column in (0, 2):
            shift = torch.from_numpy(rng.normal(0, JITTER, (len(chosen), 1)).astype(np.float32))
            timings[:, :, column] += shift * timings[:, :, column + 1]
    return symbols, timings, torch.from_numpy(chosen)


def train(people: Sequence[Recorded]) -> EmbeddingNetwork:
    """The network after all batches, its weights averaged over the last of them."""
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    network = EmbeddingNetwork()
    centres = nn.Parameter(torch.randn(len(people), EMBEDDING) * 0.05)
    rates = torch.optim.AdamW([*network.parameters(), centres], LEARNING_RATE, weight_decay=1e-4)
    averaged = torch.optim.swa_utils.AveragedModel(
        network,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGING),
        use_buffers=True,
    )
    began, loss_so_far = time.monotonic(), 0.0
    for step in range(STEPS):
        rate = 0.5 * (1 + np.cos(np.pi * step / STEPS)) + 0.01
        for group in rates.param_groups:
            group["lr"] = LEARNING_RATE * min(1, step / 200) * rate
        symbols, timings, whose = draw(people, rng)
        embedded = functional.normalize(network(symbols, timings))
        cosines = embedded @ functional.normalize(centres).T
        margin = MARGIN * min(1, step / 1500)
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
    trained = averaged.module
    assert isinstance(trained, EmbeddingNetwork)
    return trained.eval()


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


def main(folder: Path, output: Path) -> None:
    """Train and export."""
    export(train(writers(folder)), output)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
