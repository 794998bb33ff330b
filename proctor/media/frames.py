"""Encoded frames as they leave a peer: which track, when, and whether a decoder may start there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from proctor.media import h264
from proctor.observations import Track

RTP_CLOCK_HZ = 90_000


Codec = Literal["VP8", "H264"]

# a camera runs at 15 fps and a shared screen at 1 to 5 fps
SILENCE_LIMIT_S: Mapping[Track, float] = MappingProxyType({Track.CAMERA: 1.0, Track.SCREEN: 3.0})
NOMINAL_FRAME_S: Mapping[Track, float] = MappingProxyType(
    {Track.CAMERA: 1 / 15, Track.SCREEN: 1 / 5}
)


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One whole encoded picture, never decoded here.

    ``rtp_timestamp``: 90 kHz, 32 bits, wraps. ``arrival``: monotonic seconds at its last packet.
    ``taken``: monotonic seconds at which the sender took it, None while its clock is not known.
    """

    track: Track
    codec: Codec
    rtp_timestamp: int
    arrival: float
    is_key: bool
    data: bytes
    taken: float | None = None


def is_key_frame(codec: Codec, data: bytes) -> bool:
    """Whether a decoder can start at *data*; False for one whose first bytes are missing.

    VP8: frame tag and start code (RFC 6386, 9.1). H.264: an IDR slice with its SPS and PPS.
    """
    if codec == "VP8":
        return len(data) >= 10 and not data[0] & 1 and data[3:6] == b"\x9d\x01\x2a"
    return h264.is_key_frame(data)


def vp8_size(key_frame: bytes) -> tuple[int, int]:
    """Width and height in pixels of a VP8 key frame."""
    width = int.from_bytes(key_frame[6:8], "little") & 0x3FFF
    height = int.from_bytes(key_frame[8:10], "little") & 0x3FFF
    return width, height
