"""The pages name what the code has: settings, kinds, commands, assets, models, dependencies."""

import json
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer.main

from models.registry import read_registry
from proctor.__main__ import app
from proctor.exams.policies import default_rules
from proctor.incidents.kinds import Kind, concern_of, severity_of
from proctor.settings import Settings

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "guide"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ASSETS = (ROOT / "tests" / "data", ROOT / "proctor" / "commands" / "material")
SEVERITIES = {"attention": "look first", "info": "for information"}


def rows(page: Path) -> list[list[str]]:
    """Cells of every table row of *page*."""
    lines = page.read_text("utf-8").splitlines()
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("|")
    ]


def named(page: Path) -> set[str]:
    """What headings and first cells of *page* name in backticks."""
    headings = [x for x in page.read_text("utf-8").splitlines() if x.startswith("#")]
    places = headings + [row[0] for row in rows(page)]
    return {name for place in places for name in re.findall(r"`([^`]+)`", place)}


def commands(command: Any, path: str = "proctor") -> Iterator[str]:
    """Every command that does something, with the words to call it."""
    if not hasattr(command, "commands"):
        yield path
        return
    for name, child in command.commands.items():
        yield from commands(child, f"{path} {name}")


def requirement_names(requirements: list[str]) -> set[str]:
    found = [re.match(r"[A-Za-z0-9_.-]+", each) for each in requirements]
    return {match.group() for match in found if match}


def anchors(page: Path) -> set[str]:
    """Fragments that headings of *page* can be linked by."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {each.replace(" ", "-") for each in words}


def test_the_guide_explains_every_setting() -> None:
    settings = {f"PROCTOR_{name.upper()}" for name in Settings.model_fields}
    assert settings - named(GUIDE / "administrator.md") == set()


def test_the_guide_names_no_setting_that_does_not_exist() -> None:
    settings = {f"PROCTOR_{name.upper()}" for name in Settings.model_fields}
    text = "".join(page.read_text("utf-8") for page in PAGES)
    assert set(re.findall(r"PROCTOR_[A-Z_]*[A-Z]", text)) - settings == set()


def test_the_guide_explains_every_command() -> None:
    found = set(commands(typer.main.get_command(app)))
    assert found - named(GUIDE / "administrator.md") == set()


def test_every_kind_of_incident_has_its_paragraph() -> None:
    headings = re.findall(r"^## `(\w+)`$", (GUIDE / "incidents.md").read_text("utf-8"), re.M)
    assert sorted(headings) == sorted(kind.value for kind in Kind)


@pytest.mark.parametrize("kind", Kind)
def test_the_table_of_incidents_says_what_the_code_does(kind: Kind) -> None:
    (row,) = [row for row in rows(GUIDE / "incidents.md") if row[0] == f"`{kind}`"]
    assert row[2:] == [concern_of(kind).value, SEVERITIES[severity_of(kind).value]]


def test_the_table_of_incidents_gives_the_default_hold_times() -> None:
    rules = default_rules()
    expected = {
        Kind.FACE_ABSENT: rules.face_absent_s,
        Kind.MULTIPLE_FACES: rules.multiple_faces_s,
        Kind.IDENTITY_NOT_ASSESSED: rules.not_assessed_s,
        Kind.CAMERA_COVERED: rules.camera_covered_s,
        Kind.CAMERA_FROZEN: rules.camera_frozen_s,
        Kind.TOO_DARK: rules.too_dark_s,
        Kind.LOOKING_AWAY: rules.looking_away_s,
        Kind.PHONE_VISIBLE: rules.phone_visible_s,
        Kind.SCREEN_SHARE_LOST: rules.screen_lost_s,
        Kind.FOCUS_LOST: rules.focus_lost_s,
        Kind.FULLSCREEN_LEFT: rules.fullscreen_left_s,
        Kind.MEDIA_GAP: rules.media_gap_s,
    }
    told = {row[0].strip("`"): row[1] for row in rows(GUIDE / "incidents.md")}
    assert {kind: told[kind] for kind in expected} == {
        kind: f"{seconds:g} s" for kind, seconds in expected.items()
    }


@pytest.mark.parametrize("folder", ASSETS, ids=lambda folder: folder.name)
def test_every_asset_has_its_origin_and_licence(folder: Path) -> None:
    listed = named(folder / "SOURCES.md")
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "SOURCES.md"]
    paths = [path.relative_to(folder).as_posix() for path in files]
    assert [path for path in paths if not any(fnmatch(path, each) for each in listed)] == []


def test_every_model_and_its_package_have_a_licence() -> None:
    registry = read_registry()
    expected = {*registry.models, *registry.packages}
    assert expected - named(ROOT / "THIRD_PARTY.md") == set()


def test_every_model_has_its_card() -> None:
    cards = {entry.card for entry in read_registry().models.values()}
    assert {card for card in cards if not (ROOT / "models/cards" / f"{card}.md").exists()} == set()


def test_every_direct_dependency_has_a_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    optional = project["optional-dependencies"].values()
    expected = requirement_names(
        [*project["dependencies"], *(x for part in optional for x in part)]
    )
    alone = (ROOT / "requirements-nodeps.lock").read_text("utf-8")
    expected |= set(re.findall(r"^([\w.-]+)==", alone, re.M))
    package = json.loads((ROOT / "web" / "ui" / "package.json").read_text("utf-8"))
    expected |= package.get("dependencies", {}).keys() | package["devDependencies"].keys()
    assert expected - named(ROOT / "THIRD_PARTY.md") == set()


def test_third_party_names_no_package_that_is_gone() -> None:
    locks = "requirements.lock", "requirements-nodeps.lock", "web/ui/package.json"
    known = "".join((ROOT / lock).read_text("utf-8") for lock in locks)
    known += (ROOT / "models" / "registry.toml").read_text("utf-8")
    packages = {x for x in named(ROOT / "THIRD_PARTY.md") if not x.endswith((".md", ".json"))}
    assert {name for name in packages if name not in known} == set()


def test_the_guide_links_each_of_its_pages() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", (GUIDE / "README.md").read_text("utf-8")))
    assert linked == {page.name for page in GUIDE.glob("*.md")} - {"README.md"}


def test_the_design_lists_each_decision() -> None:
    text = (ROOT / "docs" / "design" / "README.md").read_text("utf-8")
    decisions = (ROOT / "docs" / "decisions").glob("*.md")
    assert [page.name for page in decisions if f"../decisions/{page.name})" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_link_leads_nowhere(page: Path) -> None:
    broken = []
    for target, fragment in re.findall(r"\]\(([^)#:\s]*)#?([^)\s:]*)\)", page.read_text("utf-8")):
        there = (page.parent / target).resolve() if target else page
        if not there.exists() or (fragment and fragment not in anchors(there)):
            broken.append(f"{target}#{fragment}")
    assert broken == []
