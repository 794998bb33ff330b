from typing import Any

import numpy as np
import pytest

from keystroke.presses import Presses
from keystroke.verifiers.channels import channels
from keystroke.verifiers.network import Embedder
from keystroke.zones import Zone

pytestmark = pytest.mark.unit


class Counting:
    """A session that answers each window with its number of presses along one axis."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def run(self, names: None, windows: dict[str, Any]) -> list[Any]:
        self.shapes.append(windows["timings"].shape)
        answer = np.zeros((len(windows["symbols"]), 64), np.float32)
        answer[:, 0] = windows["symbols"].shape[1]
        return [answer]


def typed(n: int, *zones: Zone) -> Presses:
    every = np.resize(np.array(zones or (Zone.LEFT_INDEX_HOME,)), n)
    return Presses.of_keyboard(np.full(n, 150.0), every, np.full(n, 90.0), 1.0)


@pytest.mark.parametrize(
    ("n", "windows"), [(25, (1, 25)), (74, (1, 74)), (76, (2, 38)), (500, (10, 50))]
)
def test_windows_are_about_fifty_presses(n: int, windows: tuple[int, int]) -> None:
    session = Counting()
    vectors = Embedder(session).embed(typed(n))
    assert session.shapes == [(*windows, 6)]
    assert vectors[:, 0].tolist() == [1.0] * windows[0]


def test_a_few_presses_are_not_embedded() -> None:
    session = Counting()
    assert Embedder(session).embed(typed(24)).shape == (0, 64)
    assert session.shapes == []


def test_sums_carry_their_windows() -> None:
    sums = Embedder(Counting()).sums(typed(200))
    assert sums.embedding[:2].tolist() == [4, 40_000]
    assert sums.n_keys == 200


def test_the_network_reads_fingers_and_no_modifier() -> None:
    presses = typed(
        6,
        Zone.LEFT_LITTLE_TOP,
        Zone.LEFT_LITTLE_HOME,
        Zone.RIGHT_LITTLE_BOTTOM,
        Zone.MODIFIER,
        Zone.SPACE,
        Zone.PUNCT,
    )
    symbols, _ = channels(presses)
    assert symbols.tolist() == [0, 0, 7, 8, 12]


def test_what_is_not_known_is_zero() -> None:
    presses = Presses.of_keyboard(
        np.array([0.0, 150.0, 2000.0]),
        np.array([Zone.LEFT_INDEX_HOME, Zone.SPACE, Zone.SPACE]),
        np.array([np.nan, 200.0, 90.0]),
    )
    _, timings = channels(presses)
    # no hold and no press before; then a known hold and interval; then a pause
    assert timings[:, [1, 3]].tolist() == [[0, 0], [1, 1], [1, 0]]
    assert timings[0].tolist() == [0] * 6
    assert timings[2, 2:].tolist() == [0] * 4


def test_overlapping_keys_have_a_negative_flight() -> None:
    presses = Presses.of_keyboard(
        np.array([0.0, 60.0]), np.array([Zone.LEFT_INDEX_HOME, Zone.SPACE]), np.array([90.0, 80.0])
    )
    _, timings = channels(presses)
    assert timings[1, 4:].tolist() == pytest.approx([-0.2, 1.0])
