"""The process pool: untrusted pictures in, what was measured or ``NotAssessed`` out.

Pictures are decoded and models opened in its worker processes only. Each worker has a deadline
in the kernel, bounded memory and no core dumps; one that dies is replaced, and only the picture
it held is lost.
"""

import asyncio
import io
import multiprocessing
import os
import queue
import resource
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import structlog

from biometrics.calibration import Calibration, OperatingPoint
from biometrics.comparison import FaceComparison, Measure
from biometrics.ids import ModelId
from biometrics.types import Box, FaceSample, Image, Quality, Template
from keystroke.verifiers.plda import PldaVerifier
from models.registry import Entry, open_model, read_registry
from proctor.observations import Check, NotAssessed

if TYPE_CHECKING:
    import PIL.Image

    from biometrics.face.detect import YuNet
    from biometrics.face.encode import FaceEncoder

log = structlog.get_logger()

Backend = Literal["opencv", "dlib"]
_DETECTOR = "yunet"
_ENCODERS: dict[str, str] = {"opencv": "sface", "dlib": "dlib-resnet"}
_BESIDE: dict[str, tuple[str, ...]] = {"opencv": (), "dlib": ("dlib-five-points",)}

MAX_STILL_BYTES = 10 * 1024 * 1024
MAX_STILL_PIXELS = 25_000_000
MAX_FRAME_BYTES = 2 * 1024 * 1024
# 4K UHD: twice each side of the largest picture the capture page asks for
MAX_FRAME_PIXELS = 3840 * 2160
_MAX_MEMORY = 4 * 1024**3
_CODECS = {"VP8": "vp8", "H264": "h264"}


@dataclass(frozen=True)
class FaceFinding:
    """One face of a picture; ``template`` is absent when not asked for or the face too small."""

    box: Box
    detection_score: float
    too_small: bool
    template: Template | None


@dataclass(frozen=True)
class FrameAssessment:
    """What one picture shows, in its own pixels; ``faces`` largest first."""

    width: int
    height: int
    quality: Quality
    faces: tuple[FaceFinding, ...]
    model_ids: tuple[ModelId, ...]


def face_comparison(backend: Backend) -> FaceComparison:
    """How templates of *backend* compare, with the operating points of its model card."""
    entry = read_registry().models[_ENCODERS[backend]]
    points = [OperatingPoint(**row) for row in entry.operating_points]
    return FaceComparison(
        _model_id(entry),
        cast(Measure, entry.measure),
        Calibration(**entry.calibration),
        {point.name: point for point in points},
    )


def keystroke_verifier() -> PldaVerifier:
    """The verifier of free typing, numpy only. Raises ModelRefused."""
    return PldaVerifier.load(open_model("keystroke-plda", Path()))


