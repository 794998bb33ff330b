"""RTCP: a browser's reports in, the server's requests and reports out as bytes. Pure.

Sources: RFC 3550 (reports), RFC 4585 (NACK, PLI), draft-alvestrand-rmcat-remb (bandwidth).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# feedback needs a source of its own and the server sends none; browsers use 1 likewise
OWN_SOURCE = 1
SENDER_REPORT, RECEIVER_REPORT, TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK = 200, 201, 205, 206
NACK, PLI, APPLICATION = 1, 1, 15
NTP_TICKS_PER_S = 1 << 32
MAX_BITRATE_MANTISSA = 0x3FFFF
# with SRTCP's trailer and the headers under it, below the 1280 bytes that IPv6 promises
MAX_DATAGRAM = 1200

_HEADER = struct.Struct("!BBH")
_SENDER = struct.Struct("!IQI")
_BLOCK = struct.Struct("!IIIIII")


@dataclass(frozen=True, slots=True)
class SenderReport:
    """At ``ntp_s`` on the sender's wall clock its source's RTP clock showed ``rtp_timestamp``.

    ``middle``: the middle 32 bits of the NTP time, which a receiver's report sends back.
    """

    source: int
    ntp_s: float
    middle: int
    rtp_timestamp: int


@dataclass(frozen=True, slots=True)
class ReceptionBlock:
    """What a receiver's report says of one source; ``fraction_lost``: 1/256, since the last one.

    ``highest``: extended highest sequence number. ``jitter``: RTP ticks. ``since_report``: 1/65536
    s since the sender report with ``last_report``.
    """

    source: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    last_report: int
    since_report: int


def sender_reports(data: bytes) -> list[SenderReport]:
    """The sender reports in a compound packet; what does not parse ends it."""
    found = []
    position = 0
    while position + _HEADER.size <= len(data):
        _, kind, words = _HEADER.unpack_from(data, position)
        end = position + 4 + 4 * words
        if kind == SENDER_REPORT and words >= 6 and end <= len(data):
            source, ntp, timestamp = _SENDER.unpack_from(data, position + 4)
            middle = (ntp >> 16) & 0xFFFFFFFF
            found.append(SenderReport(source, ntp / NTP_TICKS_PER_S, middle, timestamp))
        position = end
    return found


def receiver_report(blocks: Sequence[ReceptionBlock]) -> bytes:
    """A receiver report about *blocks*, 31 at most."""
    body = b"".join(
        _BLOCK.pack(
            each.source,
            (min(each.fraction_lost, 255) << 24) | (max(0, min(each.lost, 0x7FFFFF))),
            each.highest & 0xFFFFFFFF,
            each.jitter,
            each.last_report,
            each.since_report,
        )
        for each in blocks
    )
    return _packet(RECEIVER_REPORT, len(blocks), struct.pack("!I", OWN_SOURCE) + body)


def nack(source: int, sequences: Iterable[int]) -> bytes:
    """A request to send *sequences* (16 bits each, in sending order) again."""
    pairs: list[list[int]] = []
    for sequence in sequences:
        behind = (sequence - pairs[-1][0]) & 0xFFFF if pairs else 0
        if pairs and 0 < behind <= 16:
            pairs[-1][1] |= 1 << (behind - 1)
        else:
            pairs.append([sequence, 0])
    body = b"".join(struct.pack("!HH", *pair) for pair in pairs)
    return _packet(TRANSPORT_FEEDBACK, NACK, struct.pack("!II", OWN_SOURCE, source) + body)


def picture_loss(source: int) -> bytes:
    """A request for a key frame of *source*."""
    return _packet(PAYLOAD_FEEDBACK, PLI, struct.pack("!II", OWN_SOURCE, source))


def bandwidth(bits_per_s: int, sources: Sequence[int]) -> bytes:
    """What the connection carries, for all *sources* of it together."""
    exponent = 0
    while bits_per_s > MAX_BITRATE_MANTISSA:
        bits_per_s >>= 1
        exponent += 1
    mantissa = struct.pack("!I", (len(sources) << 24) | (exponent << 18) | bits_per_s)
    told = b"REMB" + mantissa + struct.pack(f"!{len(sources)}I", *sources)
    return _packet(PAYLOAD_FEEDBACK, APPLICATION, struct.pack("!II", OWN_SOURCE, 0) + told)


def datagrams(packets: Iterable[bytes]) -> Iterator[bytes]:
    """*packets* in their order, as many in each datagram as every path carries.

    A request for as many as are ever missing at once fits.
    """
    filled = b""
    for packet in packets:
        if filled and len(filled) + len(packet) > MAX_DATAGRAM:
            yield filled
            filled = b""
        filled += packet
    if filled:
        yield filled


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body
