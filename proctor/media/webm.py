"""WebM with one VP8 track: an append-only writer, and a reader that works while the file grows.

Each cluster is one write. The side file ``.idx`` holds 16 bytes per cluster, big-endian: offset
(u64), start in ms since the file's first frame (u32), size (u31) with the top bit set when the
cluster begins with a key frame. Source: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from proctor.media.ebml import element, read_element, size_of, unsigned

EBML, SEGMENT, SEEK_HEAD, INFO, TRACKS = 0x1A45DFA3, 0x18538067, 0x114D9B74, 0x1549A966, 0x1654AE6B
TAGS, CLUSTER, CUES, VOID = 0x1254C367, 0x1F43B675, 0x1C53BB6B, 0xEC
SIMPLE_BLOCK, TIMESTAMP, START_TAG = 0xA3, 0xE7, "TANU_START_MS"
UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
SEEK_HEAD_ROOM = 96
MAX_CLUSTER_MS = 1_000
MAX_CLUSTER_BYTES = 1 << 20
INDEX = struct.Struct(">QII")
KEY_BIT = 1 << 31


class NotARecording(ValueError):
    """The file does not begin as a recording of ours does."""


@dataclass(frozen=True, slots=True)
class Block:
    """One encoded picture, ``at_ms`` after the file's first."""

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
class Layout:
    """Where the parts of a recording lie, in bytes from the file's start.

    ``start_ms``: the first frame, since the recording's epoch. ``end``: after the last whole
    cluster. ``is_finished``: cues, duration and size are written.
    """

    segment: int
    info: int
    tracks: int
    body: int
    start_ms: int
    end: int
    clusters: tuple[Cluster, ...]
    is_finished: bool


