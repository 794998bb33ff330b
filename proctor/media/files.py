"""Append-only files of one encoded track: written by clusters, read while they grow, finished.

Each cluster is one write. The side file ``.idx`` holds 16 bytes per cluster, big-endian: offset
(u64), start in ms since the file's first frame (u32), size (u31) with the top bit set when the
cluster begins with a key frame.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from proctor.media import mp4, webm
from proctor.media.container import Block, Cluster, Container, Ending, Header, Layout
from proctor.media.frames import Codec

CONTAINERS: Mapping[Codec, Container] = MappingProxyType({"VP8": webm, "H264": mp4})
SUFFIX: Mapping[Codec, str] = MappingProxyType({"VP8": ".webm", "H264": ".mp4"})
MAX_CLUSTER_MS = 1_000
MAX_CLUSTER_BYTES = 1 << 20
HEADER_BYTES = 4096
INDEX = struct.Struct(">QII")
KEY_BIT = 1 << 31
# until two pictures tell
FIRST_STEP_MS = 200


class Writer:
    """Appends pictures to *path*, which must not have content; raises OSError as the disk does.

    ``key_frame``: the first picture. ``start_ms``: its time since the recording's epoch, kept in
    the header. Raises NotRecordable.
    """

    def __init__(self, path: Path, codec: Codec, key_frame: bytes, start_ms: int) -> None:
        self._container = CONTAINERS[codec]
        header = self._container.header(key_frame, start_ms)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._index = os.open(index_path(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError:
            os.close(self._file)
            raise
        try:
            _write(self._file, header)
        except OSError:
            self.close()
            raise
        self.body = self.end = len(header)
        self._blocks: list[Block] = []
        self._bytes = 0
        # the longest a picture was shown yet, in a second at most
        self._step_ms = 0

    def add(self, block: Block) -> None:
        """Take the next frame; a key frame, a second or a megabyte begins a new cluster."""
        if self._blocks:
            shown_ms = block.at_ms - self._blocks[-1].at_ms
            self._step_ms = min(MAX_CLUSTER_MS, max(self._step_ms, shown_ms))
            if (
                block.is_key
                or block.at_ms - self._blocks[0].at_ms >= MAX_CLUSTER_MS
                or self._bytes >= MAX_CLUSTER_BYTES
            ):
                self._flush(shown_ms)
        self._blocks.append(block)
        self._bytes += len(block.data)

    def flush(self) -> None:
        """Write the open cluster; on failure nothing of it stays in the file."""
        if self._blocks:
            self._flush(self._step_ms or FIRST_STEP_MS)

    def _flush(self, last_ms: int) -> None:
        cluster = self._container.cluster(self._blocks, last_ms)
        try:
            _write(self._file, cluster)
        except OSError:
            os.ftruncate(self._file, self.end)
            raise
        first = self._blocks[0]
        key = KEY_BIT if first.is_key else 0
        _write(self._index, INDEX.pack(self.end, first.at_ms, len(cluster) | key))
        self.end += len(cluster)
        self._blocks, self._bytes = [], 0

    @property
    def waiting(self) -> int:
        """Pictures that are not in the file yet."""
        return len(self._blocks)

    def sync(self) -> None:
        """Have the device hold what was written."""
        os.fdatasync(self._file)

    def close(self) -> None:
        """Close without finishing: ``finish`` or a repair makes the file seekable."""
        try:
            os.close(self._file)
        finally:
            os.close(self._index)


def index_path(path: Path) -> Path:
    """The side file with one entry per cluster."""
    return path.with_name(path.name + ".idx")


def read_clusters(path: Path) -> tuple[Cluster, ...]:
    """The clusters of a recording that may still grow, from its index.

    After a power cut an index may name what the file has lost: that is left out.
    """
    if not index_path(path).exists():
        return ()
    length, end = path.stat().st_size, 0
    found = []
    for each in read_index(index_path(path).read_bytes()):
        if end <= each.offset < each.offset + each.size <= length:
            found.append(each)
            end = each.offset + each.size
    return tuple(found)


def read_index(data: bytes) -> tuple[Cluster, ...]:
    """The clusters that *data*, of an index, names; a torn last entry is left out."""
    whole = data[: len(data) // INDEX.size * INDEX.size]
    return tuple(
        Cluster(offset, start_ms, size & ~KEY_BIT, bool(size & KEY_BIT))
        for offset, start_ms, size in INDEX.iter_unpack(whole)
    )


def read_header(path: Path) -> Header:
    """The header of a recording that may still grow. Raises NotARecording, OSError."""
    with path.open("rb") as file:
        return header_of(file.read(HEADER_BYTES))


def header_of(head: bytes) -> Header:
    """The header that *head*, a file's first bytes, begins with. Raises NotARecording."""
    return _container_of(head).read_header(head)


