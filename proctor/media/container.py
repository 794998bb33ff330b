"""What a file of one encoded track is made of, whatever its codec: a header, clusters, an ending.

While it grows a file is its header and clusters. Finishing appends the ending and changes some
bytes of the header; no cluster ever changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol

from proctor.media.frames import Codec

# a file counts its time in 32 bits, and begins within decades of the recording's epoch
MAX_TIME_MS = 1 << 32
MAX_START_MS = 1 << 40


class NotARecording(ValueError):
    """The bytes are none that a recording of ours has there: of another file, or damaged."""


class NotRecordable(ValueError):
    """A decoder could do nothing with a file that begins with this picture."""


@dataclass(frozen=True, slots=True)
class Block:
    """One encoded picture, ``at_ms`` after the file's first; ``data`` as a frame holds it."""

    at_ms: int
    is_key: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Cluster:
    """A stretch of at most a second: where it lies in the file and when it begins."""

    offset: int
    start_ms: int
    size: int
    starts_with_key: bool


@dataclass(frozen=True, slots=True)
class Header:
    """The first bytes of a file.

    ``start_ms``: the first frame, since the recording's epoch. ``is_finished``: the ending is
    written and the header says so.
    """

    codec: Codec
    data: bytes
    start_ms: int
    is_finished: bool

    @property
    def body(self) -> int:
        """Where the first cluster begins."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a recording lie; ``end``: after the last whole cluster."""

    header: Header
    clusters: tuple[Cluster, ...]
    end: int


class Ending(NamedTuple):
    """What makes a recording seekable: bytes behind its clusters, and changes of its header.

    ``changes``: offset and new bytes, to be written in their order once the tail is; the last one
    makes the header finished.
    """

    tail: bytes
    changes: tuple[tuple[int, bytes], ...]


class Container(Protocol):
    """How pictures of one codec lie in a file."""

    def header(self, key_frame: bytes, start_ms: int) -> bytes:
        """The first bytes of a file that begins with *key_frame*. Raises NotRecordable."""

    def read_header(self, head: bytes) -> Header:
        """The header that *head*, the first bytes of a file, begins with. Raises NotARecording."""

    def opening(self, header: Header) -> bytes:
        """The header of a file that goes on."""

    def cluster(self, blocks: Sequence[Block], last_ms: int) -> bytes:
        """A cluster of *blocks*; ``last_ms``: how long the last of them is shown."""

    def cluster_at(self, file: BinaryIO, offset: int, length: int) -> Cluster | None:
        """The cluster there, None when none lies whole before *length*."""

    def read_blocks(self, cluster: bytes) -> Iterator[Block]:
        """The pictures of one whole cluster; raises NotARecording where it is damaged."""

    def ending(self, file: BinaryIO, layout: Layout) -> Ending:
        """What finishes *file*, of that layout. Raises NotARecording."""
