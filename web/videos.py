"""Files of recordings and clips as answers; whoever sends one has written the view down first."""

from collections.abc import Iterator
from pathlib import Path

from fastapi.responses import FileResponse, Response, StreamingResponse

from proctor.errors import NotFound
from web.access import Services

NO_STORE = {"Cache-Control": "no-store"}
_PIECE = 64 * 1024


class RecordingMissing(NotFound):
    """The file of this recording is not there."""

    key = "error.recording_missing"


def file_of(at: Services, relative: str) -> Path:
    """The file of a recording or clip. Raises RecordingMissing."""
    root = at.settings.recordings_dir.resolve()
    path = (root / relative).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise RecordingMissing
    return path


def video(path: Path) -> Response:
    """A file that is complete, in ranges."""
    return FileResponse(path, media_type="video/webm", headers=NO_STORE)


def growing(path: Path) -> Response:
    """What the file holds by now: it may have grown before the last byte is sent."""
    size = path.stat().st_size
    headers = NO_STORE | {"Content-Length": str(size), "Accept-Ranges": "bytes"}
    return StreamingResponse(_bytes(path, size), media_type="video/webm", headers=headers)


def _bytes(path: Path, left: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while left > 0 and (piece := file.read(min(_PIECE, left))):
            left -= len(piece)
            yield piece
