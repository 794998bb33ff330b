"""A typist: what the file says is what a page receives."""

import json
from pathlib import Path

import pytest

from keystroke.events import parse_batch
from keystroke.zones import Zone
from proctor.commands import typist
from proctor.commands.typist import Edge, Press

pytestmark = pytest.mark.unit

MATERIAL = Path(typist.__file__).parent / "material"
HAY = (Press("KeyH", 0.0, 90.0), Press("KeyA", 60.0, 80.0), Press("KeyY", 300.0, 50.0))


def test_sessions_add_up_the_intervals(tmp_path: Path) -> None:
    path = tmp_path / "typing.json"
    path.write_text(json.dumps({"sessions": [[["KeyH", 0, 90], ["KeyA", 60, 80]], []]}))
    assert typist.read_sessions(path) == [HAY[:2], ()]


def test_fingers_overlap_as_the_typists_did() -> None:
    assert typist.edges(HAY[:2]) == [
        Edge(0.0, True, "KeyH"),
        Edge(60.0, True, "KeyA"),
        Edge(90.0, False, "KeyH"),
        Edge(140.0, False, "KeyA"),
    ]


def test_batch_carries_zones_and_timings_only() -> None:
    batch = parse_batch(typist.batch(HAY[1:], since_ms=HAY[0].at_ms))
    assert [(e.dt_ms, e.zone, e.hold_ms) for e in batch.events] == [
        (60.0, Zone.LEFT_LITTLE_HOME, 80.0),
        (240.0, Zone.RIGHT_INDEX_TOP, 50.0),
    ]


def test_until_keeps_whole_presses() -> None:
    assert typist.until(HAY, 140.0) == HAY[:2]
    assert typist.until(HAY, 139.9) == HAY[:1]


def test_backspace_takes_the_last_character_back() -> None:
    codes = ("Backspace", "KeyN", "KeyO", "Backspace", "KeyA", "Space", "Comma", "Enter", "Digit2")
    presses = [Press(code, 0.0, 1.0) for code in codes]
    assert typist.text_of(presses) == "na ,\n2"


@pytest.mark.parametrize(("code", "text"), [("KeyQ", "Q"), ("Digit7", "7"), ("ShiftLeft", "")])
def test_character_of_a_shifted_key(code: str, text: str) -> None:
    assert typist.character(code, is_shifted=True) == text


@pytest.mark.parametrize("name", ["typing_honest.json", "typing_other.json"])
def test_every_key_of_the_material_is_known(name: str) -> None:
    for presses in typist.read_sessions(MATERIAL / name):
        assert len(presses) >= 300
        batch = parse_batch(typist.batch(presses))
        assert all(event.zone != Zone.OTHER for event in batch.events)
        typed = {press.code for press in presses} - {"Backspace", "ShiftLeft", "ShiftRight"}
        assert all(typist.character(code, is_shifted=False) for code in typed)
