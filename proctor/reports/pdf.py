"""The identity report as a PDF."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from proctor.catalogue import subset
from proctor.reports.document import Json
from proctor.reports.typesetting import qr_code, typeset
from proctor.reports.wording import printed

TEMPLATE = Path(__file__).parent / "report.typ"


def pdf_of(document: Json, sha256: str, locale: str) -> bytes:
    """The PDF of an issued report in *locale*; the same document gives the same bytes.

    A letter the font does not have is printed as U+FFFD; the other formats keep it.
    """
    words = {
        "report": json.dumps(asdict(printed(document, locale, sha256)), ensure_ascii=False),
        "texts": json.dumps(subset(locale, "report."), ensure_ascii=False),
        "qr": qr_code(f"sha256:{sha256}"),
    }
    return typeset(TEMPLATE, words, datetime.fromisoformat(document["as_of"]))
