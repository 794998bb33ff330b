"""Whether an answer can be put together again from what is kept of its typing."""

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystroke.events import parse_batch
from keystroke.presses import Ints, Presses
from keystroke.template import LOG_SCALE, Sums
from keystroke.verifiers.network import Embedder, open_embedder
from keystroke.zones import N_ZONES, Zone

pytestmark = pytest.mark.unit

WEIGHTS = Path(__file__).parents[2] / "models" / "weights"
EXCERPT = Path(__file__).parents[1] / "data" / "keystroke" / "villani_excerpt.json"
TRIES = 250


@dataclass(frozen=True)
class Guesser:
    """Somebody who holds what is stored and knows every word of the answer, but not their order."""

    embedder: Embedder
    stored: Sums

    def fit(self, zones: Ints) -> float:
        """How well a text, typed with the stored mean times, goes with the stored embedding."""
        pairs = self.stored.pairs[np.roll(zones, 1) * N_ZONES + zones]
        dt_ms, hold_ms = _means(pairs, 150.0), _means(self.stored.holds[zones], 90.0)
        typed = Presses.of_keyboard(dt_ms, zones, hold_ms, 1.0)
        vector = self.embedder.embed(typed).sum(axis=0)
        return float(vector @ self.stored.embedding[1:] / np.linalg.norm(vector))


def _means(moments: Ints, otherwise: float) -> np.ndarray:
    n, total = moments[:, 0], moments[:, 1]
    return np.where(n > 0, np.exp(total / np.maximum(n, 1) / LOG_SCALE), otherwise)


@pytest.mark.parametrize("name", ["first", "second", "third"])
def test_a_search_finds_other_orders_of_the_words_that_fit_better(name: str) -> None:
    embedder = open_embedder(WEIGHTS / "keystroke-network.onnx")
    assert embedder is not None
    rows = json.loads(EXCERPT.read_text(encoding="utf-8"))["typists"][name]["reference"][0][:330]
    batch = parse_batch({"v": 1, "clock_step_ms": 1.0, "events": rows})
    presses = Presses.from_batch(batch)
    guesser = Guesser(embedder, embedder.sums(presses))
    zones = presses.zones[presses.zones < Zone.MODIFIER]
    words = np.split(zones, np.flatnonzero(zones == Zone.SPACE) + 1)
    rng = np.random.default_rng(1)
    order = rng.permutation(len(words)).tolist()
    best = guesser.fit(np.concatenate([words[i] for i in order]))
    for _ in range(TRIES):
        tried = order.copy()
        tried.insert(int(rng.integers(len(words))), tried.pop(int(rng.integers(len(words)))))
        fit = guesser.fit(np.concatenate([words[i] for i in tried]))
        if fit > best:
            order, best = tried, fit
    followed = np.mean([b == a + 1 for a, b in pairwise(order)])
    assert best > guesser.fit(zones)
    # by chance one word in their number is followed by its own next
    assert followed < 0.15


@given(st.permutations(range(5)))
def test_the_order_of_windows_is_not_kept(order: list[int]) -> None:
    vectors = np.random.default_rng(2).standard_normal((5, 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kept = Sums.empty().embedded(vectors)
    assert Sums.empty().embedded(vectors[order]).to_bytes() == kept.to_bytes()


@given(st.integers(1, 40))
def test_what_is_kept_does_not_grow_with_the_text(n: int) -> None:
    zones = np.resize(np.arange(24), 25 * n)
    presses = Presses.of_keyboard(np.full(25 * n, 150.0), zones, np.full(25 * n, 90.0), 1.0)
    sums = Sums.from_presses(presses).embedded(np.full((n, 64), 0.125))
    numbers = (sums.presses, sums.holds, sums.pairs, sums.flights, sums.pace, sums.embedding)
    assert sum(array.size for array in numbers) == 31 + 93 + 3 * 31 * 31 + 4 + 2 + 65
