"""The identity report as a PDF (PDF/A-2a and PDF/UA-1), typeset by Typst.

What people wrote goes to the template as data, never as markup.
"""

import io
import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import segno
import typst

from proctor.catalogue import subset
from proctor.reports.document import Json
from proctor.reports.wording import printed

TEMPLATE = Path(__file__).parent / "report.typ"


def pdf_of(document: Json, sha256: str, locale: str) -> bytes:
    """The PDF of an issued report in *locale*; the same document gives the same bytes."""
    inputs = {
        "report": json.dumps(asdict(printed(document, locale, sha256)), ensure_ascii=False),
        "texts": json.dumps(subset(locale, "report."), ensure_ascii=False),
        "qr": _qr(sha256),
    }
    return typst.compile(
        str(TEMPLATE),
        format="pdf",
        sys_inputs=inputs,
        pdf_standards=["a-2a", "ua-1"],
        timestamp=int(datetime.fromisoformat(document["as_of"]).timestamp()),
        # only the fonts inside the wheel, so that every machine sets the same pages
        ignore_system_fonts=True,
    )


def _qr(sha256: str) -> str:
    drawn = io.BytesIO()
    segno.make(f"sha256:{sha256}", error="m").save(drawn, kind="svg", border=0, xmldecl=False)
    return drawn.getvalue().decode()
