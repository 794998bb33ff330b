"""Every sentence a person reads, in Kazakh, Russian and English; one source for server and browser.

Each JSON file maps a key to its three texts; ``{name}`` is filled in. Missing keys raise.
"""

import json
from functools import cache
from pathlib import Path

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


def translate(locale: str, key: str, **values: object) -> str:
    """The sentence *key* in *locale*. Raises KeyError for an unknown key or missing value."""
    return _texts()[key][locale].format(**values) if values else _texts()[key][locale]


def subset(locale: str, *prefixes: str) -> dict[str, str]:
    """Texts whose keys start with one of *prefixes*, for the browser."""
    return {key: entry[locale] for key, entry in _texts().items() if key.startswith(prefixes)}


def known_keys() -> frozenset[str]:
    return frozenset(_texts())
