"""A recording that still grows, seen as if it ended now: the same bytes, seekable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from proctor.media import webm

PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A recording up to ``end``: its header as finished, its clusters, and cues behind them.

    The same ``end`` gives the same bytes for ever, also once the recording is finished.
    """

    path: Path
    head: bytes
    end: int
    cues: bytes

    @property
    def size(self) -> int:
        return self.end + len(self.cues)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from *start* up to but not including *stop*, in pieces."""
        if start < len(self.head):
            yield self.head[start:stop]
        with self.path.open("rb") as file:
            at = max(start, len(self.head))
            file.seek(at)
            while at < min(stop, self.end):
                piece = file.read(min(PIECE, min(stop, self.end) - at))
                at += len(piece)
                yield piece
        if stop > self.end:
            yield self.cues[max(0, start - self.end) : stop - self.end]


def snapshot(path: Path, until: int | None = None) -> Snapshot:
    """The recording at *path* up to the cluster that ends at *until*, or to its newest.

    Raises webm.NotARecording, OSError.
    """
    layout = webm.read_layout(path, until)
    with path.open("rb") as file:
        head = bytearray(file.read(layout.body))
        cues, changes = webm.finishing(layout, webm.last_ms(file, layout))
    for position, data in changes:
        head[position : position + len(data)] = data
    return Snapshot(path, bytes(head), layout.end, cues)
