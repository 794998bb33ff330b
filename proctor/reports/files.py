"""An identity report as a file: its document and a format enter, bytes leave."""

from enum import StrEnum

from proctor.reports.document import Json, canonical, sha256_of
from proctor.reports.pdf import pdf_of
from proctor.reports.workbook import csv_of, xlsx_of


class FileFormat(StrEnum):
    """Files a report is taken away as."""

    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"


def content_of(document: Json, file_format: FileFormat, locale: str) -> bytes:
    """The file of *document* in *locale*. JSON is its canonical text, whose SHA-256 the other
    formats print."""
    body = canonical(document)
    match file_format:
        case FileFormat.PDF:
            return pdf_of(document, sha256_of(body), locale)
        case FileFormat.XLSX:
            return xlsx_of(document, sha256_of(body), locale)
        case FileFormat.CSV:
            return csv_of(document, sha256_of(body), locale)
        case FileFormat.JSON:
            return body.encode()