class WebmWriter:
    """Appends frames to *path*, which must not have content; raises OSError as the disk does.

    ``start_ms``: time of the first frame since the recording's epoch, kept in the header.
    """

    def __init__(self, path: Path, width: int, height: int, start_ms: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._index = os.open(index_path(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        header = _header(width, height, start_ms)
        _write(self._file, header)
        self.body = self.end = len(header)
        self._blocks: list[bytes] = []
        self._bytes = 0
        self._start_ms: int | None = None
        self._starts_with_key = False

    def add(self, block: Block) -> None:
        """Take the next frame; a key frame, a second or a megabyte begins a new cluster."""
        if self._start_ms is not None and (
            block.is_key
            or block.at_ms - self._start_ms >= MAX_CLUSTER_MS
            or self._bytes >= MAX_CLUSTER_BYTES
        ):
            self.flush()
        if self._start_ms is None:
            self._start_ms, self._starts_with_key = block.at_ms, block.is_key
        self._blocks.append(_simple_block(block, self._start_ms))
        self._bytes += len(block.data)

    def flush(self) -> None:
        """Write the open cluster; on failure nothing of it stays in the file."""
        if self._start_ms is None:
            return
        body = unsigned(TIMESTAMP, self._start_ms) + b"".join(self._blocks)
        cluster = CLUSTER.to_bytes(4, "big") + size_of(len(body), 8) + body
        try:
            _write(self._file, cluster)
        except OSError:
            os.ftruncate(self._file, self.end)
            raise
        key = KEY_BIT if self._starts_with_key else 0
        _write(self._index, INDEX.pack(self.end, self._start_ms, len(cluster) | key))
        self.end += len(cluster)
        self._start_ms, self._blocks, self._bytes = None, [], 0

    def sync(self) -> None:
        """Have the device hold what was written."""
        os.fdatasync(self._file)

    def close(self) -> None:
        """Close without finishing: ``finish`` or a repair makes the file seekable."""
        os.close(self._file)
        os.close(self._index)


def index_path(path: Path) -> Path:
    """The side file with one entry per cluster."""
    return path.with_name(path.name + ".idx")


def read_clusters(path: Path) -> tuple[Cluster, ...]:
    """The clusters of a recording that may still grow, from its index."""
    return read_index(index_path(path).read_bytes())


def read_index(data: bytes) -> tuple[Cluster, ...]:
    """The clusters that *data*, of an index, names; a torn last entry is left out."""
    whole = data[: len(data) // INDEX.size * INDEX.size]
    return tuple(
        Cluster(offset, start_ms, size & ~KEY_BIT, bool(size & KEY_BIT))
        for offset, start_ms, size in INDEX.iter_unpack(whole)
    )


def read_start_ms(path: Path) -> int:
    """When the file's first frame lies, in ms since the recording's epoch."""
    with path.open("rb") as file:
        return start_ms_of(file.read(4096))


def start_ms_of(header: bytes) -> int:
    """When the first frame lies, by the file's first bytes, in ms since the recording's epoch."""
    return _scan_header(header).start_ms


def read_blocks(data: bytes) -> Iterator[Block]:
    """The frames of one whole cluster."""
    _, head, _ = read_element(data, 0)
    _, inner, length = read_element(data, head)
    start_ms = int.from_bytes(data[head + inner : head + inner + length], "big")
    position = head + inner + length
    while position < len(data):
        _, inner, length = read_element(data, position)
        begin = position + inner
        relative = int.from_bytes(data[begin + 1 : begin + 3], "big", signed=True)
        picture = data[begin + 4 : begin + length]
        yield Block(start_ms + relative, bool(data[begin + 3] & 0x80), picture)
        position = begin + length


def scan(path: Path) -> Layout:
    """The layout found by walking the file itself, whatever its index says.

    Raises NotARecording.
    """
    with path.open("rb") as file:
        found = _scan_header(file.read(4096))
        length = path.stat().st_size
        clusters: list[Cluster] = []
        position = found.body
        while position < length:
            file.seek(position)
            head = file.read(64)
            if len(head) < 12:
                break
            name, inner, size = read_element(head, 0)
            if name != CLUSTER or position + inner + size > length:
                break
            clusters.append(_cluster(position, head, inner, size))
            position += inner + size
    return Layout(
        found.segment,
        found.info,
        found.tracks,
        found.body,
        found.start_ms,
        position,
        tuple(clusters),
        found.is_finished,
    )


def finish(path: Path) -> Layout:
    """Make *path* seekable: drop a torn tail, rebuild the index, write cues, size and duration.

    For a writer's closed file as for one its writer was killed on; a finished file is left alone.
    Raises NotARecording, OSError.
    """
    layout = scan(path)
    if layout.is_finished:
        return layout
    entries = [
        INDEX.pack(each.offset, each.start_ms, each.size | (KEY_BIT * each.starts_with_key))
        for each in layout.clusters
    ]
    index_path(path).write_bytes(b"".join(entries))
    with path.open("r+b") as file:
        file.truncate(layout.end)
        cues, changes = finishing(layout, last_ms(file, layout))
        file.seek(layout.end)
        file.write(cues)
        for position, data in changes:
            file.seek(position)
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return scan(path)


def finishing(layout: Layout, length_ms: int) -> tuple[bytes, tuple[tuple[int, bytes], ...]]:
    """What makes a recording seekable: the cues behind it, and what changes in its header, where.

    ``length_ms``: when its last picture lies. The changes are to be written in their order.
    """
    cues = _cues(layout)
    whole = layout.end + len(cues) - layout.segment
    # to a browser a length of nothing is one without end
    duration = element(0x4489, struct.pack(">d", float(max(1, length_ms))))
    return cues, (
        (layout.segment, _seek_head(layout)),
        # its room is the first child of info, behind its id and one byte of size
        (layout.info + 5, duration),
        (layout.segment - 8, b"\x01" + whole.to_bytes(7, "big")),
    )


def read_layout(path: Path, until: int | None = None) -> Layout:
    """The layout by the index, of a recording that may still grow, up to the byte *until*.

    Raises NotARecording, OSError.
    """
    with path.open("rb") as file:
        found = _scan_header(file.read(4096))
    clusters = tuple(
        each for each in read_clusters(path) if until is None or each.offset + each.size <= until
    )
    end = clusters[-1].offset + clusters[-1].size if clusters else found.body
    return Layout(
        found.segment,
        found.info,
        found.tracks,
        found.body,
        found.start_ms,
        end,
        clusters,
        found.is_finished,
    )


def last_ms(file: BinaryIO, layout: Layout) -> int:
    """The last picture of *layout*, in ms since the file's first."""
    if not layout.clusters:
        return 0
    file.seek(layout.clusters[-1].offset)
    return max(each.at_ms for each in read_blocks(file.read(layout.clusters[-1].size)))


def _header(width: int, height: int, start_ms: int) -> bytes:
    ebml = element(
        EBML,
        unsigned(0x4286, 1)
        + unsigned(0x42F7, 1)
        + unsigned(0x42F2, 4)
        + unsigned(0x42F3, 8)
        + element(0x4282, b"webm")
        + unsigned(0x4287, 4)
        + unsigned(0x4285, 2),
    )
    segment = SEGMENT.to_bytes(4, "big") + UNKNOWN_SIZE
    room = element(VOID, bytes(SEEK_HEAD_ROOM - 2))
    info = element(
        INFO,
        element(VOID, bytes(9))
        + unsigned(0x2AD7B1, 1_000_000)
        + element(0x4D80, b"tanu")
        + element(0x5741, b"tanu"),
    )
    size = element(0xB0, width.to_bytes(2, "big")) + element(0xBA, height.to_bytes(2, "big"))
    entry = unsigned(0xD7, 1) + unsigned(0x73C5, 1) + unsigned(0x9C, 0) + unsigned(0x83, 1)
    entry += element(0x86, b"V_VP8") + element(0xE0, size)
    start = element(0x45A3, START_TAG.encode()) + element(0x4487, b"%d" % start_ms)
    tags = element(0x7373, element(0x63C0, b"") + element(0x67C8, start))
    tracks = element(TRACKS, element(0xAE, entry))
    return ebml + segment + room + info + tracks + element(TAGS, tags)


@dataclass(frozen=True, slots=True)
class _Header:
    segment: int
    info: int
    tracks: int
    body: int
    start_ms: int
    is_finished: bool


def _scan_header(head: bytes) -> _Header:
    mark = head.find(SEGMENT.to_bytes(4, "big"))
    if not head.startswith(EBML.to_bytes(4, "big")) or mark < 0:
        raise NotARecording
    position = segment = mark + 12
    places: dict[int, int] = {}
    while TAGS not in places:
        if position + 12 > len(head):
            raise NotARecording
        name, inner, size = read_element(head, position)
        places[name] = position
        position += inner + size
    tags = head[places[TAGS] : position]
    name_end = tags.find(START_TAG.encode()) + len(START_TAG)
    _, inner, size = read_element(tags, name_end)
    start_ms = int(tags[name_end + inner : name_end + inner + size])
    # finishing writes the segment's size last
    is_finished = head[segment - 8 : segment] != UNKNOWN_SIZE
    return _Header(segment, places[INFO], places[TRACKS], position, start_ms, is_finished)


def _cluster(position: int, head: bytes, inner: int, size: int) -> Cluster:
    _, stamp, length = read_element(head, inner)
    start_ms = int.from_bytes(head[inner + stamp : inner + stamp + length], "big")
    block = inner + stamp + length
    _, stamp, _ = read_element(head, block)
    return Cluster(position, start_ms, inner + size, bool(head[block + stamp + 3] & 0x80))


def _simple_block(block: Block, start_ms: int) -> bytes:
    relative = (block.at_ms - start_ms).to_bytes(2, "big", signed=True)
    flags = b"\x80" if block.is_key else b"\0"
    size = size_of(len(block.data) + 4, 4)
    return bytes([SIMPLE_BLOCK]) + size + b"\x81" + relative + flags + block.data


def _cues(layout: Layout) -> bytes:
    points = [
        element(
            0xBB,
            unsigned(0xB3, each.start_ms)
            + element(0xB7, unsigned(0xF7, 1) + unsigned(0xF1, each.offset - layout.segment)),
        )
        for each in layout.clusters
        if each.starts_with_key
    ]
    return CUES.to_bytes(4, "big") + size_of(sum(map(len, points)), 8) + b"".join(points)


def _seek_head(layout: Layout) -> bytes:
    places = ((INFO, layout.info), (TRACKS, layout.tracks), (CUES, layout.end))
    seeks = [
        element(
            0x4DBB,
            element(0x53AB, name.to_bytes(4, "big")) + unsigned(0x53AC, place - layout.segment),
        )
        for name, place in places
    ]
    head = element(SEEK_HEAD, b"".join(seeks))
    return head + element(VOID, bytes(SEEK_HEAD_ROOM - len(head) - 2))


def _write(file: int, data: bytes) -> None:
    written = 0
    while written < len(data):
        written += os.write(file, data[written:])
