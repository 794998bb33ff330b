"""Worker processes for a command: a sliding window of jobs, answers in the order of asking."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

import typer

from proctor.commands.evaluate.figures import fail
from proctor.inference import Backend, ModelRefused
from proctor.inference.pool import InferencePool
from proctor.settings import Settings

_JOB_S = 1800.0
_WAITING = 32

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@contextmanager
def opened(backend: Backend, workers: int | None = None) -> Iterator[InferencePool]:
    """A pool of one process a core, or of *workers*; ends the command without the models."""
    count = workers or len(os.sched_getaffinity(0))
    try:
        pool = InferencePool(
            workers=count,
            models_dir=Settings().models_dir,
            backend=backend,
            timeout_s=_JOB_S,
            stills_limit=_WAITING,
        )
    except ModelRefused as error:
        raise fail(str(error)) from error
    try:
        yield pool
    finally:
        pool.close()


def counted(items: Sequence[Item], submit: Callable[[Item], Future[Answer]]) -> Iterator[Answer]:
    """As ``in_order``; every tenth of the way is told on standard error."""
    for done, answer in enumerate(in_order(items, submit), start=1):
        yield answer
        if done * 10 // len(items) > (done - 1) * 10 // len(items) and len(items) >= 10:
            typer.echo(f"{done} of {len(items)}", err=True)


def in_order(items: Iterable[Item], submit: Callable[[Item], Future[Answer]]) -> Iterator[Answer]:
    """The answer to each of *items*, with no more of them waiting than a pool takes."""
    asked: deque[Future[Answer]] = deque()
    for item in items:
        asked.append(submit(item))
        if len(asked) >= _WAITING:
            yield asked.popleft().result()
    while asked:
        yield asked.popleft().result()
