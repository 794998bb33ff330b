"""Pages set by Typst as PDF/A-2a and PDF/UA-1; the same words give the same bytes.

What people wrote goes to a template as data, never as markup.
"""

import io
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import segno
import typst

# what Libertinus Serif cannot show: PDF/A refuses a document with a letter that has no glyph
NO_GLYPH = re.compile(
    r"[^\n\u0020-\u007e\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c"
    r"\u038e-\u03a1\u03a3-\u0482\u048a-\u04ff\u1e00-\u1eff\u2010-\u2027\u2030-\u2040"
    r"\u2044-\u2052\u2054-\u205e\u20a0-\u20c0\u2116\u2122\ufffd]"
)


def typeset(template: Path, words: Mapping[str, str], at: datetime) -> bytes:
    """The PDF of *template* with *words*, dated *at*.

    A letter the font does not have is printed as U+FFFD.
    """
    return typst.compile(
        str(template),
        format="pdf",
        sys_inputs={
            name: NO_GLYPH.sub("\ufffd", unicodedata.normalize("NFC", said))
            for name, said in words.items()
        },
        pdf_standards=["a-2a", "ua-1"],
        timestamp=int(at.timestamp()),
        # only the fonts inside the wheel, so that every machine sets the same pages
        ignore_system_fonts=True,
    )


def qr_code(text: str) -> str:
    """*text* as a QR code in SVG."""
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="svg", border=0, xmldecl=False)
    return drawn.getvalue().decode()
