"""Which seconds of an exam a track covers, and for each second it does not: why.

Pure: frame times in, intervals and gaps out; recorded + gaps = exam time by construction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from proctor.media.frames import NOMINAL_FRAME_S, SILENCE_LIMIT_S
from proctor.observations import Track

UNKNOWN_CAUSE = "unknown"


@dataclass(frozen=True, slots=True)
class Interval:
    """Recorded seconds, from ``start`` up to but not including ``end``."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Cause:
    """What is known to have kept a track from being recorded between two times."""

    start: float
    end: float
    cause: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of the exam without pictures of *track*."""

    track: Track
    start: float
    end: float
    cause: str


def frame_intervals(track: Track, times: Iterable[float]) -> tuple[Interval, ...]:
    """What frames at *times* (seconds, ascending) cover.

    A frame covers until the next one if that is closer than the track's silence limit, else one
    nominal frame; the last frame covers one nominal frame. A frame that has no other within the
    limit is a still, which shows a moment and covers no time.
    """
    runs: list[tuple[float, float]] = []
    for time_s in times:
        if runs and time_s - runs[-1][1] < SILENCE_LIMIT_S[track]:
            runs[-1] = runs[-1][0], time_s
        else:
            runs.append((time_s, time_s))
    return tuple(
        Interval(first, last + NOMINAL_FRAME_S[track]) for first, last in runs if first < last
    )


def coverage(intervals: Iterable[Interval], start: float, end: float) -> float:
    """Seconds between *start* and *end* that lie in at least one interval."""
    return sum(part.end - part.start for part in _united(intervals, start, end))


def gaps(
    track: Track,
    intervals: Iterable[Interval],
    start: float,
    end: float,
    causes: Sequence[Cause] = (),
) -> tuple[Gap, ...]:
    """The spans between *start* and *end* that no interval covers, each with one cause.

    A span is split where its cause changes; the first of several causes for a second is taken, and
    seconds nobody accounts for are ``unknown``.
    """
    found: list[Gap] = []
    for hole in _holes(intervals, start, end):
        for part, cause in _explained(hole, causes):
            if found and found[-1].end == part.start and found[-1].cause == cause:
                found[-1] = Gap(track, found[-1].start, part.end, cause)
            else:
                found.append(Gap(track, part.start, part.end, cause))
    return tuple(found)


def _united(intervals: Iterable[Interval], start: float, end: float) -> Iterator[Interval]:
    reach = start
    for interval in sorted(intervals, key=lambda each: each.start):
        begin, stop = max(interval.start, reach), min(interval.end, end)
        if begin < stop:
            yield Interval(begin, stop)
            reach = stop


def _holes(intervals: Iterable[Interval], start: float, end: float) -> Iterator[Interval]:
    reach = start
    for part in _united(intervals, start, end):
        if part.start > reach:
            yield Interval(reach, part.start)
        reach = part.end
    if reach < end:
        yield Interval(reach, end)


def _explained(hole: Interval, causes: Sequence[Cause]) -> Iterator[tuple[Interval, str]]:
    edges = {hole.start, hole.end}
    edges.update(edge for each in causes for edge in (each.start, each.end))
    inside = sorted(edge for edge in edges if hole.start <= edge <= hole.end)
    for begin, stop in pairwise(inside):
        known = (each.cause for each in causes if each.start <= begin and stop <= each.end)
        yield Interval(begin, stop), next(known, UNKNOWN_CAUSE)
