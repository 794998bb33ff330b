"""Files of recordings and clips as answers; whoever sends one has written the view down first."""

import re
from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, Response, StreamingResponse

from proctor.errors import NotFound
from proctor.media.container import NotARecording
from proctor.media.snapshot import snapshot
from web.access import Services

NO_STORE = {"Cache-Control": "no-store"}
_TYPES = {".webm": "video/webm", ".mp4": "video/mp4"}
_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


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
    return FileResponse(path, media_type=_TYPES[path.suffix], headers=NO_STORE)


def growing(path: Path, request: Request, until: int | None) -> Response:
    """What *request* wants of a recording as it was at the byte *until*, or as it is now.

    Seekable like one that is complete: all of it, one range (RFC 9110, 14), or 416. Raises
    RecordingMissing.
    """
    try:
        made = snapshot(path, until)
    except NotARecording as error:
        raise RecordingMissing from error
    start, stop, status = 0, made.size, 200
    headers = NO_STORE | {"Accept-Ranges": "bytes"}
    asked = _ONE_RANGE.fullmatch(request.headers.get("range", ""))
    # several ranges at once are answered with the whole, which is allowed
    if asked is not None and asked[0] != "bytes=-":
        status = 206
        if asked[1]:
            start = int(asked[1])
            stop = min(made.size, int(asked[2]) + 1) if asked[2] else made.size
        else:
            start = max(0, made.size - int(asked[2]))
        if start >= stop:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{made.size}"})
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{made.size}"
    headers["Content-Length"] = str(stop - start)
    kind = _TYPES[path.suffix]
    return StreamingResponse(made.read(start, stop), status, headers, media_type=kind)
