"""A recording followed while it grows: from the last key frame on, as it is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from proctor.media import files
from proctor.media.container import Cluster

# a viewer this far behind is shown the newest pictures rather than all of them
MAX_PIECE_BYTES = 2 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole clusters of one file; ``is_start``: the file's header stands before them.

    ``zero_s``: the file's first frame, in seconds since the recording's epoch.
    """

    data: bytes
    is_start: bool
    zero_s: float


class Follower:
    """Reads *path*, which its recorder may not have begun to write yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._index_at = 0
        self._header = b""
        self._zero_s = 0.0
        self._is_started = False

    def read(self) -> Piece | None:
        """What was written since the last call; None when nothing was. Raises OSError."""
        clusters = self._new_clusters()
        if not clusters:
            return None
        if sum(each.size for each in clusters) > MAX_PIECE_BYTES:
            self._is_started = False
        is_start = not self._is_started
        if is_start:
            keys = [n for n, each in enumerate(clusters) if each.starts_with_key]
            if not keys:
                return None
            clusters = clusters[keys[-1] :]
        first, last = clusters[0], clusters[-1]
        with self.path.open("rb") as file:
            if not self._header:
                self._read_header(file.read(self._body_at))
            file.seek(first.offset)
            data = file.read(last.offset + last.size - first.offset)
        self._is_started = True
        return Piece(self._header + data if is_start else data, is_start, self._zero_s)

    def _new_clusters(self) -> tuple[Cluster, ...]:
        """Those that the index names since the last call; it is written after each of them."""
        index = files.index_path(self.path)
        if not index.exists():
            return ()
        with index.open("rb") as file:
            file.seek(self._index_at)
            found = files.read_index(file.read())
        if found and self._index_at == 0:
            self._body_at = found[0].offset
        self._index_at += len(found) * files.INDEX.size
        return found

    def _read_header(self, header: bytes) -> None:
        found = files.header_of(header)
        # one that was finished meanwhile says so in its header
        self._header = files.opening(found)
        self._zero_s = found.start_ms / 1000
