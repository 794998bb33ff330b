"""RTP packets and what is in them."""

import struct

import pytest
from aiortc.codecs.h264 import h264_depayload
from aiortc.rtp import RtpPacket as TheirPacket
from aiortc.rtp import wrap_rtx
from hypothesis import given
from hypothesis import strategies as st

from proctor.media.rtp import MalformedPacket, is_control, picture_part, read_packet, repaired

pytestmark = pytest.mark.media


def packet(payload: bytes, extension: bytes = b"", padding: int = 0, csrcs: int = 0) -> bytes:
    flags = 0x80 | (0x10 if extension else 0) | (0x20 if padding else 0) | csrcs
    head = struct.pack("!BBHII", flags, 0x80 | 96, 7, 9_000, 42) + bytes(4 * csrcs)
    if extension:
        extension += bytes(-len(extension) % 4)
        head += struct.pack("!HH", 0xBEDE, len(extension) // 4) + extension
    tail = bytes(padding - 1) + bytes([padding]) if padding else b""
    return head + payload + tail


def test_packet_is_read_with_its_send_time() -> None:
    found = read_packet(packet(b"abc", b"\x50x\0\x32\x01\x02\x03", padding=4, csrcs=2), 3)

    assert found[:6] == (96, True, 7, 9_000, 42, b"abc")
    assert found.send_time == 0x010203


def test_send_time_of_another_number_is_not_read() -> None:
    assert read_packet(packet(b"abc", b"\x32\x01\x02\x03"), 4).send_time is None
    assert read_packet(packet(b"abc", b"\x32\x01\x02\x03"), None).send_time is None


@given(st.binary(max_size=80))
def test_hostile_packet_is_read_or_refused(data: bytes) -> None:
    for hostile in (data, b"\xb0\x60" + data, b"\x90\x60" + bytes(10) + b"\xbe\xde" + data):
        try:
            found = read_packet(hostile, 3)
            picture_part("VP8", found.payload)
            picture_part("H264", found.payload)
        except MalformedPacket:
            continue


def test_retransmission_is_the_packet_it_repairs() -> None:
    theirs = TheirPacket(96, 1, 700, 9_000, 42, b"payload")
    again = read_packet(wrap_rtx(theirs, 97, 1, 43).serialize(), None)

    found = repaired(again, 96, 42)

    assert found == read_packet(theirs.serialize(), None)


def test_retransmission_that_only_probes_is_nothing() -> None:
    assert repaired(read_packet(packet(b"\0\1"), None), 96, 42) is None
    assert repaired(read_packet(packet(b"", padding=200), None), 96, 42) is None


@pytest.mark.parametrize(
    "descriptor",
    [b"\x10", b"\x90\x80\x05", b"\x90\x80\x85\x01", b"\x90\xf0\x85\x01\x07\x20", b"\x90\x30\x20"],
)
def test_vp8_descriptor_is_left_out(descriptor: bytes) -> None:
    assert picture_part("VP8", descriptor + b"picture") == b"picture"


@pytest.mark.parametrize(
    "payload",
    [
        b"\x65abcdef",
        b"\x18\0\x03\x67ab\0\x02\x68c",
        b"\x7c\x85first",
        b"\x7c\x05middle",
        b"\x7c\x45last",
    ],
)
def test_h264_is_put_together_as_the_decoders_want_it(payload: bytes) -> None:
    assert picture_part("H264", payload) == h264_depayload(payload)


def test_control_is_told_from_media() -> None:
    assert is_control(b"\x80\xc8")
    assert not is_control(b"\x80\x60")
    assert not is_control(b"\x80\xe0")
    assert not is_control(b"\x80")
