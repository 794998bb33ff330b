"""An identity report as a file: its document and a format enter, bytes leave."""

import json
from enum import StrEnum

from proctor.reports.document import sha256_of, streamed
from proctor.reports.pdf import pdf_of
from proctor.reports.workbook import csv_of, xlsx_of


class FileFormat(StrEnum):
    """Files a report is taken away as."""

    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"


def content_of(body: str, file_format: FileFormat, locale: str) -> bytes:
    """The file of a report in *locale*. ``body``: its canonical text, which JSON is, and whose
    SHA-256 the other formats print."""
    match file_format:
        case FileFormat.PDF:
            return pdf_of(json.loads(body), sha256_of(body), locale)
        case FileFormat.XLSX:
            return xlsx_of(streamed(body), sha256_of(body), locale)
        case FileFormat.CSV:
            return csv_of(streamed(body), sha256_of(body), locale)
        case FileFormat.JSON:
            return body.encode()
