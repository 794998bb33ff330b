"""Jobs of an evaluation inside a worker process: films, aligned crops, altered stills."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from biometrics.face.encode import ALIGNED_SIDE
from biometrics.types import Box, Image, Template
from proctor.inference import worker
from proctor.inference.seen import FrameAssessment, Looks

# the longer side of what the exam page sends
_FRAME_SIDE = 640
# of somebody at a desk, and how much of the head around the face is shown behind them
_FRONT_PX, _HEAD = 180.0, 0.5

_EVERY_SECOND, _FAR = Looks(doubtful=True), Looks(far=True)

Change = Literal["gamma", "exposure", "noise", "size", "occlusion"]


@dataclass(frozen=True)
class FilmFrame:
    """One frame of a film, ``at_s`` seconds after its first."""

    at_s: float
    seen: FrameAssessment


def encode_crop(data: bytes) -> Template:
    """The template of a still that is an aligned crop already."""
    rgb = np.asarray(worker.decode_still(data))
    if rgb.shape != (ALIGNED_SIDE, ALIGNED_SIDE, 3):
        raise worker.Unreadable("not_a_crop")
    return worker.opened().encoder.encode_aligned(np.ascontiguousarray(rgb[:, :, ::-1]))


def assess_film(path: Path, frames: int, looks: Looks) -> tuple[FilmFrame, ...]:
    """At most *frames* frames of a film, evenly spread, upright, no larger than a webcam's."""
    return tuple(
        FilmFrame(at_s, worker.assess(image, looks)) for at_s, image in film_images(path, frames)
    )


def assess_still(data: bytes, looks: Looks) -> FrameAssessment:
    """A still like one frame of a film: upright, no larger than a webcam's."""
    return worker.assess(_shrunk(_image(data)), looks)


def find_altered(data: bytes, change: Change | None, step: float) -> tuple[bool, bool]:
    """Whether the detector finds a face in a still after *change*: as every second, as far ahead.

    ``gamma``: exponent. ``exposure``: factor. ``noise``: standard deviation, seeded. ``size``:
    height of the largest face in pixels. ``occlusion``: share of that face covered from below.
    """
    image = _image(data)
    if change is not None:
        image = _altered(image, change, step)
    every, far = (_found(image, looks) for looks in (_EVERY_SECOND, _FAR))
    return len(every) > 0, len(far) > 0


def find_behind(front: bytes, behind: bytes, height: float) -> tuple[bool, bool]:
    """Whether the face of a second still is found behind that of the first: as every second, as far
    behind. The first is 180 px high in a frame of 640x480, the second *height*, above its shoulder.
    """
    frame = np.full((480, 640, 3), 128, np.uint8)
    _paste(frame, *_head(_image(front), _FRONT_PX), (180, 250))
    second = _paste(frame, *_head(_image(behind), height), (500, 120))
    every, far = (_found(frame, looks) for looks in (_EVERY_SECOND, _FAR))
    return any(map(second.holds, every)), any(map(second.holds, far))


def film_images(path: Path, frames: int) -> Iterator[tuple[float, Image]]:
    """Seconds since the first frame, and the frame as an image."""
    import av

    try:
        times = _times(path)
        wanted = {times[i] for i in np.linspace(0, len(times) - 1, frames).astype(int)}
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                if frame.pts is None or frame.pts not in wanted:
                    continue
                image = np.rot90(frame.to_ndarray(format="bgr24"), round(frame.rotation / 90))
                at_s = float((frame.pts - times[0]) * (frame.time_base or 0))
                yield at_s, _shrunk(np.ascontiguousarray(image))
    except (av.error.FFmpegError, OSError) as error:
        raise worker.Unreadable("undecodable") from error


def _shrunk(image: Image) -> Image:
    import cv2

    scale = min(1.0, _FRAME_SIDE / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _times(path: Path) -> list[int]:
    """Presentation times of a film's pictures, in its own unit, in order."""
    import av

    with av.open(str(path)) as container:
        if not container.streams.video:
            raise worker.Unreadable("no_video")
        times = sorted(p.pts for p in container.demux(video=0) if p.pts is not None)
    if not times:
        raise worker.Unreadable("no_video")
    return times


def _image(data: bytes) -> Image:
    rgb = np.asarray(worker.decode_still(data))
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _found(image: Image, looks: Looks) -> list[Box]:
    near, far = worker.find_faces(image, looks)
    return [face.box for face in (*near, *(far or ()))]


def _head(image: Image, height: float) -> tuple[Image, Box]:
    """The head of a still's largest face, that face *height* px high, and where it is in it."""
    import cv2

    box, scale = _largest(image), height / _largest(image).height
    left, top = max(0, round(box.left - _HEAD * box.width)), max(0, round(box.top - box.height))
    right = round(box.left + (1 + _HEAD) * box.width)
    head = image[top : round(box.top + (1 + _HEAD) * box.height), left:right]
    small = cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    place = Box((box.left - left) * scale, (box.top - top) * scale, box.width * scale, height)
    return small.astype(np.uint8, copy=False), place


def _paste(frame: Image, head: Image, face: Box, centre: tuple[int, int]) -> Box:
    """Where the face is once its centre is at *centre*; the frame's edge may cut the head."""
    left = round(centre[0] - face.left - face.width / 2)
    top = round(centre[1] - face.top - face.height / 2)
    shown = head[max(0, -top) : frame.shape[0] - top, max(0, -left) : frame.shape[1] - left]
    place = frame[max(0, top) :, max(0, left) :]
    place[: shown.shape[0], : shown.shape[1]] = shown
    return Box(left + face.left, top + face.top, face.width, face.height)


def _largest(image: Image) -> Box:
    faces, _ = worker.opened().detector.survey(image)
    if not faces:
        raise worker.Unreadable("no_face")
    return faces[0].box


def _altered(image: Image, change: Change, step: float) -> Image:
    import cv2

    if change == "gamma":
        table = np.round(255.0 * (np.arange(256) / 255.0) ** step).astype(np.uint8)
        return np.array(cv2.LUT(image, table), dtype=np.uint8)
    if change == "exposure":
        exposed: Image = np.clip(image * step, 0, 255).astype(np.uint8)
        return exposed
    if change == "noise":
        noise = np.random.default_rng(0).normal(0.0, step, image.shape)
        return np.clip(image + noise, 0, 255).astype(np.uint8)
    box = _largest(image)
    if change == "size":
        # the detector sees a frame of 640x480 with one face of this height
        scale = step / box.height
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        frame = np.full((480, 640, 3), 128, np.uint8)
        height, width = min(480, small.shape[0]), min(640, small.shape[1])
        top, left = (480 - height) // 2, (640 - width) // 2
        frame[top : top + height, left : left + width] = small[:height, :width]
        return frame
    covered = image.copy()
    bottom, right = box.top + box.height, box.left + box.width
    rows = slice(max(0, round(bottom - step * box.height)), max(0, round(bottom)))
    covered[rows, max(0, round(box.left)) : max(0, round(right))] = 128
    return covered
