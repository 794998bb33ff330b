"""What runs inside a worker process: pictures are decoded and models opened here only."""

import ctypes
import io
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from biometrics.ids import ModelId
from biometrics.types import Box, FaceSample, Image, Presentation, Quality
from models.registry import read_registry
from proctor.inference.opened import (
    DETECTOR,
    DLIB_HOG,
    ENCODERS,
    IRIS,
    MESH,
    THINGS,
    Backend,
    OwnPad,
    model_id_of,
    open_all,
)
from proctor.inference.seen import FaceFinding, FailedLook, FrameAssessment, Liveness, Looks
from proctor.observations import Check, NotAssessed

if TYPE_CHECKING:
    import av
    import PIL.Image
    from av.video.plane import VideoPlane

    from biometrics.face.detect import FaceDetector, YuNet
    from biometrics.face.encode import FaceEncoder
    from biometrics.face.gaze import FaceMesh
    from biometrics.face.pad_network import PadNetwork
    from biometrics.objects import NanoDet

MAX_STILL_BYTES = 10 * 1024 * 1024
MAX_STILL_PIXELS = 25_000_000
MAX_FRAME_BYTES = 2 * 1024 * 1024
# 4K UHD: twice each side of the largest picture the capture page asks for
MAX_FRAME_PIXELS = 3840 * 2160
_MAX_MEMORY = 4 * 1024**3
SHRUNK_PX = 320
# a small pattern is taken for a face more easily than a large one
_FAR_THRESHOLD = 0.7
# of <malloc.h>
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# a plane of a 1080p screen is smaller and comes again and again; a page new from the kernel costs
# more than a row of pixels
_LARGE_BUFFER = 4 * 1024**2
_Found = TypeVar("_Found")
_CODECS = {"VP8": "vp8", "H264": "h264"}


class Unreadable(Exception):
    """The picture was refused or could not be decoded; the message is the reason."""


@dataclass(frozen=True)
class Failed:
    """A job ended as nobody meant it to; ``error``: the kind of what was raised."""

    error: str


@dataclass(frozen=True)
class Models:
    """What this process opened."""

    detector: "FaceDetector"
    far_detector: "YuNet"
    encoder: "FaceEncoder"
    mesh: "FaceMesh"
    things: "NanoDet"
    pad: "PadNetwork | None" = None


_models: Models


def open_worker(models_dir: Path, backend: Backend, own_pad: OwnPad | None = None) -> None:
    global _models
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    # a core dump would hold a face
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
    # glibc would keep what one large buffer took for the next: 20 MB a worker
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BUFFER)
    libc.mallopt(_M_TRIM_THRESHOLD, 2 * _LARGE_BUFFER)
    import cv2

    from biometrics.face.detect import FAR, DlibHog, YuNet
    from biometrics.face.encode import DlibResNet, SFace
    from biometrics.face.gaze import FaceMesh
    from biometrics.face.pad_network import PadNetwork
    from biometrics.objects import NanoDet

    cv2.setNumThreads(1)
    # OpenCV 5 warns of a target that nobody asked for
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    registered = read_registry().models
    found, encoded = registered[DETECTOR], registered[ENCODERS[backend]]
    things = registered[THINGS]
    assert found.detection_threshold is not None
    assert things.detection_threshold is not None
    paths = open_all(backend, models_dir)
    near = YuNet(paths[DETECTOR], model_id_of(found), found.detection_threshold)
    model_id = model_id_of(encoded)
    _models = Models(
        DlibHog(DLIB_HOG) if backend == "dlib-compat" else near,
        near.at(FAR, _FAR_THRESHOLD),
        SFace(paths[encoded.name], model_id) if backend == "opencv" else DlibResNet(model_id),
        FaceMesh(paths[MESH], paths[IRIS], model_id_of(registered[MESH])),
        NanoDet(paths[THINGS], model_id_of(things), things.detection_threshold),
        PadNetwork(own_pad.read(), own_pad.model_id) if own_pad else None,
    )
    # parsing the files took more memory than the networks hold
    libc.malloc_trim(0)


