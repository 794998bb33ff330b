"""A clip for people without our player: encoded anew as MP4, on demand and never as evidence."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av

from proctor.errors import Conflict, Unavailable
from proctor.media.files import SUFFIX

MILLISECONDS = Fraction(1, 1000)
# a picture decides nothing here; the clip it was made from is the evidence
OPTIONS = {"crf": "23", "preset": "veryfast", "threads": "1"}
# one after another: an export may not take the cores of those who sit an exam
_ONE = threading.Lock()


class ExportBusy(Conflict):
    """Another clip is being turned into MP4; try again in a moment."""

    key = "error.export_busy"


class ExportFailed(Unavailable):
    """The clip cannot be turned into MP4."""


@contextmanager
def export_alone() -> Iterator[None]:
    """The one place in which clips are exported. Raises ExportBusy while somebody else has it:
    whoever waited would keep one of the threads that save answers."""
    if not _ONE.acquire(blocking=False):
        raise ExportBusy
    try:
        yield
    finally:
        _ONE.release()


def as_mp4(clip: Path) -> bytes:
    """The pictures of *clip* as H.264 in MP4, at their times; as it is if it is that already.
    Raises ExportFailed, OSError.

    It takes seconds of a core, so it has no place on an event loop or in a transaction.
    """
    if clip.suffix == SUFFIX["H264"]:
        return clip.read_bytes()
    made = io.BytesIO()
    try:
        with av.open(str(clip)) as source, av.open(made, "w", format="mp4") as target:
            _encode(source, target)
    except av.FFmpegError as error:
        raise ExportFailed from error
    return made.getvalue()


def _encode(source: av.container.InputContainer, target: av.container.OutputContainer) -> None:
    stream: av.VideoStream | None = None
    for picture in source.decode(video=0):
        if stream is None:
            stream = target.add_stream("libx264", options=OPTIONS)
            # H.264 has even sides only
            stream.width, stream.height = picture.width & ~1, picture.height & ~1
            stream.pix_fmt, stream.time_base = "yuv420p", MILLISECONDS
            stream.codec_context.time_base = MILLISECONDS
        assert picture.time is not None
        even = picture.reformat(stream.width, stream.height, "yuv420p")
        even.pts, even.time_base = round(1000 * picture.time), MILLISECONDS
        target.mux(stream.encode(even))
    if stream is None:
        raise ExportFailed
    target.mux(stream.encode(None))
