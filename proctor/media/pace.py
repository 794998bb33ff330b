"""What a browser sends over the line it has, and what may be expected of its tracks then. Pure.

The page measures its line and steps down and up again; see docs/design/media.md, "A thin line".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from proctor.media.frames import SILENCE_LIMIT_S
from proctor.observations import Track

#: cause of a gap in which single pictures lie
STILLS_ONLY = "stills_only"
# the page's word comes earlier or later than the pictures it is about
EDGE_S = 3.0


class Pace(StrEnum):
    """``full``: 15 and 5 pictures a second; ``low``: 3 and 1; ``stills``: every 2.5 and 5 s."""

    FULL = "full"
    LOW = "low"
    STILLS = "stills"


@dataclass(frozen=True, slots=True)
class Expected:
    """``silence_s``: without a picture for so long a track is silent. ``key_s``: a key frame is
    asked for so often, ``retry_s``: and again after so long when one is needed. ``patience_s``: how
    long a hole holds the picture back. ``round_trip_s``: until it is measured;
    ``longest_wait_s``: what is missing is asked for again after so long at most. ``floor``: bit/s a
    browser is never told less than, ``unfilled``: nor less than this while its line is not full."""

    silence_s: Mapping[Track, float]
    key_s: Mapping[Track, float]
    retry_s: Mapping[Track, float]
    patience_s: Mapping[Track, float]
    round_trip_s: float
    longest_wait_s: float
    floor: int
    unfilled: int


def _by_track(camera: float, screen: float) -> Mapping[Track, float]:
    return MappingProxyType({Track.CAMERA: camera, Track.SCREEN: screen})


#: a camera key frame each second costs a full line no bit rate, a 1080p one every 2 s starves the
#: screen; each still of a camera is a key frame. Browsers make at most about three key frames a
#: second. Patience is under the silence limit: a screen full of text is 19 to 70 kB, which a thin
#: line carries in seconds, once, and never when it is asked for again meanwhile. A browser forgets
#: what it sent after some three seconds, so later requests are of no use. Under its floor, less
#: than the page's own caps, a pace is not what it says and the page leaves it; unfilled is more
#: than both caps
EXPECTED: Mapping[Pace, Expected] = MappingProxyType(
    {
        Pace.FULL: Expected(
            silence_s=SILENCE_LIMIT_S,
            key_s=_by_track(1.0, 10.0),
            retry_s=_by_track(0.3, 0.3),
            patience_s=_by_track(0.6, 0.6),
            round_trip_s=0.08,
            longest_wait_s=0.2,
            floor=300_000,
            unfilled=800_000,
        ),
        Pace.LOW: Expected(
            silence_s=_by_track(2.0, 4.0),
            key_s=_by_track(2.0, 20.0),
            retry_s=_by_track(0.3, 3.0),
            patience_s=_by_track(0.8, 3.0),
            round_trip_s=0.4,
            longest_wait_s=0.8,
            floor=100_000,
            unfilled=100_000,
        ),
        Pace.STILLS: Expected(
            silence_s=_by_track(7.0, 16.0),
            key_s=_by_track(1.0, 30.0),
            retry_s=_by_track(1.0, 6.0),
            patience_s=_by_track(3.0, 6.0),
            round_trip_s=0.8,
            longest_wait_s=1.2,
            floor=70_000,
            unfilled=70_000,
        ),
    }
)