def serve(
    pipe: Connection, models_dir: Path, backend: Backend, own_pad: OwnPad | None = None
) -> None:
    """The process: says that its models are open, then jobs in and answers out until the end."""
    open_worker(models_dir, backend, own_pad)
    pipe.send(None)
    while True:
        try:
            timeout_s, job, args = pipe.recv()
        except EOFError:
            return
        pipe.send(within(timeout_s, job, args))


def be_ready() -> None:
    """Nothing: the worker's models were opened before its first job."""


def _end_with_the_service() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def within(timeout_s: float, job: Callable[..., Any], args: tuple[object, ...]) -> Any:
    # the unhandled alarm ends the process even while native code holds the GIL
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    try:
        return job(*args)
    except Unreadable as error:
        return not_assessed(str(error))
    except MemoryError:
        return not_assessed("out_of_memory")
    # the outermost loop of a picture: whatever a decoder or a model raised is shown
    except Exception as error:  # noqa: BLE001
        return Failed(type(error).__name__)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def assess_frame(codec: str, keyframe: bytes, looks: Looks) -> FrameAssessment:
    """A look that raises leaves the others their say; without the detector there is none.

    The quality is the gate: no model looks at a picture that is covered, and one that is dark or
    blurred has no templates, which would say more of the light.
    """
    from biometrics.face import quality

    image = decode_keyframe(codec, keyframe)
    clarity = quality.assess(image)
    if clarity.covered:
        height, width = image.shape[:2]
        return FrameAssessment(
            width=width,
            height=height,
            quality=clarity,
            faces=(),
            model_ids=_ids_of_faces(),
            fingerprint=quality.fingerprint(image),
        )
    if not clarity.is_clear:
        looks = replace(looks, embed=False)
    return _assess(image, clarity, looks, _Attempts(tolerant=True))


def assess_image(data: bytes, looks: Looks) -> FrameAssessment:
    rgb = np.asarray(decode_still(data))
    return assess(np.ascontiguousarray(rgb[:, :, ::-1]), looks)


def shrink_frame(codec: str, keyframe: bytes) -> bytes:
    """The picture as a JPEG at most 320 px wide. Raises Unreadable."""
    # what smooths the edges of blocks is lost when the picture is made small
    return _jpeg(_small(_decoded(codec, keyframe, {"skip_loop_filter": "all"})))


def mark_frame(codec: str, keyframe: bytes, mark: str, face_only: bool) -> bytes:
    """The picture, or its largest face, as a JPEG 320 px wide with *mark*, of ASCII, in its corner.

    Raises Unreadable.
    """
    import cv2

    image = decode_keyframe(codec, keyframe)
    if face_only:
        found, _ = _models.detector.survey(image)
        if not found:
            raise Unreadable("no_face")
        image = _around(image, found[0].box)
    height, width = image.shape[:2]
    size = (SHRUNK_PX, max(1, round(height * SHRUNK_PX / width)))
    way = cv2.INTER_AREA if width > SHRUNK_PX else cv2.INTER_LINEAR
    small = cv2.resize(image, size, interpolation=way).astype(np.uint8, copy=False)
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        place = (6, size[1] - 8)
        cv2.putText(small, mark, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, thickness)
    return _jpeg(small)


def _around(image: Image, face: Box) -> Image:
    """The square of twice the face's side around it, as far as the picture goes."""
    side = max(face.width, face.height)
    x, y = face.left + face.width / 2, face.top + face.height / 2
    rows = slice(max(0, round(y - side)), max(1, round(y + side)))
    return image[rows, max(0, round(x - side)) : max(1, round(x + side))]


def _jpeg(image: Image) -> bytes:
    import cv2

    is_made, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 70])
    if not is_made:
        raise Unreadable("not_encodable")
    return jpeg.tobytes()


def opened() -> Models:
    return _models