def opening(header: Header) -> bytes:
    """The header of a file that goes on, for players that take clusters as they come."""
    return CONTAINERS[header.codec].opening(header)


def read_blocks(cluster: bytes) -> Iterator[Block]:
    """The pictures of one whole cluster; raises NotARecording where it is damaged."""
    return _container_of(cluster).read_blocks(cluster)


def read_layout(path: Path, until: int | None = None) -> Layout:
    """The layout by the index, of a recording that may still grow, up to the byte *until*.

    Raises NotARecording, OSError.
    """
    header = read_header(path)
    clusters = tuple(
        each
        for each in read_clusters(path)
        if header.body <= each.offset and (until is None or each.offset + each.size <= until)
    )
    end = clusters[-1].offset + clusters[-1].size if clusters else header.body
    return Layout(header, clusters, end)


def scan(path: Path) -> Layout:
    """The layout found by walking the file itself.

    The index only says where the next cluster stands behind a damaged one. Raises NotARecording.
    """
    header = read_header(path)
    container, length = CONTAINERS[header.codec], path.stat().st_size
    clusters: list[Cluster] = []
    end = header.body
    named = iter(read_clusters(path))
    with path.open("rb") as file:
        at: int | None = end
        while at is not None:
            if found := container.cluster_at(file, at, length):
                clusters.append(found)
                at = end = at + found.size
            else:
                at = next((each.offset for each in named if each.offset > at), None)
    return Layout(header, tuple(clusters), end)


def ending(path: Path, layout: Layout) -> Ending:
    """What makes the recording at *path*, up to what *layout* says, seekable.

    Raises NotARecording, OSError.
    """
    with path.open("rb") as file:
        return CONTAINERS[layout.header.codec].ending(file, layout)


def finish(path: Path, sealed: int = 0) -> Layout:
    """Make *path* seekable: drop a torn tail, rebuild the index, write the ending.

    For a writer's closed file as for one its writer was killed on; of a finished file only the
    index is written, if the device has lost it. ``sealed``: bytes that are no torn tail, whatever
    has become of them. Raises NotARecording, OSError.
    """
    layout = scan(path)
    if layout.header.is_finished:
        _write_index(path, layout)
        return layout
    layout = replace(layout, end=max(layout.end, min(sealed, path.stat().st_size)))
    tail, changes = ending(path, layout)
    _write_index(path, layout)
    with path.open("r+b") as file:
        file.truncate(layout.end)
        file.seek(layout.end)
        file.write(tail)
        for position, data in changes:
            file.seek(position)
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return scan(path)


def keep(path: Path) -> None:
    """Have the device hold the file at *path*, or the names in the directory there."""
    with opened(path) as file:
        os.fsync(file)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """The file or directory at *path*, to be synced."""
    file = os.open(path, os.O_RDONLY)
    try:
        yield file
    finally:
        os.close(file)


def _write_index(path: Path, layout: Layout) -> None:
    entries = b"".join(
        INDEX.pack(each.offset, each.start_ms, each.size | (KEY_BIT * each.starts_with_key))
        for each in layout.clusters
    )
    index = index_path(path)
    if not index.exists() or index.read_bytes() != entries:
        index.write_bytes(entries)
    keep(index)


def _container_of(data: bytes) -> Container:
    """Of the bytes a file or a cluster begins with."""
    return mp4 if data[4:8] in (b"ftyp", b"moof") else webm


def _write(file: int, data: bytes) -> None:
    written = 0
    while written < len(data):
        written += os.write(file, data[written:])
