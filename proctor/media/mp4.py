"""MP4 with one H.264 track: fragments while it grows, a plain file with one index once finished.

Each cluster is a fragment: its index and its pictures. Finishing hides the fragments' own indices
in one box of data and puts an index of all pictures behind it, so that every player seeks.
Source: ISO/IEC 14496-12 (boxes), 14496-15 (H.264 in them).
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import BinaryIO, NamedTuple

from proctor.media import h264
from proctor.media.container import (
    MAX_START_MS,
    MAX_TIME_MS,
    Block,
    Cluster,
    Ending,
    Header,
    Layout,
    NotARecording,
    NotRecordable,
)

TIMES_A_SECOND = 1_000
# one that a decoder may start at; one that needs others
KEY_SAMPLE, OTHER_SAMPLE = 0x02000000, 0x01010000
DURATION, SIZE, FLAGS = 0, 1, 2
UNITY = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
# room for the head of the one box of data that finishing makes of all that follows it
ROOM = struct.pack(">I4sQ", 16, b"free", 0)
_FILE_TYPE = struct.pack(">I4s4sI16s", 32, b"ftyp", b"isom", 512, b"isomiso6avc1mp41")
_MOOV = len(_FILE_TYPE) + len(ROOM)
# moof, mfhd, traf, tfhd, tfdt and trun: size, type, then version with flags and the box's own
_FRAGMENT = struct.Struct(">I4s I4sII I4s I4sII I4sIQ I4sIII")
_SAMPLE_BYTES = 12
# a cluster lasts a second, and no two pictures begin in the same millisecond
_MOST_SAMPLES = 1_001
_READ = 4096


def header(key_frame: bytes, start_ms: int) -> bytes:
    """The first bytes of a file that begins with *key_frame*. Raises NotRecordable."""
    sets = h264.sets_of(key_frame)
    if h264.SPS not in sets or h264.PPS not in sets:
        raise NotRecordable
    try:
        shape = h264.read_shape(sets[h264.SPS])
    except h264.Unreadable as error:
        raise NotRecordable from error
    entry = _sample_entry(shape, sets[h264.SPS], sets[h264.PPS])
    none = struct.pack(">II", 0, 0)
    tables = [_box(kind, none) for kind in (b"stts", b"stsc", b"co64")]
    tables.append(_box(b"stsz", none, bytes(4)))
    defaults = _box(b"mvex", _box(b"trex", struct.pack(">6I", 0, 1, 1, 0, 0, 0)))
    return _FILE_TYPE + ROOM + _moov(entry, start_ms, 0, tables, defaults)


def read_header(head: bytes) -> Header:
    """The header that *head* begins with. Raises NotARecording."""
    size, kind = struct.unpack_from(">I4s", head, _MOOV) if len(head) > _MOOV + 8 else (0, b"")
    body = _MOOV + size
    if not head.startswith(_FILE_TYPE) or kind != b"moov" or body > len(head):
        raise NotARecording
    room = head[len(_FILE_TYPE) : _MOOV]
    # the last of its boxes
    start_ms = int.from_bytes(head[body - 8 : body], "big", signed=True)
    if abs(start_ms) >= MAX_START_MS:
        raise NotARecording
    return Header("H264", head[:body], start_ms, room != ROOM)


def opening(header: Header) -> bytes:
    """The header of a file that goes on."""
    return _FILE_TYPE + ROOM + header.data[_MOOV:]


def cluster(blocks: Sequence[Block], last_ms: int) -> bytes:
    """A fragment of *blocks*; ``last_ms``: how long the last of them is shown."""
    pictures = [h264.with_lengths(block.data) for block in blocks]
    lengths = [after.at_ms - block.at_ms for block, after in pairwise(blocks)]
    samples = b"".join(
        struct.pack(">III", length, len(picture), KEY_SAMPLE if block.is_key else OTHER_SAMPLE)
        for block, picture, length in zip(blocks, pictures, [*lengths, last_ms], strict=True)
    )
    size = _FRAGMENT.size + len(samples)
    start_ms = blocks[0].at_ms
    fragment = _FRAGMENT.pack(
        *(size, b"moof"),
        # numbers that rise
        *(16, b"mfhd", 0, start_ms + 1),
        *(size - 24, b"traf"),
        # places count from the fragment's own beginning
        *(16, b"tfhd", 0x020000, 1),
        *(20, b"tfdt", 1 << 24, start_ms),
        *(20 + len(samples), b"trun", 0x000701, len(blocks), size + 8),
    )
    data = b"".join(pictures)
    return fragment + samples + struct.pack(">I4s", 8 + len(data), b"mdat") + data


def cluster_at(file: BinaryIO, offset: int, length: int) -> Cluster | None:
    """The cluster there, None when none lies whole before *length*."""
    run = _run_at(file, offset)
    if run is None:
        return None
    size = run.data_at + sum(run.samples[SIZE::3])
    if offset + size > length:
        return None
    return Cluster(offset, run.start_ms, size, run.samples[FLAGS] == KEY_SAMPLE)


def read_blocks(cluster: bytes) -> Iterator[Block]:
    """The pictures of one whole cluster; raises NotARecording where it is damaged."""
    run = _read_run(cluster)
    if run is None or not run.is_whole:
        raise NotARecording
    at_ms, position = run.start_ms, run.data_at
    for length, size, flags in _samples(run):
        if position + size > len(cluster) or at_ms >= MAX_TIME_MS:
            raise NotARecording
        data = h264.with_start_codes(cluster[position : position + size])
        yield Block(at_ms, flags == KEY_SAMPLE, data)
        at_ms, position = at_ms + length, position + size


def ending(file: BinaryIO, layout: Layout) -> Ending:
    """An index of all pictures; all before it becomes one box of data. Raises NotARecording."""
    times: list[int] = []
    sizes = array("I")
    keys: list[int] = []
    chunks: list[int] = []
    counts: list[int] = []
    end_ms = 0
    for each in layout.clusters:
        run = _run_at(file, each.offset)
        if run is None:
            continue
        counts.append(run.pictures)
        chunks.append(each.offset + run.data_at)
        sizes.extend(run.samples[SIZE::3])
        # times of a damaged file may go back
        end_ms = max(run.start_ms, times[-1] if times else 0)
        for length, _, flags in _samples(run):
            times.append(end_ms)
            if flags == KEY_SAMPLE:
                keys.append(len(times))
            end_ms = min(end_ms + length, MAX_TIME_MS - 1)
    lengths = [after - at for at, after in pairwise([*times, end_ms])]
    tables = [
        _table(b"stts", ((len(list(same)), length) for length, same in groupby(lengths))),
        _table(b"stsc", _runs(counts)),
        _box(b"stsz", struct.pack(">III", 0, 0, len(sizes)), _big_endian(sizes)),
        _box(b"co64", struct.pack(f">II{len(chunks)}Q", 0, len(chunks), *chunks)),
        _table(b"stss", ((number,) for number in keys)),
    ]
    header = layout.header
    tail = _moov(_entry_of(header), header.start_ms, end_ms, tables, b"")
    whole = layout.end - len(_FILE_TYPE)
    return Ending(tail, ((len(_FILE_TYPE), struct.pack(">I4sQ", 1, b"mdat", whole)),))


class _Run(NamedTuple):
    """A fragment's index; ``samples``: duration, size and flags of each picture."""

    start_ms: int
    pictures: int
    data_at: int
    samples: array[int]

    @property
    def is_whole(self) -> bool:
        """Whether all samples are there, and one at least."""
        return 0 < 3 * self.pictures == len(self.samples)