class _Attempts:
    """Looks of one picture, each by itself. ``tolerant``: one that raises is only noted."""

    def __init__(self, *, tolerant: bool) -> None:
        self._tolerant = tolerant
        self.failed: list[FailedLook] = []

    def at(self, look: str, job: Callable[[], _Found]) -> _Found | None:
        if not self._tolerant:
            return job()
        try:
            return job()
        # whatever a model raised is shown, as what it was asked for
        except Exception as error:  # noqa: BLE001
            self.failed.append(FailedLook(look, type(error).__name__))
            return None


def assess(image: Image, looks: Looks) -> FrameAssessment:
    """Every face of *image*, its quality, and what else it is due for."""
    from biometrics.face import quality

    return _assess(image, quality.assess(image), looks, _Attempts(tolerant=False))


def _assess(image: Image, clarity: Quality, looks: Looks, look: _Attempts) -> FrameAssessment:
    from biometrics.face import portrait, presentation, quality

    found, far = find_faces(image, looks, look)
    height, width = image.shape[:2]
    wants_gaze = (looks.gaze or looks.portrait) and found
    gaze = look.at("gaze", lambda: _models.mesh.look(image, found[0])) if wants_gaze else None
    wants_things = looks.things or looks.presentation
    things = look.at("things", lambda: _models.things.detect(image)) if wants_things else None

    def held() -> Presentation:
        if things is None:
            raise LookupError("no things to look for around the face")
        return presentation.assess(image, found[0].box, things)

    def own() -> Liveness:
        assert _models.pad is not None, "only a network that is there is asked"
        return Liveness(_models.pad.model_id, _models.pad.look(image, found[0]))

    wants_own = _models.pad is not None and looks.presentation and found
    return FrameAssessment(
        width=width,
        height=height,
        quality=clarity,
        faces=tuple(
            # nobody is compared with those behind
            _finding(image, face, looks.embed and face is found[0], look)
            for face in found
        ),
        model_ids=_ids_of_faces(),
        fingerprint=quality.fingerprint(image),
        far_faces=None if far is None else len(far),
        gaze=gaze,
        things=things,
        presentation=look.at("presentation", held) if looks.presentation and found else None,
        liveness=look.at("pad_network", own) if wants_own else None,
        portrait=portrait.assess(image, found[0], gaze) if looks.portrait and gaze else None,
        failed=tuple(look.failed),
    )


def _ids_of_faces() -> tuple[ModelId, ModelId]:
    return _models.detector.model_id, _models.encoder.model_id


def find_faces(
    image: Image, looks: Looks, attempts: _Attempts | None = None
) -> tuple[tuple[FaceSample, ...], tuple[FaceSample, ...] | None]:
    """The faces of *image*, largest first, and those that only the far look finds."""
    from biometrics.face import detect

    found, doubtful = _models.detector.survey(image)
    if not looks.far and not (looks.doubtful and doubtful):
        return found, None
    look = attempts or _Attempts(tolerant=False)
    behind = look.at("far", lambda: _models.far_detector.detect(image))
    return found, None if behind is None else detect.beside(found, behind)


def _finding(image: Image, face: FaceSample, embed: bool, look: _Attempts) -> FaceFinding:
    from biometrics.face import quality

    small = quality.is_too_small(face.box)
    wanted = embed and not small
    template = look.at("embed", lambda: _models.encoder.encode(image, face)) if wanted else None
    return FaceFinding(face.box, face.detection_score, small, template)


def decode_keyframe(codec: str, keyframe: bytes) -> Image:
    return _bgr(_decoded(codec, keyframe))