class InferencePool:
    """A few worker processes and two bounded lines before them: frames of exams, and stills.

    ``frames_limit`` and ``stills_limit`` pictures may wait in each beside those being looked at;
    the next is refused as ``overloaded``, and whoever sends stills crowds out no exam.
    ``timeout_s`` counts from the moment a worker takes a picture up.
    Raises ModelRefused when a model is missing or hashes wrong.
    """

    def __init__(
        self,
        *,
        workers: int,
        models_dir: Path,
        backend: Backend,
        timeout_s: float = 10.0,
        frames_limit: int = 32,
        stills_limit: int = 8,
    ) -> None:
        for name in (_DETECTOR, _ENCODERS[backend], *_BESIDE[backend]):
            open_model(name, models_dir)
        self.comparison = face_comparison(backend)
        if backend == "dlib":
            point = self.comparison.operating_points["verification"]
            log.warning("face_backend_uneven", backend=backend, fmr=point.fmr, card="dlib-resnet")
        self._timeout_s = timeout_s
        self._closed = threading.Event()
        self._frames = threading.BoundedSemaphore(workers + frames_limit)
        self._stills = threading.BoundedSemaphore(workers + stills_limit)
        self._workers: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for _ in range(workers):
            self._workers.put(_Worker(models_dir, backend))
        self._unstarted = workers
        # one thread waits on each worker process
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="inference")

    def start(self) -> None:
        """Start the workers now, without waiting, so that the first picture need not."""
        count, self._unstarted = self._unstarted, 0
        for _ in range(count):
            self._threads.submit(self._run, _be_ready, ())

    def submit_frame(
        self, codec: str, keyframe: bytes, *, embed: bool
    ) -> Future[FrameAssessment | NotAssessed]:
        """Assess one encoded keyframe, ``codec`` ``VP8`` or ``H264`` (Annex B)."""
        return self._submit(self._frames, _assess_frame, codec, keyframe, embed)

    def submit_image(self, data: bytes, *, embed: bool) -> Future[FrameAssessment | NotAssessed]:
        """Assess a JPEG or PNG still of at most 10 MiB and 25 Mpx, upright as its EXIF says."""
        return self._submit(self._stills, _assess_image, data, embed)

    async def assess_frame(
        self, codec: str, keyframe: bytes, *, embed: bool
    ) -> FrameAssessment | NotAssessed:
        return await asyncio.wrap_future(self.submit_frame(codec, keyframe, embed=embed))

    async def assess_image(self, data: bytes, *, embed: bool) -> FrameAssessment | NotAssessed:
        return await asyncio.wrap_future(self.submit_image(data, embed=embed))

    def close(self) -> None:
        """End the workers after what they hold; what still waits is not assessed."""
        self._closed.set()
        self._threads.shutdown(wait=True)
        while not self._workers.empty():
            self._workers.get().close()

    def _submit(
        self, line: threading.BoundedSemaphore, job: Callable[..., Any], *args: object
    ) -> Future[Any]:
        if self._closed.is_set():
            return _refused("closed")
        if not line.acquire(blocking=False):
            return _refused("overloaded")
        future = self._threads.submit(self._run, job, args)
        # not in _run: a caller that gives up cancels what has not begun
        future.add_done_callback(lambda _: line.release())
        return future

    def _run(self, job: Callable[..., Any], args: tuple[object, ...]) -> Any:
        if self._closed.is_set():
            return _not_assessed("closed")
        worker = self._workers.get()
        try:
            return worker.run(job, args, self._timeout_s)
        finally:
            self._workers.put(worker)


class _Worker:
    """One process at a time, started when first needed and replaced when it dies."""

    def __init__(self, models_dir: Path, backend: Backend) -> None:
        self._initargs = (models_dir, backend)
        self._process: ProcessPoolExecutor | None = None

    def run(self, job: Callable[..., Any], args: tuple[object, ...], timeout_s: float) -> Any:
        try:
            process = self._process or self._start()
        except BrokenProcessPool:
            return self._replace("worker_not_started")
        began = time.monotonic()
        try:
            return process.submit(_within, timeout_s, job, args).result()
        except BrokenProcessPool:
            late = time.monotonic() - began >= timeout_s
            return self._replace("timeout" if late else "worker_crashed")
        except Exception as error:  # noqa: BLE001
            # the outermost loop of a picture: whatever a decoder or a model raised is shown
            log.warning("assessment_failed", error=type(error).__name__)
            return _not_assessed("assessment_failed")

    def close(self) -> None:
        if self._process is not None:
            self._process.shutdown(wait=True)
            self._process = None

    def _start(self) -> ProcessPoolExecutor:
        # spawned, since a fork would copy the threads' locks of the service
        self._process = ProcessPoolExecutor(
            1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_open_worker,
            initargs=self._initargs,
        )
        self._process.submit(os.getpid).result()
        return self._process

    def _replace(self, reason: str) -> NotAssessed:
        log.warning("inference_worker_replaced", reason=reason)
        self.close()
        return _not_assessed(reason)


def _refused(reason: str) -> Future[Any]:
    answer: Future[Any] = Future()
    answer.set_result(_not_assessed(reason))
    return answer


def _not_assessed(reason: str) -> NotAssessed:
    return NotAssessed(check=Check.FACE, reason=reason)


def _model_id(entry: Entry) -> ModelId:
    return ModelId(entry.name, entry.version)


# from here on: what runs inside a worker process


def _be_ready() -> None:
    """Nothing: the worker's models were opened before its first job."""


class _Unreadable(Exception):
    """The picture was refused or could not be decoded; the message is the reason."""


@dataclass(frozen=True)
class _Models:
    detector: "YuNet"
    encoder: "FaceEncoder"


_models: _Models


