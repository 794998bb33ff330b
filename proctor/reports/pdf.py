"""The identity report as a PDF (PDF/A-2a and PDF/UA-1), typeset by Typst.

What people wrote goes to the template as data, never as markup.
"""

import io
import json
import re
import unicodedata
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import segno
import typst

from proctor.catalogue import subset
from proctor.reports.document import Json
from proctor.reports.wording import printed

TEMPLATE = Path(__file__).parent / "report.typ"

# what Libertinus Serif cannot show: PDF/A refuses a document with a letter that has no glyph
NO_GLYPH = re.compile(
    r"[^\n\u0020-\u007e\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c"
    r"\u038e-\u03a1\u03a3-\u0482\u048a-\u04ff\u1e00-\u1eff\u2010-\u2027\u2030-\u2040"
    r"\u2044-\u2052\u2054-\u205e\u20a0-\u20c0\u2116\u2122\ufffd]"
)


def pdf_of(document: Json, sha256: str, locale: str) -> bytes:
    """The PDF of an issued report in *locale*; the same document gives the same bytes.

    A letter the font does not have is printed as U+FFFD; the other formats keep it.
    """
    report = json.dumps(asdict(printed(document, locale, sha256)), ensure_ascii=False)
    inputs = {
        "report": NO_GLYPH.sub("\ufffd", unicodedata.normalize("NFC", report)),
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
