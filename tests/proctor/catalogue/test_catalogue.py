import importlib
import json
import pkgutil
import re
import string
from pathlib import Path

import pytest

import proctor
import web
from keystroke.gate import Reason
from proctor import catalogue
from proctor.errors import ProctorError

pytestmark = pytest.mark.unit

ROOT = Path(catalogue.__file__).parents[2]
FILES = sorted(Path(catalogue.__file__).parent.glob("*.json"))


def used_keys() -> dict[str, str]:
    """Literal keys of templates and of the browser's code, with the file that uses them."""
    found = {}
    for path in (ROOT / "web" / "templates").rglob("*.html"):
        for key in re.findall(r"""\bt\(\s*["']([a-z0-9_.]+)["']\s*[,)]""", path.read_text("utf-8")):
            found[key] = path.name
    for path in (ROOT / "web" / "ui" / "src").rglob("*.ts"):
        if not path.name.endswith(".test.ts"):
            for key in re.findall(r"""\bsay\(\s*["']([a-z0-9_.]+)["']""", path.read_text("utf-8")):
                found[key] = path.name
    return found


def error_classes() -> list[type[ProctorError]]:
    for package in (proctor, web):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    classes, waiting = [], [ProctorError]
    while waiting:
        kind = waiting.pop()
        classes.append(kind)
        waiting += kind.__subclasses__()
    return classes


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_text_exists_in_three_languages(path: Path) -> None:
    entries = json.loads(path.read_text("utf-8"))
    incomplete = [k for k, e in entries.items() if set(e) != set(catalogue.LOCALES)]
    empty = [k for k, e in entries.items() if not all(text.strip() for text in e.values())]
    assert (incomplete, empty) == ([], [])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_three_languages_fill_in_the_same_values(path: Path) -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    entries = json.loads(path.read_text("utf-8"))
    uneven = [k for k, e in entries.items() if len({frozenset(fields(x)) for x in e.values()}) > 1]
    assert uneven == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_word_beside_a_number_has_all_forms_of_its_language(path: Path) -> None:
    number_of = {"kk": set(), "ru": {3}, "en": {2}}
    wrong = [
        (key, locale)
        for key, entry in json.loads(path.read_text("utf-8")).items()
        for locale, text in entry.items()
        if {len(forms.split("|")) for forms in re.findall(r"{\w+:([^}]*)}", text)}
        - number_of[locale]
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("n", "russian", "english"),
    [
        (0, "0 кредитов", "0 credits"),
        (1, "1 кредит", "1 credit"),
        (3, "3 кредита", "3 credits"),
        (5, "5 кредитов", "5 credits"),
        (12, "12 кредитов", "12 credits"),
        (21, "21 кредит", "21 credits"),
        (111, "111 кредитов", "111 credits"),
    ],
)
def test_a_word_has_the_form_that_goes_with_its_number(n: int, russian: str, english: str) -> None:
    key = "certificate.credits"
    assert catalogue.translate("ru", key, n=n) == russian
    assert catalogue.translate("en", key, n=n) == english
    assert catalogue.translate("kk", key, n=n) == f"{n} кредит"


def test_no_page_uses_a_key_that_does_not_exist() -> None:
    missing = {key: file for key, file in used_keys().items() if key not in catalogue.known_keys()}
    assert missing == {}


def test_every_error_has_a_sentence() -> None:
    missing = {
        kind.key: kind.__name__
        for kind in error_classes()
        if kind.key not in catalogue.known_keys()
    }
    assert missing == {}


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_against_comparing_typing_has_words(reason: Reason) -> None:
    assert f"review.reason.{reason}" in catalogue.known_keys()


def test_no_text_judges() -> None:
    words = re.compile(r"cheat|suspic|violation|подозр|нарушен|списыва|күдік", re.IGNORECASE)
    judging = [
        key
        for key in catalogue.known_keys()
        for locale in catalogue.LOCALES
        if words.search(catalogue.subset(locale, key)[key])
    ]
    assert judging == []
