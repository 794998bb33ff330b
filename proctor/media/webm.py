"""WebM with one VP8 track. Sources: RFC 8794 (EBML), RFC 9559 (Matroska)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO

from proctor.media.container import (
    MAX_START_MS,
    MAX_TIME_MS,
    Block,
    Cluster,
    Ending,
    Header,
    Layout,
    NotARecording,
)
from proctor.media.ebml import element, read_element, size_of, unsigned
from proctor.media.frames import vp8_size

EBML, SEGMENT, SEEK_HEAD, INFO, TRACKS = 0x1A45DFA3, 0x18538067, 0x114D9B74, 0x1549A966, 0x1654AE6B
TAGS, CLUSTER, CUES, VOID = 0x1254C367, 0x1F43B675, 0x1C53BB6B, 0xEC
SIMPLE_BLOCK, TIMESTAMP, START_TAG = 0xA3, 0xE7, "TANU_START_MS"
UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
SEEK_HEAD_ROOM = 96


def header(key_frame: bytes, start_ms: int) -> bytes:
    """The first bytes of a file that begins with *key_frame*."""
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
    width, height = vp8_size(key_frame)
    size = element(0xB0, width.to_bytes(2, "big")) + element(0xBA, height.to_bytes(2, "big"))
    entry = unsigned(0xD7, 1) + unsigned(0x73C5, 1) + unsigned(0x9C, 0) + unsigned(0x83, 1)
    entry += element(0x86, b"V_VP8") + element(0xE0, size)
    start = element(0x45A3, START_TAG.encode()) + element(0x4487, b"%d" % start_ms)
    tags = element(0x7373, element(0x63C0, b"") + element(0x67C8, start))
    tracks = element(TRACKS, element(0xAE, entry))
    return ebml + segment + room + info + tracks + element(TAGS, tags)


def read_header(head: bytes) -> Header:
    """The header that *head* begins with. Raises NotARecording."""
    segment, places, body = _places(head)
    tags = head[places[TAGS] : body]
    name_end = tags.find(START_TAG.encode()) + len(START_TAG)
    _, inner, size = read_element(tags, name_end)
    try:
        start_ms = int(tags[name_end + inner : name_end + inner + size])
    except ValueError as error:
        raise NotARecording from error
    if abs(start_ms) >= MAX_START_MS:
        raise NotARecording
    # finishing writes the segment's size last
    is_finished = head[segment - 8 : segment] != UNKNOWN_SIZE
    return Header("VP8", head[:body], start_ms, is_finished)


def opening(header: Header) -> bytes:
    """The header of a file that goes on: only the size, written last, says that it ends."""
    segment, _, _ = _places(header.data)
    return header.data[: segment - 8] + UNKNOWN_SIZE + header.data[segment:]


def cluster(blocks: Sequence[Block], last_ms: int) -> bytes:
    """A cluster of *blocks*; a player shows the last until the next cluster's first."""
    start_ms = blocks[0].at_ms
    body = unsigned(TIMESTAMP, start_ms) + b"".join(_simple_block(b, start_ms) for b in blocks)
    return CLUSTER.to_bytes(4, "big") + size_of(len(body), 8) + body


def cluster_at(file: BinaryIO, offset: int, length: int) -> Cluster | None:
    """The cluster there, None when none lies whole before *length*."""
    file.seek(offset)
    head = file.read(64)
    if len(head) < 12:
        return None
    try:
        name, inner, size = read_element(head, 0)
        if name != CLUSTER or offset + inner + size > length:
            return None
        start_ms, first = _start_of(head, inner)
        begin, _ = _block_at(head, first)
    except NotARecording:
        return None
    return Cluster(offset, start_ms, inner + size, bool(head[begin + 3] & 0x80))


