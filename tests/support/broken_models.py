"""Models that fail inside a worker process, put in the place of those it opened."""

import time
from dataclasses import replace
from typing import Never

from proctor.inference import worker


class Broken:
    """Whatever is asked of it raises, or never ends."""

    model_id = "broken"

    def __init__(self, sleeps_s: float) -> None:
        self._sleeps_s = sleeps_s

    def detect(self, *_: object) -> Never:
        time.sleep(self._sleeps_s)
        raise RuntimeError("no answer")

    look = encode = survey = detect


_whole: list[worker.Models] = []


def break_model(name: str | None, sleeps_s: float = 0.0) -> None:
    """In the worker that runs it: break its model *name*, mend the others; None mends all."""
    if not _whole:
        _whole.append(worker._models)
    broken = {} if name is None else {name: Broken(sleeps_s)}
    worker._models = replace(_whole[0], **broken)  # type: ignore[arg-type]
