"""A certificate on paper: the bilingual form of Annex 1 as PDF/A, link and QR beside it."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from babel.dates import format_date

from proctor.catalogue import translate
from proctor.clock import TIME_ZONE
from proctor.reports.document import Json
from proctor.reports.typesetting import qr_code, typeset

TEMPLATE = Path(__file__).parent / "certificate.typ"


def certificate_pdf(document: Json, sha256: str) -> bytes:
    """The form filled in; the same certificate gives the same bytes."""
    issued = datetime.fromisoformat(document["issued_at"])
    day = issued.astimezone(TIME_ZONE).date()
    words = {
        "certificate": json.dumps(document, ensure_ascii=False),
        "dates": _both(lambda locale: format_date(day, "«d» MMMM y", locale=locale)),
        "identity": _both(lambda locale: identity_line(document, locale)),
        "sha256": sha256,
        "qr": qr_code(document["link"]),
    }
    return typeset(TEMPLATE, words, issued)


def _both(said: Callable[[str], str]) -> str:
    """What is said in Kazakh and in Russian."""
    return json.dumps([said("kk"), said("ru")], ensure_ascii=False)


def identity_line(document: Json, locale: str) -> str:
    """The share the certificate rests on, with numerators and denominators and the methods."""
    identity = document["identity"]
    methods = ", ".join(translate(locale, f"technology.{name}") for name in identity["methods"])
    shares = {
        f"{reading}_{name}": identity[reading][name]
        for reading in ("count", "weight")
        for name in ("num", "den", "percent")
    }
    return translate(
        locale,
        "certificate.identity",
        act=identity["text"][locale],
        methods=methods or "–",
        **shares,
    )