def _open_worker(models_dir: Path, backend: Backend) -> None:
    global _models
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    # a core dump would hold a face
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
    import cv2
    import PIL.Image

    from biometrics.face.detect import YuNet
    from biometrics.face.encode import DlibResNet, SFace

    cv2.setNumThreads(1)
    # OpenCV 5 warns of a target that nobody asked for
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    PIL.Image.MAX_IMAGE_PIXELS = MAX_STILL_PIXELS
    registered = read_registry().models
    found, encoded = registered[_DETECTOR], registered[_ENCODERS[backend]]
    assert found.detection_threshold is not None
    weights = open_model(_DETECTOR, models_dir)
    detector = YuNet(weights, _model_id(found), found.detection_threshold)
    paths = [open_model(name, models_dir) for name in (encoded.name, *_BESIDE[backend])]
    model_id = _model_id(encoded)
    _models = _Models(
        detector, SFace(paths[0], model_id) if backend == "opencv" else DlibResNet(model_id)
    )


def _end_with_the_service() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _within(timeout_s: float, job: Callable[..., Any], args: tuple[object, ...]) -> Any:
    # the unhandled alarm ends the process even while native code holds the GIL
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    try:
        return job(*args)
    except _Unreadable as error:
        return _not_assessed(str(error))
    except MemoryError:
        return _not_assessed("out_of_memory")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _assess_frame(codec: str, keyframe: bytes, embed: bool) -> FrameAssessment:
    return _assess(_decode_keyframe(codec, keyframe), embed)


def _assess_image(data: bytes, embed: bool) -> FrameAssessment:
    rgb = np.asarray(_decode_still(data))
    return _assess(np.ascontiguousarray(rgb[:, :, ::-1]), embed)


def _assess(image: Image, embed: bool) -> FrameAssessment:
    from biometrics.face import quality

    faces = tuple(_finding(image, face, embed) for face in _models.detector.detect(image))
    height, width = image.shape[:2]
    ids = (_models.detector.model_id, _models.encoder.model_id)
    return FrameAssessment(width, height, quality.assess(image), faces, ids)


def _finding(image: Image, face: FaceSample, embed: bool) -> FaceFinding:
    from biometrics.face import quality

    small = quality.is_too_small(face.box)
    template = _models.encoder.encode(image, face) if embed and not small else None
    return FaceFinding(face.box, face.detection_score, small, template)


def _decode_keyframe(codec: str, keyframe: bytes) -> Image:
    import av

    if codec not in _CODECS:
        raise _Unreadable("unsupported_codec")
    if len(keyframe) > MAX_FRAME_BYTES:
        raise _Unreadable("too_large")
    if codec == "VP8":
        _check_vp8_header(keyframe)
    decoder = av.CodecContext.create(_CODECS[codec], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    decoder.options = {"max_pixels": str(MAX_FRAME_PIXELS)}
    try:
        frames = [*decoder.decode(av.Packet(keyframe)), *decoder.decode(None)]
    except av.error.FFmpegError as error:
        raise _Unreadable("undecodable") from error
    if not frames or frames[0].is_corrupt:
        raise _Unreadable("undecodable")
    return frames[0].to_ndarray(format="bgr24").astype(np.uint8, copy=False)


def _check_vp8_header(keyframe: bytes) -> None:
    """RFC 6386 9.1: a keyframe's tag, its start code, and 14 bits each of width and height."""
    if len(keyframe) < 10:
        raise _Unreadable("undecodable")
    if keyframe[0] & 1:
        raise _Unreadable("not_a_keyframe")
    if keyframe[3:6] != b"\x9d\x01\x2a":
        raise _Unreadable("undecodable")
    width = int.from_bytes(keyframe[6:8], "little") & 0x3FFF
    height = int.from_bytes(keyframe[8:10], "little") & 0x3FFF
    if width * height > MAX_FRAME_PIXELS:
        raise _Unreadable("too_large")


def _decode_still(data: bytes) -> "PIL.Image.Image":
    import PIL.Image
    import PIL.ImageOps

    if len(data) > MAX_STILL_BYTES:
        raise _Unreadable("too_large")
    try:
        # only the header is read here
        still = PIL.Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
    except PIL.Image.DecompressionBombError as error:
        raise _Unreadable("too_large") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise _Unreadable("undecodable") from error
    if still.width * still.height > MAX_STILL_PIXELS:
        raise _Unreadable("too_large")
    try:
        return PIL.ImageOps.exif_transpose(still).convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise _Unreadable("undecodable") from error
