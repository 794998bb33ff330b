"""What the student pages' scripts say is in the catalogue, and on the page that runs them."""

import re
from pathlib import Path

import pytest

from proctor.catalogue import known_keys

pytestmark = pytest.mark.unit

UI = Path(__file__).parents[3] / "web" / "ui" / "src"
TEMPLATES = Path(__file__).parents[3] / "web" / "templates" / "students"
ROOMS = "sentence|hint|check|status|id|exam|finish|ended|notice|enrolment|typing"
# modules that only one of the two programs loads
OF_ENROLMENT = {"enrolment.ts", "rounds.ts"}
OF_BOTH = {"capture.ts", "hints.ts", "sentence.ts"}
OF_OTHERS = {"review.ts"}


def said(names: set[str]) -> set[str]:
    text = "".join((UI / name).read_text("utf-8") for name in sorted(names))
    return set(re.findall(rf'"((?:{ROOMS})\.[a-z_.]+)"', text))


def prefixes(template: str) -> tuple[str, ...]:
    found = re.search(r"texts\(([^)]*)\)", (TEMPLATES / template).read_text("utf-8"))
    assert found is not None
    return tuple(re.findall(r'"([^"]+)"', found[1]))


def modules() -> set[str]:
    return {path.name for path in UI.glob("*.ts") if not path.name.endswith(".test.ts")}


def test_every_sentence_of_the_sitting_is_on_its_page() -> None:
    spoken = said(modules() - OF_ENROLMENT - OF_OTHERS)
    assert len(spoken) > 30
    assert spoken <= known_keys()
    assert {key for key in spoken if not key.startswith(prefixes("sitting.html"))} == set()


def test_every_sentence_of_enrolment_is_on_its_page() -> None:
    # enrolment opens the camera, never the screen
    spoken = {key for key in said(OF_ENROLMENT | OF_BOTH) if not key.startswith("check.screen")}
    spoken -= {"check.browser_bad"}
    assert len(spoken) > 15
    assert spoken <= known_keys()
    assert {key for key in spoken if not key.startswith(prefixes("enrolment.html"))} == set()


def test_hints_of_a_picture_all_have_a_sentence() -> None:
    listed = re.search(r"ORDER = \[(.*?)\]", (UI / "hints.ts").read_text("utf-8"), re.DOTALL)
    assert listed is not None
    names = re.findall(r'"([a-z_]+)"', listed[1])
    assert {f"hint.{name}" for name in names} <= known_keys()
