"""What a student of a benchmark sends: RTP of camera and screen, drawn and encoded or recorded.

A recorded trace is a row of (seconds as f64, length as u16, RTP packet), big-endian: unprotected
RTP as a browser sent it, the first two pictures of it in order of appearance.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from proctor.errors import Refused
from proctor.media.frames import RTP_CLOCK_HZ, is_key_frame
from proctor.media.rtp import MalformedPacket, RtpPacket, picture_part, read_packet
from proctor.observations import Track

FILM: Final = Path(__file__).parent / "material" / "camera_honest.mp4"
DRAWN_S: Final = 10
MAX_PAYLOAD: Final = 1100
# a browser spreads a frame's packets over the time they take at 2.5 times the bit rate
PACE_S: Final = 0.005
MIN_PACKETS: Final = 50
_RECORD: Final = struct.Struct("!dH")

Picture = NDArray[np.uint8]


class TraceUnreadable(Refused):
    """The file holds no RTP of two pictures."""


@dataclass(frozen=True, slots=True)
class TracePacket:
    """One packet's payload; ``at_s`` and ``frame_at_s``: since the trace's beginning."""

    at_s: float
    frame_at_s: float
    starts_key: bool
    ends_frame: bool
    payload: bytes


Trace = Mapping[Track, tuple[TracePacket, ...]]


def drawn_trace(is_looked_at: bool = False) -> Trace:
    """Ten seconds: the demonstration's film at 15 fps and 1080p pages of text at 5 fps, VP8.

    ``is_looked_at``: the pages are full from the first on, so that a key frame takes 32 to 36 kB,
    and there is one every two seconds and not only at their beginning.
    """
    pages, key_every = (_pages(30), 10) if is_looked_at else (_pages(0), 50)
    return {
        Track.CAMERA: tuple(_packets(_encoded(_film(), (640, 480), 15, 250_000, 15), 15)),
        Track.SCREEN: tuple(_packets(_encoded(pages, (1920, 1080), 5, 200_000, key_every), 5)),
    }


def read_trace(path: Path) -> Trace:
    """The two pictures of a recorded trace, each from its first key frame on.

    Raises TraceUnreadable, OSError.
    """
    try:
        rows = [(at_s, read_packet(data, None)) for at_s, data in _rows(path.read_bytes())]
        tracks = _pictures(rows)
    except (MalformedPacket, struct.error) as failure:
        raise TraceUnreadable from failure
    if len(tracks) != len(Track):
        raise TraceUnreadable
    return tracks


def _pictures(rows: Sequence[tuple[float, RtpPacket]]) -> Trace:
    """The first two sources that show something; less when there are not two."""
    sizes = Counter((packet.source, packet.payload_type) for _, packet in rows)
    sources = list(dict.fromkeys((packet.source, packet.payload_type) for _, packet in rows))
    tracks: dict[Track, tuple[TracePacket, ...]] = {}
    for source, kind in sources:
        own = [(at_s, each) for at_s, each in rows if each.source == source and each.payload]
        if sizes[source, kind] >= MIN_PACKETS and len(tracks) < len(Track):
            packets = _from_first_key([row for row in own if row[1].payload_type == kind])
            if packets:
                tracks[list(Track)[len(tracks)]] = packets
    return tracks


def _rows(data: bytes) -> Iterator[tuple[float, bytes]]:
    position = 0
    while position < len(data):
        at_s, length = _RECORD.unpack_from(data, position)
        position += _RECORD.size
        yield at_s, data[position : position + length]
        position += length


def _from_first_key(rows: Sequence[tuple[float, RtpPacket]]) -> tuple[TracePacket, ...]:
    made: list[TracePacket] = []
    shown: int | None = None
    began = began_rtp = 0.0
    for at_s, packet in rows:
        is_new = packet.timestamp != shown
        shown = packet.timestamp
        try:
            starts_key = is_new and is_key_frame("VP8", picture_part("VP8", packet.payload))
        except MalformedPacket:
            return ()
        if not made:
            if not starts_key:
                continue
            began, began_rtp = at_s, packet.timestamp
        frame_at_s = (packet.timestamp - began_rtp) % 2**32 / RTP_CLOCK_HZ
        made.append(
            TracePacket(at_s - began, frame_at_s, starts_key, packet.marker, packet.payload)
        )
    return tuple(made)


def _film() -> Iterator[Picture]:
    with av.open(str(FILM)) as container:
        shown = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    last = len(shown) - 1
    for number in range(DRAWN_S * 15):
        # forwards, then backwards, so that no seam is seen
        picture = shown[last - abs(number % (2 * last) - last)]
        yield cv2.resize(picture, (640, 480)).astype(np.uint8, copy=False)


def _pages(full_lines: int) -> Iterator[Picture]:
    random = np.random.default_rng(0)
    paper = np.full((1080, 1920, 3), 250, np.uint8)

    def write(left: int, top: int) -> None:
        letters = "".join(chr(97 + each) for each in random.integers(0, 26, 12))
        cv2.putText(paper, letters, (left, top), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (40, 40, 40), 1)

    for line in range(full_lines):
        for column in range(10):
            write(80 + 160 * column, 60 + 28 * line)
    for number in range(DRAWN_S * 5):
        write(80 + number * 36 % 1700, 60 + 28 * (number // 48 + number % 30))
        yield paper.copy()


def _encoded(
    pictures: Iterator[Picture], size: tuple[int, int], fps: int, bit_rate: int, key_every: int
) -> Iterator[bytes]:
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.bit_rate = "yuv420p", bit_rate
    encoder.time_base = Fraction(1, fps)
    encoder.options = {
        "deadline": "realtime",
        "cpu-used": "8",
        "lag-in-frames": "0",
        "g": str(key_every),
    }
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts = number
        for packet in encoder.encode(frame):
            yield bytes(packet)


def _packets(frames: Iterator[bytes], fps: int) -> Iterator[TracePacket]:
    for number, data in enumerate(frames):
        parts = [data[at : at + MAX_PAYLOAD] for at in range(0, len(data), MAX_PAYLOAD)]
        for place, part in enumerate(parts):
            # extended descriptor with a 15-bit picture number (RFC 7741, 4.2)
            head = bytes([0x80 | 0x10 * (place == 0), 0x80]) + (0x8000 | number).to_bytes(2, "big")
            yield TracePacket(
                at_s=number / fps + place * PACE_S,
                frame_at_s=number / fps,
                starts_key=place == 0 and is_key_frame("VP8", data),
                ends_frame=place == len(parts) - 1,
                payload=head + part,
            )
