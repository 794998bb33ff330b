"""Pictures that a browser kept while it was cut off: checked, placed where they are missing, kept.

They come after the fact from the student's machine, so they only ever fill gaps and are marked as
what they are. In bytes, big-endian: for each picture its time on the browser's clock in ms (f64),
its size (u32), and the picture; VP8, the first a key frame.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from proctor.errors import Refused
from proctor.media import files
from proctor.media.container import Block
from proctor.media.frames import NOMINAL_FRAME_S, is_key_frame
from proctor.media.gaps import Cause, Interval, gaps
from proctor.media.recorder import repair
from proctor.observations import Track

MAX_BYTES = 4 << 20
MAX_PICTURES = 1_200
MAX_SPAN_S = 60.0
_HEAD = struct.Struct("!dI")


class BackfillRefused(Refused):
    """What the page kept cannot be read."""


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """One picture the browser kept; ``at_s``: seconds, of the clock of whoever holds it."""

    at_s: float
    is_key: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Backfill:
    """A file that fills a gap; ``held``: seconds on the recording clock."""

    track: Track
    path: Path
    held: Interval
    pictures: int


def read_pictures(data: bytes) -> tuple[KeptPicture, ...]:
    """The pictures in *data*, in ascending time. Raises BackfillRefused."""
    found: list[KeptPicture] = []
    position = 0
    while position < len(data):
        if len(found) == MAX_PICTURES or position + _HEAD.size > len(data):
            raise BackfillRefused
        at_ms, size = _HEAD.unpack_from(data, position)
        position += _HEAD.size
        picture = data[position : position + size]
        position += size
        is_in_order = not found or 1000 * found[-1].at_s < at_ms
        if not math.isfinite(at_ms) or not picture or len(picture) < size or not is_in_order:
            raise BackfillRefused
        found.append(KeptPicture(at_ms / 1000, is_key_frame("VP8", picture), picture))
    if not found or not found[0].is_key or found[-1].at_s - found[0].at_s > MAX_SPAN_S:
        raise BackfillRefused
    return tuple(found)


def holes(track: Track, causes: Iterable[Cause], filled: Sequence[Interval]) -> list[Interval]:
    """Where nothing of *track* was recorded and nothing was filled in since."""
    return [
        Interval(each.start, each.end)
        for cause in causes
        for each in gaps(track, filled, cause.start, cause.end)
    ]


def missing_of(
    pictures: Iterable[KeptPicture], empty: Sequence[Interval]
) -> tuple[KeptPicture, ...]:
    """The pictures that lie in one of *empty* and that a decoder can show there."""
    missing: list[KeptPicture] = []
    is_whole = False
    for each in pictures:
        is_inside = any(hole.start <= each.at_s < hole.end for hole in empty)
        is_whole = is_inside and (is_whole or each.is_key)
        if is_whole:
            missing.append(each)
    return tuple(missing)


def fill(directory: Path, track: Track, pictures: Sequence[KeptPicture]) -> Backfill:
    """Write *pictures* (recording clock, first a key frame) as a file of their own, and seal it.

    A file that is there already is never written over. Raises OSError.
    """
    start_ms = number = round(1000 * pictures[0].at_s)
    while (path := directory / f"{track}-b{number:09d}.webm").exists():
        number += 1
    writer = files.Writer(path, "VP8", pictures[0].data, start_ms)
    last_ms = -1
    for each in pictures:
        last_ms = max(last_ms + 1, round(1000 * each.at_s) - start_ms)
        writer.add(Block(last_ms, each.is_key, each.data))
    writer.flush()
    writer.sync()
    writer.close()
    repair(path)
    end_s = pictures[-1].at_s + NOMINAL_FRAME_S[track]
    return Backfill(track, path, Interval(pictures[0].at_s, end_s), len(pictures))
