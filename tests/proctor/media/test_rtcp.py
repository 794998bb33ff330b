"""RTCP as another implementation reads and writes it."""

import pytest
from aiortc.rtp import (
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)
from hypothesis import given
from hypothesis import strategies as st

from proctor.media import rtcp

pytestmark = pytest.mark.media


def only(data: bytes) -> object:
    (packet,) = RtcpPacket.parse(data)
    return packet


def test_sender_report_is_read_from_a_compound_packet() -> None:
    ntp = (3_900_000_000 << 32) | (1 << 31)
    info = RtcpSenderInfo(ntp, 90_000, 5, 500)
    compound = rtcp.picture_loss(1) + bytes(RtcpSrPacket(42, info)) + rtcp.picture_loss(1)

    (report,) = rtcp.sender_reports(compound)

    assert (report.source, report.rtp_timestamp) == (42, 90_000)
    assert report.ntp_s == 3_900_000_000.5
    assert report.middle == (ntp >> 16) & 0xFFFFFFFF


@given(st.binary(max_size=100))
def test_hostile_report_is_only_unread(data: bytes) -> None:
    for hostile in (data, b"\x80\xc8\0\x06" + data, b"\x81\xc8\xff\xff" + data):
        assert len(rtcp.sender_reports(hostile)) <= 4


def test_missing_packets_are_asked_for_across_the_wrap() -> None:
    lost = [65_530, 65_535, 0, 9, 10, 300]

    asked = only(rtcp.nack(42, lost))

    assert isinstance(asked, RtcpRtpfbPacket)
    assert (asked.fmt, asked.media_ssrc) == (1, 42)
    assert [each % 65_536 for each in asked.lost] == lost


def test_key_frame_is_asked_for() -> None:
    asked = only(rtcp.picture_loss(42))

    assert isinstance(asked, RtcpPsfbPacket)
    assert (asked.fmt, asked.media_ssrc) == (1, 42)


@pytest.mark.parametrize("bitrate", [300_000, 262_143, 5_000_000])
def test_bandwidth_is_told_for_both_sources(bitrate: int) -> None:
    told = only(rtcp.bandwidth(bitrate, [10, 20]))

    assert isinstance(told, RtcpPsfbPacket)
    carried, sources = unpack_remb_fci(told.fci)
    assert sources == [10, 20]
    assert carried == pytest.approx(bitrate, rel=1e-5)


def test_report_says_what_was_received() -> None:
    block = rtcp.ReceptionBlock(42, 25, 3, 70_000, 90, 7, 65_536)

    told = only(rtcp.receiver_report([block]))

    assert isinstance(told, RtcpRrPacket)
    (report,) = told.reports
    assert (report.ssrc, report.fraction_lost, report.packets_lost) == (42, 25, 3)
    assert (report.highest_sequence, report.jitter) == (70_000, 90)
    assert (report.lsr, report.dlsr) == (7, 65_536)
