"""What one browser sends, as it is taken: here without a network, keys or a clock."""

import struct

import pytest
from aiortc.rtp import RtcpPacket, RtcpRtpfbPacket

from proctor.media.frames import EncodedFrame
from proctor.media.ingest import PayloadTypes
from proctor.media.offers import Offer, TrackOffer
from proctor.media.pace import EXPECTED, Pace
from proctor.media.reception import Reception
from proctor.observations import Track

pytestmark = pytest.mark.media

OFFER = Offer(
    sdp="",
    tracks=(TrackOffer(Track.CAMERA, "0", 10, 11), TrackOffer(Track.SCREEN, "1", 20, 21)),
    codec="VP8",
    send_time_id=3,
)
TYPES = PayloadTypes({96: "VP8", 98: "H264"}, {97: 96, 99: 98})
KEY = b"\x10" + b"\x10\x02\x00\x9d\x01\x2a\x80\x02\xe0\x01" + bytes(20)


class OpenLink:
    """A link whose keys fit everything: what is behind them is looked at."""

    def __init__(self) -> None:
        self.sent_bytes = 0

    def open_media(self, datagram: bytes) -> bytes:
        return datagram

    def open_control(self, datagram: bytes) -> bytes:
        return datagram

    def send_control(self, packets: bytes) -> None:
        self.sent_bytes += len(packets)


class Told(OpenLink):
    """``asked``: the packets requests were for, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    def send_control(self, packets: bytes) -> None:
        for each in RtcpPacket.parse(packets):
            if isinstance(each, RtcpRtpfbPacket):
                self.asked += each.lost


def picture(sequence: int, *, is_whole: bool = True) -> bytes:
    """A key frame of the camera in one packet, or its beginning."""
    kind = (0x80 if is_whole else 0) | 96
    return struct.pack("!BBHII", 0x80, kind, sequence, 6_000 * sequence, 10) + KEY


def test_end_of_a_picture_is_asked_for_before_the_next_one_comes() -> None:
    told = Told()
    reception = Reception(told, OFFER, TYPES, lambda _: None)
    reception.received(picture(1), 0.0)
    reception.received(picture(2, is_whole=False), 1.0)
    reception.pulse(1.4)
    assert told.asked == []
    reception.pulse(1.5)

    assert told.asked == list(range(3, 11))


def test_what_was_lost_of_the_film_is_not_asked_for_when_stills_begin() -> None:
    told, taken = Told(), list[EncodedFrame]()
    reception = Reception(told, OFFER, TYPES, taken.append)
    reception.expect(Pace.LOW, 0.0)
    for sequence in (1, 2, 4, 5):
        reception.received(picture(sequence), 0.3 * sequence)
    reception.pulse(1.5)
    assert told.asked == [3]
    assert len(taken) == 2

    reception.expect(Pace.STILLS, 1.6)

    # what came behind the hole is whole
    assert len(taken) == 4
    for tenth in range(20, 100):
        reception.pulse(tenth / 10)
    assert told.asked == [3]
    # and the hole holds no still back
    reception.received(picture(6), 10.0)
    assert len(taken) == 5
    # what is lost of the stills is asked for, and waited for
    reception.received(picture(8), 12.0)
    reception.pulse(12.1)
    assert told.asked == [3, 7]
    assert len(taken) == 5
    reception.pulse(12.1 + EXPECTED[Pace.STILLS].patience_s[Track.CAMERA])
    assert len(taken) == 6
