"""Typing for the tests of keystrokes: excerpts of real people, and a seeded typist."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from keystroke.events import KeyBatch, KeyEvent, parse_batch
from keystroke.template import Sums
from keystroke.zones import Zone

EXCERPT = Path(__file__).parents[1] / "data" / "keystroke" / "villani_excerpt.json"


@dataclass(frozen=True)
class Typist:
    reference: tuple[Sums, ...]
    probe: Sums


def sums_of(rows: object, step: float | None = 1.0) -> Sums:
    return Sums.from_batch(parse_batch({"v": 1, "clock_step_ms": step, "events": rows}))


@pytest.fixture(scope="session")
def typists() -> dict[str, Typist]:
    stored = json.loads(EXCERPT.read_text(encoding="utf-8"))["typists"]
    return {
        name: Typist(tuple(sums_of(s) for s in t["reference"]), sums_of(t["probe"]))
        for name, t in stored.items()
    }


@pytest.fixture
def seeded_typist() -> Callable[..., KeyBatch]:
    """Prose of five-letter words with log-normal timings."""

    def type_prose(
        n: int = 300, *, seed: int = 7, interval_ms: float = 160.0, hold_ms: float = 90.0
    ) -> KeyBatch:
        rng = np.random.default_rng(seed)
        zones = [Zone.SPACE if i % 6 == 5 else Zone(int(rng.integers(24))) for i in range(n)]
        intervals = interval_ms * np.exp(0.25 * rng.standard_normal(n))
        holds = hold_ms * np.exp(0.2 * rng.standard_normal(n))
        return KeyBatch(
            1.0,
            tuple(
                KeyEvent(float(d) if i else 0.0, z, float(h))
                for i, (d, z, h) in enumerate(zip(intervals, zones, holds, strict=True))
            ),
        )

    return type_prose