def _run_at(file: BinaryIO, offset: int) -> _Run | None:
    file.seek(offset)
    data = file.read(_READ)
    run = _read_run(data)
    if run is not None and not run.is_whole:
        run = _read_run(data + file.read(max(0, run.data_at - len(data))))
    return run if run is not None and run.is_whole else None


def _read_run(data: bytes) -> _Run | None:
    """The index *data* begins with, as far as it is there; None when it is none of ours."""
    if len(data) < _FRAGMENT.size:
        return None
    size, moof, *inner = _FRAGMENT.unpack_from(data)
    start_ms, _, trun, _, count, data_at = inner[13:]
    is_ours = (moof, trun) == (b"moof", b"trun")
    if not is_ours or (size, data_at) != (_FRAGMENT.size + count * _SAMPLE_BYTES, size + 8):
        return None
    if count > _MOST_SAMPLES or start_ms >= MAX_TIME_MS:
        return None
    samples = array("I")
    found = data[_FRAGMENT.size : size]
    samples.frombytes(found[: len(found) // _SAMPLE_BYTES * _SAMPLE_BYTES])
    return _Run(start_ms, count, data_at, _swapped(samples))


def _samples(run: _Run) -> Iterator[tuple[int, int, int]]:
    return zip(*[iter(run.samples)] * 3, strict=True)


def _swapped(values: array[int]) -> array[int]:
    if sys.byteorder == "little":
        values.byteswap()
    return values


def _big_endian(values: array[int]) -> bytes:
    return _swapped(array("I", values)).tobytes()


def _runs(counts: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Pictures in each chunk, named where they change."""
    before = 0
    for number, count in enumerate(counts, 1):
        if count != before:
            yield number, count, 1
        before = count


def _table(kind: bytes, rows: Iterator[tuple[int, ...]]) -> bytes:
    made = [struct.pack(f">{len(row)}I", *row) for row in rows]
    return _box(kind, struct.pack(">II", 0, len(made)), *made)


def _moov(
    entry: bytes, start_ms: int, length_ms: int, tables: Sequence[bytes], last: bytes
) -> bytes:
    size = entry[32:34] + bytes(2) + entry[34:36] + bytes(2)
    times = struct.pack(">3I", 0, 0, 0)
    movie = struct.pack(">IIIH10x", TIMES_A_SECOND, length_ms, 1 << 16, 1 << 8)
    media = struct.pack(">IIHH", TIMES_A_SECOND, length_ms, 0x55C4, 0)
    # shown in the movie, and enabled
    track = struct.pack(">6I8x8x", 3, 0, 0, 1, 0, length_ms)
    found = _box(b"dinf", _box(b"dref", struct.pack(">II", 0, 1), _box(b"url ", b"\0\0\0\1")))
    described = _box(b"stsd", struct.pack(">II", 0, 1), entry)
    held = _box(
        b"minf",
        _box(b"vmhd", b"\0\0\0\1", bytes(8)),
        found,
        _box(b"stbl", described, *tables),
    )
    kind = _box(b"hdlr", bytes(8), b"vide", bytes(12), b"tanu\0")
    return _box(
        b"moov",
        _box(b"mvhd", times, movie, UNITY, bytes(24), struct.pack(">I", 2)),
        _box(
            b"trak",
            _box(b"tkhd", track, UNITY, size),
            _box(b"mdia", _box(b"mdhd", times, media), kind, held),
        ),
        last,
        _box(b"udta", _box(b"tanu", start_ms.to_bytes(8, "big", signed=True))),
    )


def _sample_entry(shape: h264.Shape, sps: bytes, pps: bytes) -> bytes:
    """The codec's description. Pictures bring their parameters too: avc1 is what all play."""
    sets = [b"\1", sps[1:4], b"\xff\xe1", _sized(sps), b"\1", _sized(pps)]
    if sps[1] in h264.HIGH:
        depths = shape.luma_bits - 8, shape.chroma_bits - 8
        sets.append(bytes([0xFC | shape.chroma_format, 0xF8 | depths[0], 0xF8 | depths[1], 0]))
    return _box(
        b"avc1",
        struct.pack(">6xH16x", 1),
        struct.pack(">HHII4xH32xHH", shape.width, shape.height, 72 << 16, 72 << 16, 1, 24, 0xFFFF),
        _box(b"avcC", *sets),
    )


def _entry_of(header: Header) -> bytes:
    at = header.data.find(b"avc1", _MOOV) - 4
    entry = header.data[at : at + int.from_bytes(header.data[at : at + 4], "big")]
    if at < _MOOV or len(entry) < 86:
        raise NotARecording
    return entry


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _box(kind: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)
