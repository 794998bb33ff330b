"""The film a demonstration's webcam shows: any video or still, made as long as an exam.

In: files in any size and orientation. Out: motion JPEG, 640x480, with seeded jitter and noise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import av.error
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from proctor.errors import Refused

WIDTH: Final = 640
HEIGHT: Final = 480
FPS: Final = 15
# Chromium plays motion JPEG at 30 frames a second whatever it was made for
SHOWN_TWICE: Final = 2
# the canvas is larger than the picture, so that sway never shows its edge
MARGIN: Final = 1.1
CANVAS: Final = (round(WIDTH * MARGIN), round(HEIGHT * MARGIN))
NOISE_SD: Final = 1.2
MAX_PIXELS: Final = 50_000_000

Picture = NDArray[np.uint8]


class FootageUnreadable(Refused):
    """The file holds no picture that can be read."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.args = (f"no picture can be read from {path}",)


@dataclass(frozen=True, slots=True)
class Footage:
    """Upright pictures at 15 a second, each a JPEG of the canvas; a still is a single one."""

    frames: tuple[bytes, ...]

    @property
    def is_still(self) -> bool:
        return len(self.frames) == 1

    def index_at(self, tick: int) -> int:
        """The frame to show at *tick*: forwards, then backwards, so that no seam is seen."""
        last = len(self.frames) - 1
        if last == 0:
            return 0
        return last - abs(tick % (2 * last) - last)


def read_footage(path: Path, longest_s: float) -> Footage:
    """The first *longest_s* seconds of a video, or a still. Raises FootageUnreadable."""
    try:
        pictures = [read_still(path)] if _is_still(path) else _read_video(path, longest_s)
        frames = tuple(jpeg(_on_canvas(picture), 92) for picture in pictures)
    except (OSError, Image.DecompressionBombError) as failure:
        raise FootageUnreadable(path) from failure
    if not frames:
        raise FootageUnreadable(path)
    return Footage(frames)


def make_film(
    target: Path,
    seconds: float,
    camera: Footage,
    *,
    seed: int,
    impostor: Footage | None = None,
    impostor_from_s: float = 0.0,
) -> None:
    """Write *seconds* of film: *camera*, and *impostor* from *impostor_from_s* on."""
    motion = _Motion(seed)
    with target.open("wb") as out:
        for tick in range(round(seconds * FPS)):
            taken_over = impostor is not None and tick >= impostor_from_s * FPS
            shown = impostor if impostor is not None and taken_over else camera
            canvas = _decoded(shown.frames[shown.index_at(tick)])
            picture = motion.shoot(canvas, tick / FPS, is_still=shown.is_still)
            out.write(jpeg(picture, 82) * SHOWN_TWICE)


class _Motion:
    """Sway, light and sensor noise of a webcam; the same seed shoots the same film."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self._random = random
        # hertz; slow enough for a person sitting, and never in step with one another
        self._rates = random.uniform(0.05, 0.4, size=(4, 2))
        self._phases = random.uniform(0.0, 2 * np.pi, size=(4, 2))
        # twice as high as a picture: a part of it, taken at any height, is another noise
        noise = random.normal(0.0, NOISE_SD, size=(4, 2 * HEIGHT, WIDTH, 1))
        self._noise = np.repeat(np.rint(noise).astype(np.int16), 3, axis=3)

    def shoot(self, canvas: Picture, at_s: float, *, is_still: bool) -> Picture:
        waves = np.sin(2 * np.pi * self._rates * at_s + self._phases).mean(axis=1)
        reach = 2.0 if is_still else 1.0
        turn, zoom = waves[2] * 0.8 * reach, 1.0 + waves[3] * 0.01 * reach
        matrix = cv2.getRotationMatrix2D((CANVAS[0] / 2, CANVAS[1] / 2), float(turn), float(zoom))
        matrix[0, 2] += waves[0] * 4.0 * reach - (CANVAS[0] - WIDTH) / 2
        matrix[1, 2] += waves[1] * 4.0 * reach - (CANVAS[1] - HEIGHT) / 2
        picture = cv2.warpAffine(canvas, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        light = 1.0 + 0.02 * waves[2] + 0.004 * self._random.standard_normal()
        lit = cv2.convertScaleAbs(picture, alpha=float(light))
        noise = self._noise[self._random.integers(len(self._noise))]
        top = int(self._random.integers(HEIGHT))
        noisy = cv2.add(lit, noise[top : top + HEIGHT], dtype=cv2.CV_8U)
        return noisy.astype(np.uint8, copy=False)


def _is_still(path: Path) -> bool:
    try:
        with Image.open(path):
            return True
    except (UnidentifiedImageError, Image.DecompressionBombError):
        return False


def read_still(path: Path) -> Picture:
    """A photograph, upright, BGR, no larger than needed. Raises FootageUnreadable."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise FootageUnreadable(path)
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as failure:
        raise FootageUnreadable(path) from failure
    upright.thumbnail((2 * CANVAS[0], 2 * CANVAS[1]))
    return np.ascontiguousarray(np.asarray(upright)[:, :, ::-1])


def _read_video(path: Path, longest_s: float) -> Iterator[Picture]:
    """Pictures at 15 a second, each the newest at its tick; a torn tail ends the video."""
    tick = 0
    newest: Picture | None = None
    for at_s, picture in _decode(path):
        while newest is not None and tick / FPS < min(at_s, longest_s):
            yield newest
            tick += 1
        newest = picture
        if at_s >= longest_s:
            return
    if newest is not None:
        yield newest


def _decode(path: Path) -> Iterator[tuple[float, Picture]]:
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise FootageUnreadable(path)
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            step = 1 / (stream.average_rate or Fraction(FPS))
            start: float | None = None
            for index, frame in enumerate(container.decode(stream)):
                at_s = float(frame.time if frame.time is not None else index * step)
                start = at_s if start is None else start
                yield at_s - start, _upright(frame)
    except av.error.FFmpegError:
        # what was decoded before the fault is footage; nothing at all is refused by the caller
        return


def _upright(frame: av.VideoFrame) -> Picture:
    """The frame turned as its metadata says, small enough for the canvas."""
    turns = round(frame.rotation / 90) % 4
    across, up = (frame.height, frame.width) if turns % 2 else (frame.width, frame.height)
    scale = min(CANVAS[0] / across, CANVAS[1] / up)
    small = frame.reformat(
        width=max(2, round(frame.width * scale)),
        height=max(2, round(frame.height * scale)),
        format="bgr24",
    )
    picture: Picture = np.ascontiguousarray(np.rot90(small.to_ndarray(), turns))
    return picture


def _on_canvas(picture: Picture) -> Picture:
    """The whole picture in the middle of the canvas, its edges drawn out to fill the rest."""
    height, width = picture.shape[:2]
    scale = min(CANVAS[0] / width, CANVAS[1] / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    fitted = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    left, top = (CANVAS[0] - size[0]) // 2, (CANVAS[1] - size[1]) // 2
    right, bottom = CANVAS[0] - size[0] - left, CANVAS[1] - size[1] - top
    canvas = cv2.copyMakeBorder(fitted, top, bottom, left, right, cv2.BORDER_REPLICATE)
    soft = cv2.blur(canvas, (61, 61))
    soft[top : top + size[1], left : left + size[0]] = fitted
    return soft.astype(np.uint8, copy=False)


def jpeg(picture: Picture, quality: int) -> bytes:
    """The picture as JPEG, *quality* of 100."""
    ok, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert ok
    return encoded.tobytes()


def _decoded(jpeg: bytes) -> Picture:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(np.uint8, copy=False)
