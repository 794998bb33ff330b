"""Jobs of the benchmarks; what they cost is CPU time of the worker process, all its threads."""

import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from biometrics.types import Image
from proctor.inference import worker
from proctor.inference.material import film_images
from proctor.inference.seen import FrameAssessment, Looks

# about what a keyframe has within the 250 kbit/s that the exam page allows the camera
_FINEST, _BIT_RATE = "16", 250_000


def keyframes(path: Path, frames: int) -> tuple[bytes, ...]:
    """Frames of a film, each as the VP8 keyframe that a browser would send."""
    return tuple(_keyframe(image) for _, image in film_images(path, frames))


def decode_frame(codec: str, keyframe: bytes) -> int:
    """A frame decoded as for the analysis, and not looked at; bytes of the picture."""
    return worker.decode_keyframe(codec, keyframe).nbytes


def time_frame(keyframe: bytes, looks: Looks) -> tuple[float, FrameAssessment]:
    """CPU milliseconds of the whole assessment, decoding included, and what it found."""
    began = time.process_time()
    seen = worker.assess_frame("VP8", keyframe, looks)
    return (time.process_time() - began) * 1000, seen


def time_face_recognition(keyframe: bytes) -> float:
    """CPU milliseconds of face_recognition's own path: locations, then encodings of all."""
    import face_recognition

    rgb = np.ascontiguousarray(worker.decode_keyframe("VP8", keyframe)[:, :, ::-1])
    began = time.process_time()
    places = face_recognition.face_locations(rgb)
    face_recognition.face_encodings(rgb, known_face_locations=places, model="small")
    return (time.process_time() - began) * 1000


def resident_mb() -> float:
    """Megabytes of memory that this worker holds now (VmRSS)."""
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


def _keyframe(image: Image) -> bytes:
    import av

    context = av.CodecContext.create("libvpx", "w")
    assert isinstance(context, av.VideoCodecContext)
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.framerate = Fraction(15)
    context.bit_rate = _BIT_RATE
    context.options = {"qmin": _FINEST}
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="bgr24")
    frame.pts = 0
    return bytes([*context.encode(frame), *context.encode(None)][0])
