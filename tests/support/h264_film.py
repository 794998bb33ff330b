"""Pictures in H.264 as packets bring them, each unit after a start code of four bytes."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av

from proctor.media.h264 import START_CODE


def h264_film(
    pictures: Iterable[av.VideoFrame], rate: int, profile: str = "baseline", params: str = ""
) -> Iterator[bytes]:
    """Each of *pictures* by a real encoder without a delay, a key frame each second."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.time_base = Fraction(1, rate)
    options = {"preset": "ultrafast", "tune": "zerolatency", "profile": profile, "g": str(rate)}
    encoder.options = options | {"x264-params": ":".join(["scenecut=0:threads=1", *params.split()])}
    for number, picture in enumerate(pictures):
        if number == 0:
            encoder.width, encoder.height = picture.width, picture.height
            encoder.pix_fmt = picture.format.name
        picture.pts = number
        for packet in encoder.encode(picture):
            units = [unit.rstrip(b"\0") for unit in bytes(packet).split(b"\0\0\1")]
            yield b"".join(START_CODE + unit for unit in units if unit)
