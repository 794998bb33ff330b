"""A recording that still grows, seen as if it ended now: the same bytes, seekable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from proctor.media import files

PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A recording up to ``end``: its header as finished, its clusters, and what ends it.

    The same ``end`` gives the same bytes for ever, also once the recording is finished.
    """

    path: Path
    head: bytes
    end: int
    tail: bytes

    @property
    def size(self) -> int:
        return self.end + len(self.tail)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from *start* up to but not including *stop*, in pieces; fewer when the file
        was cut meanwhile."""
        if start < len(self.head):
            yield self.head[start:stop]
        with self.path.open("rb") as file:
            at = max(start, len(self.head))
            file.seek(at)
            while piece := file.read(max(0, min(PIECE, min(stop, self.end) - at))):
                at += len(piece)
                yield piece
        if stop > self.end:
            yield self.tail[max(0, start - self.end) : stop - self.end]


def snapshot(path: Path, until: int | None = None) -> Snapshot:
    """The recording at *path* up to the cluster that ends at *until*, or to its newest.

    Raises NotARecording, OSError.
    """
    layout = files.read_layout(path, until)
    head = bytearray(layout.header.data)
    tail, changes = files.ending(path, layout)
    for position, data in changes:
        head[position : position + len(data)] = data
    return Snapshot(path, bytes(head), layout.end, tail)
