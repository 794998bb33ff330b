"""H.264 as packets bring it and as files hold it: units, parameter sets, the picture's size. Pure.

Sources: ITU-T H.264 (7.3, 7.4.2.1, annex B), ISO/IEC 14496-15 (5.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

START_CODE = b"\0\0\0\1"
IDR, SPS, PPS = 5, 7, 8
# encoders' own measure 4 to 60 bytes
MAX_SET_BYTES = 512
# profiles whose parameter sets tell of chroma and bit depth
HIGH = (44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 144, 244)


class Unreadable(ValueError):
    """The bytes are no parameter set that can be read."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a sequence parameter set says of its pictures; sizes in pixels, as they are shown."""

    width: int
    height: int
    chroma_format: int
    luma_bits: int
    chroma_bits: int


def units(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B stream whose start codes are four bytes long."""
    return [unit for unit in data.split(START_CODE) if unit]


def kind_of(unit: bytes) -> int:
    """The unit's type: 5 a picture to start with, 7 and 8 parameter sets."""
    return unit[0] & 0x1F


def sets_of(data: bytes) -> Mapping[int, bytes]:
    """The first sequence and picture parameter set of a frame, by their kind."""
    found: dict[int, bytes] = {}
    for unit in units(data):
        if kind_of(unit) in (SPS, PPS) and len(unit) <= MAX_SET_BYTES:
            found.setdefault(kind_of(unit), unit)
    return found


def is_key_frame(data: bytes) -> bool:
    """Whether a decoder can start at *data*: all parameters, and a picture that needs no other.

    What is left of a picture whose first slices were lost is none.
    """
    found = units(data)
    slices = [unit for unit in found if kind_of(unit) == IDR]
    return (
        data.startswith(START_CODE)
        and {kind_of(unit) for unit in found} >= {IDR, SPS, PPS}
        and _is_first(slices[0])
    )


def _is_first(unit: bytes) -> bool:
    """Whether a slice begins its picture: ``first_mb_in_slice`` is 0, one bit (7.3.3)."""
    return len(unit) > 1 and unit[1] >= 0x80


class ParameterSets:
    """Those a stream sent last: not every encoder repeats them before each key frame."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}

    def complete(self, data: bytes) -> bytes:
        """*data*, a frame, with the sets it needs before it if it is a key frame without them."""
        found = sets_of(data)
        self._known.update(found)
        missing = [kind for kind in (SPS, PPS) if kind not in found and kind in self._known]
        if not missing or all(kind_of(unit) != IDR for unit in units(data)):
            return data
        return b"".join(START_CODE + self._known[kind] for kind in missing) + data


def with_lengths(data: bytes) -> bytes:
    """An Annex B stream as files hold it: each unit after its length in four bytes."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units(data))


def with_start_codes(data: bytes) -> bytes:
    """The reverse of ``with_lengths``."""
    parts, position = [], 0
    while position < len(data):
        end = position + 4 + int.from_bytes(data[position : position + 4], "big")
        parts.append(START_CODE + data[position + 4 : end])
        position = end
    return b"".join(parts)


def read_shape(sps: bytes) -> Shape:
    """The size of a sequence's pictures. Raises Unreadable."""
    try:
        return _shape(_Bits(sps[1:].replace(b"\0\0\3", b"\0\0")))
    except IndexError as error:
        raise Unreadable from error


class _Bits:
    """A parameter set from its most significant bit on; past its end IndexError is raised."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, count: int) -> int:
        value = 0
        for _ in range(count):
            byte = self._data[self._position >> 3]
            value = value << 1 | (byte >> (7 - (self._position & 7))) & 1
            self._position += 1
        return value

    def unsigned(self) -> int:
        """Exp-Golomb, 9.1."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 31:
                raise Unreadable
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        value = self.unsigned()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def _shape(bits: _Bits) -> Shape:
    profile = bits.take(8)
    bits.take(16)
    bits.unsigned()
    chroma, luma_bits, chroma_bits = 1, 8, 8
    if profile in HIGH:
        chroma = bits.unsigned()
        separate_planes = chroma == 3 and bits.take(1)
        luma_bits, chroma_bits = 8 + bits.unsigned(), 8 + bits.unsigned()
        bits.take(1)
        if bits.take(1):
            for number in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _skip_scaling(bits, 16 if number < 6 else 64)
        if separate_planes:
            chroma = 0
    if chroma > 3 or max(luma_bits, chroma_bits) > 14:
        raise Unreadable
    bits.unsigned()
    _skip_order(bits)
    bits.unsigned()
    bits.take(1)
    width = 16 * (bits.unsigned() + 1)
    rows = bits.unsigned() + 1
    frames_only = bits.take(1)
    if not frames_only:
        bits.take(1)
    height = 16 * rows * (2 - frames_only)
    bits.take(1)
    if bits.take(1):
        across = 2 if chroma in (1, 2) else 1
        down = (2 if chroma == 1 else 1) * (2 - frames_only)
        width -= across * (bits.unsigned() + bits.unsigned())
        height -= down * (bits.unsigned() + bits.unsigned())
    if not (0 < width < 1 << 16 and 0 < height < 1 << 16):
        raise Unreadable
    return Shape(width, height, chroma, luma_bits, chroma_bits)


def _skip_scaling(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _skip_order(bits: _Bits) -> None:
    match bits.unsigned():
        case 0:
            bits.unsigned()
        case 1:
            bits.take(1)
            bits.signed()
            bits.signed()
            for _ in range(min(bits.unsigned(), 255)):
                bits.signed()
