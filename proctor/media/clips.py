"""A stretch of a track as a file of its own, copied without transcoding from growing files too."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from proctor.errors import Unavailable
from proctor.media import files
from proctor.media.container import Block, Cluster, NotARecording, NotRecordable
from proctor.media.frames import Codec

# the number of a file, and how often something is missing in it before
Stretch = tuple[int, int]


class ClipUnavailable(Unavailable):
    """No picture of that stretch was recorded."""


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of a recording a clip was copied from."""

    path: Path
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Clip:
    """``start_s`` and ``end_s``: its first and last picture, in seconds since the epoch.

    ``parent_sha256``: of the bytes of ``sources``, one after the other, which do not change while
    a recording grows.
    """

    path: Path
    start_s: float
    end_s: float
    sha256: str
    parent_sha256: str
    sources: tuple[Source, ...]


def cut_clip(recordings: Sequence[Path], start_s: float, end_s: float, dst: Path) -> Clip:
    """Copy the pictures of one track from *start_s* to *end_s* into *dst*, replacing it whole.

    ``recordings``: the track's files in any order, finished or growing; the times count from their
    epoch. The clip begins at the last key frame not after *start_s*, or at the first picture after.
    Its name ends as its codec wants; of files of two codecs it holds those with more of the time.
    What is damaged is left out up to the next key frame. Raises ClipUnavailable, OSError.
    """
    start_ms, end_ms = round(1000 * start_s), round(1000 * end_s)
    parent = hashlib.sha256()
    sources: list[Source] = []
    found: list[tuple[Stretch, Block]] = []
    wanted = [(part, _wanted(part, start_ms, end_ms)) for part in in_time_order(recordings)]
    codec = _main_codec(wanted)
    for number, (part, clusters) in enumerate(wanted):
        if clusters and part.codec == codec:
            source = Source(part.path, clusters[0].offset, clusters[-1].offset + clusters[-1].size)
            sources.append(source)
            copied = _copied(part, source, clusters, end_ms, parent.update)
            found += [((number, whole), block) for whole, block in copied]
    blocks = _joined(found)
    if not blocks:
        raise ClipUnavailable(start_s=start_s, end_s=end_s)
    dst = dst.with_suffix(files.SUFFIX[codec])
    try:
        sha256 = _write(blocks, dst, codec)
    except NotRecordable as error:
        raise ClipUnavailable(start_s=start_s, end_s=end_s) from error
    return Clip(
        path=dst,
        start_s=blocks[0].at_ms / 1000,
        end_s=blocks[-1].at_ms / 1000,
        sha256=sha256,
        parent_sha256=parent.hexdigest(),
        sources=tuple(sources),
    )


@dataclass(frozen=True, slots=True)
class Part:
    """A file that holds pictures. ``start_ms``: its first one, since the recordings' epoch."""

    path: Path
    codec: Codec
    start_ms: int
    clusters: tuple[Cluster, ...]


def in_time_order(recordings: Sequence[Path]) -> list[Part]:
    """Those of a track's files that hold pictures by now, the earliest first."""
    parts = []
    for path in recordings:
        if clusters := files.read_clusters(path):
            with suppress(NotARecording):
                header = files.read_header(path)
                parts.append(Part(path, header.codec, header.start_ms, clusters))
    return sorted(parts, key=lambda part: part.start_ms)


def _main_codec(wanted: Sequence[tuple[Part, list[Cluster]]]) -> Codec:
    """That of most clusters; a file holds one codec, and a clip is one file."""
    counts = Counter[Codec]({"VP8": 0})
    for part, clusters in wanted:
        counts[part.codec] += len(clusters)
    return counts.most_common(1)[0][0]


def _wanted(part: Part, start_ms: int, end_ms: int) -> list[Cluster]:
    """The clusters between, with those back to a key frame when recording ran on until then."""
    begins = [part.start_ms + cluster.start_ms for cluster in part.clusters]
    overlapping = [
        number
        for number, begin in enumerate(begins)
        if begin <= end_ms and begin + files.MAX_CLUSTER_MS > start_ms
    ]
    if not overlapping:
        return []
    first = overlapping[0]
    while first > 0 and not part.clusters[first].starts_with_key:
        first -= 1
    # a later key frame at or before the start spares the pictures before it
    for number in overlapping:
        if begins[number] <= start_ms and part.clusters[number].starts_with_key:
            first = number
    return list(part.clusters[first : overlapping[-1] + 1])


def _copied(
    part: Part,
    source: Source,
    clusters: Sequence[Cluster],
    end_ms: int,
    digest: Callable[[bytes], object],
) -> Iterator[tuple[int, Block]]:
    """The pictures, each with how often something was missing before it."""
    damages, position = 0, source.start
    with part.path.open("rb") as file:
        file.seek(source.start)
        for cluster in clusters:
            if cluster.offset > position:
                damages += 1
                digest(file.read(cluster.offset - position))
            position = cluster.offset + cluster.size
            data = file.read(cluster.size)
            digest(data)
            try:
                for block in files.read_blocks(data):
                    at_ms = part.start_ms + block.at_ms
                    if at_ms <= end_ms:
                        yield damages, Block(at_ms, block.is_key, block.data)
            except NotARecording:
                damages += 1


def _joined(found: Sequence[tuple[Stretch, Block]]) -> list[Block]:
    """The pictures of all parts by time; a decoder goes over to another part, or over what is
    damaged, at a key frame only.

    What was sent afterwards may lie in the middle of a part that went on after the gap.
    """
    joined: list[Block] = []
    shown: Stretch | None = None
    for stretch, block in sorted(found, key=lambda each: each[1].at_ms):
        if stretch != shown:
            if not block.is_key:
                continue
            # the last picture sent afterwards may be the first that arrived again: what follows
            # builds on this one
            while joined and joined[-1].at_ms >= block.at_ms:
                joined.pop()
            shown = stretch
        if not joined or block.at_ms > joined[-1].at_ms:
            joined.append(block)
    return joined


def _write(blocks: Sequence[Block], dst: Path, codec: Codec) -> str:
    """Write the clip beside *dst*, make it seekable and move it there; its SHA-256."""
    draft = dst.with_name(dst.name + ".part")
    draft.unlink(missing_ok=True)
    start_ms = blocks[0].at_ms
    try:
        with closing(files.Writer(draft, codec, blocks[0].data, start_ms)) as writer:
            for block in blocks:
                writer.add(Block(block.at_ms - start_ms, block.is_key, block.data))
            writer.flush()
        files.finish(draft)
        with draft.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.replace(draft, dst)
    finally:
        # a disk that is full does not keep half a clip that nobody would ever delete
        for left in (draft, files.index_path(draft)):
            left.unlink(missing_ok=True)
    return digest
