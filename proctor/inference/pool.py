"""The process pool: untrusted pictures in, what was measured or ``NotAssessed`` out.

Pictures are decoded and models opened in its worker processes only. Each worker has a deadline
in the kernel, bounded memory and no core dumps; one that dies is replaced, and only the picture
it held is lost.
"""

import asyncio
import multiprocessing
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import structlog

from proctor.inference import worker
from proctor.inference.opened import Backend, OwnPad, face_comparison, open_all
from proctor.inference.seen import FrameAssessment, Looks
from proctor.observations import NotAssessed

log = structlog.get_logger()

# beyond a job's time, in which the worker gives it up by itself
_GRACE_S = 1.0
# a worker reads its models from a disk that may be busy
_START_S = 60.0
_starting = threading.Lock()


class InferencePool:
    """A few worker processes and bounded lines before them: frames of exams to assess, frames to
    make small pictures of, and the rest.

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
        own_pad: OwnPad | None = None,
    ) -> None:
        open_all(backend, models_dir)
        if own_pad is not None:
            own_pad.read()
        self.comparison = face_comparison(backend)
        if backend != "opencv":
            point = self.comparison.operating_points["verification"]
            log.warning("face_backend_uneven", backend=backend, fmr=point.fmr, card="dlib-resnet")
        self._timeout_s = timeout_s
        self._closed = threading.Event()
        self._frames = _Line(workers + frames_limit)
        self._stills = _Line(workers + stills_limit)
        self._shrinks = _Line(workers + frames_limit)
        # a wall asks for sixty pictures at once; frames of exams wait behind these few
        self._turns = asyncio.Semaphore(8 * workers)
        self._workers: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for _ in range(workers):
            self._workers.put(_Worker(models_dir, backend, own_pad))
        self._unstarted = workers
        # one thread waits on each worker process
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="inference")

    def start(self) -> None:
        """Start the workers now, without waiting, so that the first picture need not."""
        count, self._unstarted = self._unstarted, 0
        for _ in range(count):
            self._threads.submit(self._run, worker.be_ready, ())

    def submit_frame(
        self, codec: str, keyframe: bytes, looks: Looks
    ) -> Future[FrameAssessment | NotAssessed]:
        """Assess one encoded keyframe, ``codec`` ``VP8`` or ``H264`` (Annex B)."""
        return self._submit(self._frames, worker.assess_frame, codec, keyframe, looks)

    def submit_image(
        self, data: bytes, *, embed: bool, portrait: bool = False
    ) -> Future[FrameAssessment | NotAssessed]:
        """Assess a JPEG or PNG still of at most 10 MiB and 25 Mpx, upright as its EXIF says."""
        looks = Looks(embed=embed, portrait=portrait)
        return self._submit(self._stills, worker.assess_image, data, looks)

    async def assess_frame(
        self, codec: str, keyframe: bytes, looks: Looks
    ) -> FrameAssessment | NotAssessed:
        return await asyncio.wrap_future(self.submit_frame(codec, keyframe, looks))

    async def shrink_frame(self, codec: str, keyframe: bytes) -> bytes | NotAssessed:
        """One encoded keyframe as a small JPEG, for people to look at, when its turn has come."""
        async with self._turns:
            job = self._submit(self._shrinks, worker.shrink_frame, codec, keyframe)
            made: bytes | NotAssessed = await asyncio.wrap_future(job)
        return made

    async def mark_frame(
        self, codec: str, keyframe: bytes, mark: str, *, face_only: bool
    ) -> bytes | NotAssessed:
        """One encoded keyframe, or its largest face, as a small JPEG that says who looks at it."""
        job = self._submit(self._shrinks, worker.mark_frame, codec, keyframe, mark, face_only)
        made: bytes | NotAssessed = await asyncio.wrap_future(job)
        return made

    async def assess_image(
        self, data: bytes, *, embed: bool, portrait: bool = False
    ) -> FrameAssessment | NotAssessed:
        job = self.submit_image(data, embed=embed, portrait=portrait)
        return await asyncio.wrap_future(job)

    def close(self) -> None:
        """End the workers after what they hold; what still waits is not assessed."""
        self._closed.set()
        self._threads.shutdown(wait=True)
        while not self._workers.empty():
            self._workers.get().close()

    def submit(self, job: Callable[..., Any], *args: object) -> Future[Any]:
        """Run *job*, a function of a module, in a worker; it may answer NotAssessed instead."""
        return self._submit(self._stills, job, *args)

    def _submit(self, line: "_Line", job: Callable[..., Any], *args: object) -> Future[Any]:
        if self._closed.is_set():
            return _refused("closed")
        if not line.enter():
            return _refused("overloaded")
        future = self._threads.submit(self._run, job, args)
        # not in _run: a caller that gives up cancels what has not begun
        future.add_done_callback(lambda _: line.leave())
        return future

    @property
    def load(self) -> float:
        """How full the line of frames is: 0 nobody, 1 the next frame is refused."""
        return self._frames.share

    def _run(self, job: Callable[..., Any], args: tuple[object, ...]) -> Any:
        if self._closed.is_set():
            return worker.not_assessed("closed")
        process = self._workers.get()
        try:
            return process.run(job, args, self._timeout_s)
        finally:
            self._workers.put(process)


class _Line:
    """Places for those who wait and those who are looked at."""

    def __init__(self, places: int) -> None:
        self._places, self._held = places, 0
        # guards the count, which callers and workers change
        self._counting = threading.Lock()

    @property
    def share(self) -> float:
        return self._held / self._places

    def enter(self) -> bool:
        with self._counting:
            if self._held == self._places:
                return False
            self._held += 1
            return True

    def leave(self) -> None:
        with self._counting:
            self._held -= 1


class _Worker:
    """One process at a time, started when first needed and replaced when it dies."""

    def __init__(self, models_dir: Path, backend: Backend, own_pad: OwnPad | None) -> None:
        self._initargs = (models_dir, backend, own_pad)
        # spawned, since a fork would copy the threads' locks of the service
        self._context = multiprocessing.get_context("spawn")
        self._process: SpawnProcess | None = None
        self._pipe: Connection

    def run(self, job: Callable[..., Any], args: tuple[object, ...], timeout_s: float) -> Any:
        if self._process is None and not self._start():
            return self._replace("worker_not_started")
        began = time.monotonic()
        try:
            with self._no_longer_than(timeout_s + _GRACE_S):
                self._pipe.send((timeout_s, job, args))
                answer = self._pipe.recv()
        except (EOFError, OSError):
            late = time.monotonic() - began >= timeout_s
            return self._replace("timeout" if late else "worker_crashed")
        if isinstance(answer, worker.Failed):
            log.warning("assessment_failed", error=answer.error)
            return worker.not_assessed("assessment_failed")
        if isinstance(answer, FrameAssessment):
            for each in answer.failed:
                log.warning("look_failed", look=each.look, error=each.error)
        return answer

    def close(self) -> None:
        if self._process is not None:
            self._pipe.close()
            self._process.join(_START_S)
            # one that is stopped does not see that it should end
            self._process.kill()
            self._process.join()
            self._process = None

    @contextmanager
    def _no_longer_than(self, limit_s: float) -> Iterator[None]:
        """A process whose own alarm does not come, since it is stopped, is killed: then the pipe
        ends, for whoever writes to it as for whoever reads.
        """
        assert self._process is not None, "only a process can be late"
        watchdog = threading.Timer(limit_s, self._process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()

    def _start(self) -> bool:
        """Whether the process is there and has opened its models."""
        self._pipe, its_end = self._context.Pipe()
        self._process = self._context.Process(
            target=worker.serve, args=(its_end, *self._initargs), daemon=True
        )
        with _starting, _without_script():
            self._process.start()
        its_end.close()
        try:
            with self._no_longer_than(_START_S):
                self._pipe.recv()
        except (EOFError, OSError):
            return False
        return True

    def _replace(self, reason: str) -> NotAssessed:
        log.warning("inference_worker_replaced", reason=reason)
        if self._process is not None:
            self._process.kill()
        self.close()
        return worker.not_assessed(reason)


@contextmanager
def _without_script() -> Iterator[None]:
    """A spawned process first runs the script that the service was started by, as a module: each
    worker would hold all commands, 200 MB, and needs none.
    """
    main = sys.modules["__main__"].__dict__
    path = main.pop("__file__", None)
    try:
        yield
    finally:
        if path is not None:
            main["__file__"] = path


def _refused(reason: str) -> Future[Any]:
    answer: Future[Any] = Future()
    answer.set_result(worker.not_assessed(reason))
    return answer