def read_blocks(cluster: bytes) -> Iterator[Block]:
    """The pictures of one whole cluster; raises NotARecording where it is damaged."""
    _, head, _ = read_element(cluster, 0)
    start_ms, position = _start_of(cluster, head)
    while position < len(cluster):
        begin, end = _block_at(cluster, position)
        if end > len(cluster):
            raise NotARecording
        relative = int.from_bytes(cluster[begin + 1 : begin + 3], "big", signed=True)
        yield Block(start_ms + relative, bool(cluster[begin + 3] & 0x80), cluster[begin + 4 : end])
        position = end


def ending(file: BinaryIO, layout: Layout) -> Ending:
    """Cues behind the clusters; a seek head, the duration and the segment's size in the header."""
    segment, places, _ = _places(layout.header.data)
    cues = _cues(layout, segment)
    whole = layout.end + len(cues) - segment
    # to a browser a length of nothing is one without end
    length_ms = max(1, _last_ms(file, layout))
    duration = element(0x4489, struct.pack(">d", float(length_ms)))
    found = (INFO, places[INFO]), (TRACKS, places[TRACKS]), (CUES, layout.end)
    return Ending(
        cues,
        (
            (segment, _seek_head([(name, place - segment) for name, place in found])),
            # its room is the first child of info, behind its id and one byte of size
            (places[INFO] + 5, duration),
            (segment - 8, b"\x01" + whole.to_bytes(7, "big")),
        ),
    )


def _places(head: bytes) -> tuple[int, dict[int, int], int]:
    """Where the segment's content begins, each element of the header, and what follows it."""
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
    # the places that finishing writes to
    is_ours = places.get(INFO) == segment + SEEK_HEAD_ROOM and TRACKS in places
    if not is_ours or position > len(head):
        raise NotARecording
    return segment, places, position


def _start_of(data: bytes, position: int) -> tuple[int, int]:
    """When the cluster with its timestamp there begins, and where its first block stands."""
    name, inner, width = read_element(data, position)
    start_ms = int.from_bytes(data[position + inner : position + inner + width], "big")
    if name != TIMESTAMP or start_ms >= MAX_TIME_MS:
        raise NotARecording
    return start_ms, position + inner + width


def _block_at(data: bytes, position: int) -> tuple[int, int]:
    """Where the content of the block there begins, and where the block ends."""
    name, inner, size = read_element(data, position)
    begin = position + inner
    if name != SIMPLE_BLOCK or size < 4 or begin + 4 > len(data):
        raise NotARecording
    return begin, begin + size


def _last_ms(file: BinaryIO, layout: Layout) -> int:
    if not layout.clusters:
        return 0
    last = layout.clusters[-1]
    file.seek(last.offset)
    found = last.start_ms
    with suppress(NotARecording):
        for each in read_blocks(file.read(last.size)):
            found = max(found, each.at_ms)
    return found


def _simple_block(block: Block, start_ms: int) -> bytes:
    relative = (block.at_ms - start_ms).to_bytes(2, "big", signed=True)
    flags = b"\x80" if block.is_key else b"\0"
    size = size_of(len(block.data) + 4, 4)
    return bytes([SIMPLE_BLOCK]) + size + b"\x81" + relative + flags + block.data


def _cues(layout: Layout, segment: int) -> bytes:
    points = [
        element(
            0xBB,
            unsigned(0xB3, each.start_ms)
            + element(0xB7, unsigned(0xF7, 1) + unsigned(0xF1, each.offset - segment)),
        )
        for each in layout.clusters
        if each.starts_with_key
    ]
    return CUES.to_bytes(4, "big") + size_of(sum(map(len, points)), 8) + b"".join(points)


def _seek_head(places: Sequence[tuple[int, int]]) -> bytes:
    seeks = [
        element(0x4DBB, element(0x53AB, name.to_bytes(4, "big")) + unsigned(0x53AC, place))
        for name, place in places
    ]
    head = element(SEEK_HEAD, b"".join(seeks))
    return head + element(VOID, bytes(SEEK_HEAD_ROOM - len(head) - 2))
