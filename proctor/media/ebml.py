"""Elements of the Extensible Binary Meta Language (RFC 8794): an id, a size, and the content."""

from __future__ import annotations

from proctor.media.container import NotARecording


def element(name: int, body: bytes) -> bytes:
    """An element with its id and size before *body*."""
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + size_of(len(body)) + body


def unsigned(name: int, value: int) -> bytes:
    """An element holding an unsigned integer."""
    return element(name, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def size_of(value: int, width: int | None = None) -> bytes:
    """The coded size *value*, in *width* bytes or as few as hold it."""
    if width is None:
        width = next(n for n in range(1, 9) if value < (1 << (7 * n)) - 1)
    return ((1 << (7 * width)) | value).to_bytes(width, "big")


def read_element(data: bytes, position: int) -> tuple[int, int, int]:
    """Id, length of id and size together, and size of the content of the element there.

    Raises NotARecording.
    """
    name_width = _width(data, position)
    name = int.from_bytes(data[position : position + name_width], "big")
    size_at = position + name_width
    size_width = _width(data, size_at)
    size = int.from_bytes(data[size_at : size_at + size_width], "big") & ((1 << 7 * size_width) - 1)
    return name, name_width + size_width, size


def _width(data: bytes, position: int) -> int:
    """Of the number that begins there: its leading zeros say so."""
    width = 9 - data[position].bit_length() if position < len(data) else 9
    if position + width > len(data):
        raise NotARecording
    return width
