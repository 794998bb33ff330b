"""Files that people take away."""

from urllib.parse import quote

from fastapi.responses import Response

from proctor.reports.files import FileFormat

MEDIA_TYPES = {
    FileFormat.PDF: "application/pdf",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.JSON: "application/json",
}


def download(content: bytes, name: str) -> Response:
    """A file to take away; what it is its name says."""
    return Response(
        content,
        media_type=MEDIA_TYPES[FileFormat(name.rpartition(".")[2])],
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "Cache-Control": "no-store",
        },
    )
