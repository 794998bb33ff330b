import re
from pathlib import Path

import pytest

from keystroke.zones import N_FINGER_ZONES, N_ZONES, ZONE_OF_CODE, Zone, zone_of

pytestmark = pytest.mark.unit

BROWSER_TABLE = Path(__file__).parents[2] / "web" / "ui" / "src" / "keys.ts"


def browser_zones() -> dict[str, int]:
    source = BROWSER_TABLE.read_text(encoding="utf-8")
    table = re.search(r"CODES_OF_ZONE[^=]*= \[(.*?)\];", source, re.DOTALL)
    assert table is not None
    rows = re.findall(r'"([^"]*)"', table.group(1))
    return {code: zone for zone, codes in enumerate(rows) for code in codes.split()}


def test_the_browser_has_the_same_table() -> None:
    assert browser_zones() == {code: int(zone) for code, zone in ZONE_OF_CODE.items()}


def test_the_browser_numbers_the_last_two_zones_alike() -> None:
    source = BROWSER_TABLE.read_text(encoding="utf-8")
    assert f"ZONE_MODIFIER = {int(Zone.MODIFIER)};" in source
    assert f"ZONE_OTHER = {int(Zone.OTHER)};" in source


def test_every_zone_but_other_has_a_key() -> None:
    assert set(ZONE_OF_CODE.values()) == set(Zone) - {Zone.OTHER}
    assert (N_ZONES, N_FINGER_ZONES) == (31, 24)


@pytest.mark.parametrize(
    ("code", "zone"),
    [
        ("KeyQ", Zone.LEFT_LITTLE_TOP),
        ("KeyT", Zone.LEFT_INDEX_TOP),
        ("KeyH", Zone.RIGHT_INDEX_HOME),
        ("Comma", Zone.RIGHT_MIDDLE_BOTTOM),
        ("BracketLeft", Zone.RIGHT_LITTLE_TOP),
        ("Digit4", Zone.DIGIT),
        ("Equal", Zone.DIGIT),
        ("ShiftRight", Zone.MODIFIER),
        ("ArrowUp", Zone.OTHER),
        ("NotAKey", Zone.OTHER),
    ],
)
def test_a_code_stands_in_its_zone(code: str, zone: Zone) -> None:
    assert zone_of(code) is zone
