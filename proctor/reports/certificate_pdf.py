"""A certificate on paper: the bilingual form of Annex 1 as PDF/A, link and QR beside it."""

import io
import json
from datetime import datetime
from pathlib import Path

import segno
import typst
from babel.dates import format_date

from proctor.catalogue import translate
from proctor.clock import TIME_ZONE
from proctor.reports.document import Json

TEMPLATE = Path(__file__).parent / "certificate.typ"


def certificate_pdf(document: Json, sha256: str) -> bytes:
    """The form filled in; the same certificate gives the same bytes."""
    drawn = io.BytesIO()
    segno.make(document["link"], error="m").save(drawn, kind="svg", border=0, xmldecl=False)
    issued = datetime.fromisoformat(document["issued_at"])
    day = issued.astimezone(TIME_ZONE).date()
    inputs = {
        "certificate": json.dumps(document, ensure_ascii=False),
        "dates": json.dumps(
            [
                format_date(day, "«d» MMMM y", locale="kk"),
                format_date(day, "«d» MMMM y", locale="ru"),
            ]
        ),
        "identity": json.dumps([identity_line(document, locale) for locale in ("kk", "ru")]),
        "sha256": sha256,
        "qr": drawn.getvalue().decode(),
    }
    return typst.compile(
        str(TEMPLATE),
        format="pdf",
        sys_inputs=inputs,
        pdf_standards=["a-2a", "ua-1"],
        timestamp=int(issued.timestamp()),
        ignore_system_fonts=True,
    )


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
