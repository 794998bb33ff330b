"""Every sentence a person reads, in Kazakh, Russian and English; one source for server and browser.

Each JSON file maps a key to its three texts; ``{name}`` is filled in. Missing keys raise. A word
beside a number has its forms there: ``{n} {n:day|days}``, ``{n} {n:день|дня|дней}``.
"""

import json
from functools import cache
from pathlib import Path
from string import Formatter

LOCALES = ("kk", "ru", "en")


@cache
def _texts() -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = {}
    for path in sorted(Path(__file__).parent.glob("*.json")):
        entries: dict[str, dict[str, str]] = json.loads(path.read_text("utf-8"))
        twice = texts.keys() & entries.keys()
        if twice:
            raise ValueError(f"defined twice: {sorted(twice)}")
        texts.update(entries)
    return texts


class _Sentence(Formatter):
    """Fills in values, and the form of a word that goes with its number."""

    def format_field(self, value: object, format_spec: str) -> str:
        forms = format_spec.split("|")
        if len(forms) == 1:
            return str(super().format_field(value, format_spec))
        return forms[_form(int(str(value)), len(forms))]


def _form(n: int, forms: int) -> int:
    """Which of two forms, one and several, goes with *n*; which of three, as Russian has them."""
    if forms == 2:
        return n != 1
    if n % 10 == 1 and n % 100 != 11:
        return 0
    return 1 if n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14) else 2


_sentence = _Sentence()


def translate(locale: str, key: str, **values: object) -> str:
    """The sentence *key* in *locale*. Raises KeyError for an unknown key or missing value."""
    text = _texts()[key][locale]
    return _sentence.vformat(text, (), values) if values else text


def subset(locale: str, *prefixes: str) -> dict[str, str]:
    """Texts whose keys start with one of *prefixes*, for the browser."""
    return {key: entry[locale] for key, entry in _texts().items() if key.startswith(prefixes)}


def known_keys() -> frozenset[str]:
    return frozenset(_texts())
