"""Packets into frames, with loss and disorder."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.media.assembler import AssembledFrame, FrameAssembler, Packet
from proctor.media.h264 import START_CODE

pytestmark = pytest.mark.unit

KEY = bytes.fromhex("1002009d012a4001f000")
DELTA = bytes.fromhex("110200") + b"delta"


def stream(frames: int, first: int = 0, keys: tuple[int, ...] = (0,)) -> list[Packet]:
    """Two packets per frame at 15 frames a second; frame n has timestamp 6000 n."""
    packets = []
    for number in range(frames):
        data = (KEY if number in keys else DELTA) + b"%d" % number
        for half, part in enumerate((data[:8], data[8:])):
            packets.append(
                Packet(
                    sequence=(first + 2 * number + half) % 0x10000,
                    timestamp=6_000 * number,
                    marker=half == 1,
                    codec="VP8",
                    arrival=number / 15 + half / 100,
                    data=part,
                )
            )
    return packets


def assemble(packets: list[Packet]) -> list[AssembledFrame]:
    assembler = FrameAssembler()
    return [frame for packet in packets for frame in assembler.add(packet)]


def numbers(frames: list[AssembledFrame]) -> list[int]:
    return [frame.timestamp // 6_000 for frame in frames]


def test_frame_leaves_with_its_last_packet() -> None:
    assembler = FrameAssembler()
    first, second = stream(1)

    assert assembler.add(first) == []
    assert assembler.add(second) == [AssembledFrame("VP8", 0, 0.01, True, KEY + b"0")]


@given(st.integers(0, 0xFFFF), st.integers(0, 2**31))
def test_disorder_within_a_few_packets_changes_nothing(first: int, seed: int) -> None:
    packets = stream(20, first)
    head, rest = packets[:1], packets[1:]
    jitter = random.Random(seed)
    rest.sort(key=lambda packet: packet.arrival + jitter.uniform(0, 0.3))

    assert numbers(assemble(head + rest)) == list(range(20))


def test_duplicates_are_ignored() -> None:
    packets = stream(5)

    assert numbers(assemble([each for packet in packets for each in (packet, packet)])) == [
        0, 1, 2, 3, 4,
    ]  # fmt: skip


def test_lost_packet_freezes_the_picture_for_a_bounded_time() -> None:
    packets = stream(60, keys=(0, 30))
    del packets[11]

    frames = assemble(packets)

    assert numbers(frames) == [*range(5), *range(30, 60)]
    assert frames[5].arrival == pytest.approx(2.01)


def test_key_frame_is_asked_once_the_hole_is_given_up() -> None:
    packets = stream(30)
    del packets[11]
    assembler = FrameAssembler()
    asked_at = None
    for packet in packets:
        assembler.add(packet)
        if assembler.needs_key and asked_at is None and packet.sequence > 1:
            asked_at = packet.arrival

    # the hole was seen at frame 6; patience is 0.6 s
    assert asked_at == pytest.approx(6 / 15 + 0.6, abs=0.07)


def test_hole_is_given_up_without_further_packets() -> None:
    assembler = FrameAssembler()
    packets = stream(3, keys=(0, 2))
    for packet in packets[:2] + packets[3:]:
        assembler.add(packet)

    frames = assembler.expire(packets[-1].arrival + 0.6)

    assert numbers(frames) == [2]


def test_whole_key_frame_does_not_wait_as_long_for_what_is_lost_before_it() -> None:
    assembler = FrameAssembler()
    assembler.patience_s = 6.0

    def packet(sequence: int, still: int, arrival: float, data: bytes, *, last: bool) -> Packet:
        return Packet(sequence, 6_000 * still, last, "VP8", arrival, data)

    assembler.add(packet(0, 0, 0.0, KEY, last=True))
    # its first half never comes
    assembler.add(packet(2, 1, 5.0, DELTA, last=True))
    assert assembler.expire(9.0) == []
    assembler.add(packet(3, 2, 10.0, KEY, last=False))
    assembler.add(packet(5, 2, 10.1, DELTA, last=True))
    assert assembler.expire(10.2) == []

    frames = assembler.add(packet(4, 2, 10.3, DELTA, last=False)) + assembler.expire(10.3)

    assert [(frame.timestamp, frame.arrival) for frame in frames] == [(12_000, 10.3)]
    assert not assembler.waiting
    # a picture that is none by itself waits
    assembler.add(packet(7, 3, 15.0, DELTA, last=True))
    assert assembler.expire(20.9) == []


def test_whole_key_frame_waits_for_a_repair_that_may_be_on_its_way() -> None:
    assembler = FrameAssembler()
    assembler.patience_s = 3.0
    whole = [Packet(number, 6_000 * number, True, "VP8", number / 2, KEY) for number in range(3)]
    frames = assembler.add(whole[0]) + assembler.add(whole[2]) + assembler.expire(1.9)
    assert numbers(frames) == [0]

    assert numbers(assembler.add(whole[1]._replace(arrival=1.95))) == [1, 2]


def test_retransmission_within_the_patience_loses_nothing() -> None:
    packets = stream(12)
    late = packets.pop(11)

    assert numbers(assemble([*packets[:18], late, *packets[18:]])) == list(range(12))


def test_stream_joined_inside_a_frame_starts_at_the_next_key_frame() -> None:
    assert numbers(assemble(stream(20, keys=(0, 8))[1:])) == list(range(8, 20))


def test_sender_without_marker_bits_ends_a_frame_with_the_next() -> None:
    packets = [
        Packet(p.sequence, p.timestamp, False, p.codec, p.arrival, p.data) for p in stream(4)
    ]

    assert numbers(assemble(packets)) == [0, 1, 2]


def test_restarted_sender_is_followed_from_its_key_frame() -> None:
    before, after = stream(3, first=60_000), stream(4, first=20_000)

    assert numbers(assemble(before + after)) == [0, 1, 2, 0, 1, 2, 3]


def test_frame_without_end_does_not_fill_memory() -> None:
    assembler = FrameAssembler()
    for number in range(2_000):
        data = KEY + bytes(1_200)
        assembler.add(Packet(number, 0, False, "VP8", 0.0, data))

    assert assembler._bytes <= 1 << 20


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 9), st.booleans())))
def test_any_packets_are_survived(raw: list[tuple[int, int, bool]]) -> None:
    packets = [
        Packet(sequence, timestamp, marker, "VP8", number / 10, DELTA)
        for number, (sequence, timestamp, marker) in enumerate(raw)
    ]

    assert assemble(packets) == []


@pytest.mark.parametrize(("lost", "keys"), [(0, 2), (1, 2), (2, 1), (3, 1), (4, 1)])
def test_rest_of_a_picture_whose_slice_was_lost_is_no_key_frame(lost: int, keys: int) -> None:
    """An encoder that cuts its pictures into slices sends each in a packet of its own."""
    sets = [START_CODE + b"\x67\x42x", START_CODE + b"\x68\xce"]
    slices = [START_CODE + b"\x65" + first + b"x" * 90 for first in (b"\x88", b"\x42", b"\x26")]
    parts = [*sets, *slices]
    packets = [
        Packet(5 * number + place, 6_000 * number, place == 4, "H264", number / 15, part)
        for number in range(2)
        for place, part in enumerate(parts)
    ]
    after = Packet(10, 12_000, True, "H264", 2 / 15, START_CODE + b"\x41\x9ax")
    del packets[5 + lost]
    assembler = FrameAssembler()
    frames = [frame for packet in (*packets, after) for frame in assembler.add(packet)]
    frames += assembler.expire(10.0)

    # parameter sets are known from before, a slice is not
    assert [frame.data for frame in frames if frame.is_key] == [b"".join(parts)] * keys
    assert assembler.needs_key == (keys == 1)
    assert len(frames) == (3 if keys == 2 else 1)
