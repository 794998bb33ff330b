"""RTP as the browsers send it: one datagram's bytes in, a packet or a refusal out. Pure.

Sources: RFC 3550 (RTP), RFC 8285 (header extensions), RFC 4588 (retransmission), RFC 7741 (VP8),
RFC 6184 (H.264).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from proctor.media.frames import Codec
from proctor.media.h264 import START_CODE

ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
ONE_BYTE_EXTENSIONS = 0xBEDE
H264_STAP_A, H264_FU_A = 24, 28

_FIXED = struct.Struct("!BBHII")


class MalformedPacket(ValueError):
    """The bytes are no packet of the kind they came as."""


class RtpPacket(NamedTuple):
    """One packet; ``sequence``: 16 bits, ``timestamp``: 32 bits.

    ``send_time``: when it left, 24 bits of 1/2^18 s, None when the sender does not say.
    """

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    source: int
    payload: bytes
    send_time: int | None


def is_control(datagram: bytes) -> bool:
    """Whether a media datagram is RTCP (RFC 5761, 4)."""
    return len(datagram) > 1 and 192 <= datagram[1] <= 223


def read_packet(data: bytes, send_time_id: int | None) -> RtpPacket:
    """The packet in *data*, which is not encrypted any more; padding is left out.

    ``send_time_id``: the number agreed on for the send-time extension. Raises MalformedPacket.
    """
    if len(data) < _FIXED.size:
        raise MalformedPacket
    flags, kind, sequence, timestamp, source = _FIXED.unpack_from(data)
    begin = _FIXED.size + 4 * (flags & 0x0F)
    end = len(data) - (data[-1] if flags & 0x20 else 0)
    send_time = None
    if flags & 0x10:
        if len(data) < begin + 4:
            raise MalformedPacket
        profile, words = struct.unpack_from("!HH", data, begin)
        begin += 4 + 4 * words
        if send_time_id is not None and profile == ONE_BYTE_EXTENSIONS and begin <= end:
            send_time = _send_time(data, begin - 4 * words, begin, send_time_id)
    if begin > end:
        raise MalformedPacket
    return RtpPacket(
        kind & 0x7F, kind >= 0x80, sequence, timestamp, source, data[begin:end], send_time
    )


def _send_time(data: bytes, position: int, end: int, wanted: int) -> int | None:
    while position < end:
        number, length = data[position] >> 4, (data[position] & 0x0F) + 1
        # a zero byte is padding, not an element
        if data[position] == 0:
            length = 0
        elif number == wanted and length == 3:
            return int.from_bytes(data[position + 1 : position + 4], "big")
        position += 1 + length
    return None


def repaired(packet: RtpPacket, payload_type: int, source: int) -> RtpPacket | None:
    """The packet a retransmission brings again; None for one that only probes the bandwidth."""
    if len(packet.payload) <= 2:
        return None
    return packet._replace(
        payload_type=payload_type,
        source=source,
        sequence=int.from_bytes(packet.payload[:2], "big"),
        payload=packet.payload[2:],
    )


def picture_part(codec: Codec, payload: bytes) -> bytes:
    """The codec's own bytes in *payload*: VP8 without its descriptor, H.264 as an Annex B stream.

    Raises MalformedPacket.
    """
    try:
        return payload[_vp8_offset(payload) :] if codec == "VP8" else _annex_b(payload)
    except IndexError as error:
        raise MalformedPacket from error


def _vp8_offset(payload: bytes) -> int:
    if not payload[0] & 0x80:
        return 1
    offset, extra = 2, payload[1]
    if extra & 0x80:
        offset += 2 if payload[2] & 0x80 else 1
    if extra & 0x40:
        offset += 1
    if extra & 0x30:
        offset += 1
    return offset


def _annex_b(payload: bytes) -> bytes:
    kind = payload[0] & 0x1F
    if kind == H264_FU_A:
        header = payload[1]
        if not header & 0x80:
            return payload[2:]
        return START_CODE + bytes([(payload[0] & 0xE0) | (header & 0x1F)]) + payload[2:]
    if kind == H264_STAP_A:
        units, position = [], 1
        while position < len(payload):
            length = int.from_bytes(payload[position : position + 2], "big")
            units.append(START_CODE + payload[position + 2 : position + 2 + length])
            position += 2 + length
        return b"".join(units)
    return START_CODE + payload