def _decoded(codec: str, keyframe: bytes, more: dict[str, str] | None = None) -> "av.VideoFrame":
    import av

    if codec not in _CODECS:
        raise Unreadable("unsupported_codec")
    if len(keyframe) > MAX_FRAME_BYTES:
        raise Unreadable("too_large")
    if codec == "VP8":
        _check_vp8_header(keyframe)
    decoder = av.CodecContext.create(_CODECS[codec], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    decoder.options = {"max_pixels": str(MAX_FRAME_PIXELS)} | (more or {})
    try:
        frames = [*decoder.decode(av.Packet(keyframe)), *decoder.decode(None)]
    except av.error.FFmpegError as error:
        raise Unreadable("undecodable") from error
    if not frames or frames[0].is_corrupt:
        raise Unreadable("undecodable")
    return frames[0]


def _bgr(frame: "av.VideoFrame") -> Image:
    import cv2

    # OpenCV does it in a quarter of the time, for what browsers send
    if frame.format.name == "yuv420p" and frame.width % 2 == frame.height % 2 == 0:
        image = cv2.cvtColor(frame.to_ndarray(), cv2.COLOR_YUV2BGR_I420)
    else:
        image = frame.to_ndarray(format="bgr24")
    return image.astype(np.uint8, copy=False)


def _small(frame: "av.VideoFrame") -> Image:
    """The picture at most ``SHRUNK_PX`` wide, made small before it is made BGR."""
    import cv2

    if frame.width <= SHRUNK_PX:
        return _bgr(frame)
    height = max(2, 2 * round(frame.height * SHRUNK_PX / frame.width / 2))
    if frame.format.name != "yuv420p":
        return _resized(_bgr(frame), SHRUNK_PX, height)
    # the planes of colours are half as wide, and half as high
    small = [
        _resized(_pixels(plane), SHRUNK_PX // part, height // part).reshape(-1)
        for plane, part in zip(frame.planes, (1, 2, 2), strict=True)
    ]
    image = np.concatenate(small).reshape(-1, SHRUNK_PX)
    return cv2.cvtColor(image, cv2.COLOR_YUV2BGR_I420).astype(np.uint8, copy=False)


def _pixels(plane: "VideoPlane") -> Image:
    """One plane as the decoder left it, not copied."""
    rows = np.frombuffer(cast(Any, plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]


def _resized(image: Image, width: int, height: int) -> Image:
    import cv2

    # by half first: that alone OpenCV does many pixels at a time
    if image.shape[1] >= 2 * width and image.shape[0] >= 2 * height:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = cv2.resize(image, half, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False)


def _check_vp8_header(keyframe: bytes) -> None:
    """RFC 6386 9.1: a keyframe's tag, its start code, and 14 bits each of width and height."""
    if len(keyframe) < 10:
        raise Unreadable("undecodable")
    if keyframe[0] & 1:
        raise Unreadable("not_a_keyframe")
    if keyframe[3:6] != b"\x9d\x01\x2a":
        raise Unreadable("undecodable")
    width = int.from_bytes(keyframe[6:8], "little") & 0x3FFF
    height = int.from_bytes(keyframe[8:10], "little") & 0x3FFF
    if width * height > MAX_FRAME_PIXELS:
        raise Unreadable("too_large")


def decode_still(data: bytes) -> "PIL.Image.Image":
    """A JPEG or PNG still, upright. Raises Unreadable."""
    import PIL.Image
    import PIL.ImageOps

    PIL.Image.MAX_IMAGE_PIXELS = MAX_STILL_PIXELS
    if len(data) > MAX_STILL_BYTES:
        raise Unreadable("too_large")
    try:
        # only the header is read here
        still = PIL.Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
    except PIL.Image.DecompressionBombError as error:
        raise Unreadable("too_large") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise Unreadable("undecodable") from error
    if still.width * still.height > MAX_STILL_PIXELS:
        raise Unreadable("too_large")
    try:
        upright = PIL.ImageOps.exif_transpose(still)
        if upright.mode.startswith("I"):
            # sixteen bits of grey, of which a conversion keeps what is below 256
            upright = PIL.Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        return upright.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise Unreadable("undecodable") from error


def not_assessed(reason: str) -> NotAssessed:
    return NotAssessed(check=Check.FACE, reason=reason)
