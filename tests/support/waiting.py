"""Waiting for what another thread or process does, with an end for what would hang."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], limit_s: float = 20.0) -> float:
    """Seconds until *condition* held; fails after *limit_s*."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < limit_s, "in vain"
        time.sleep(0.05)
    return time.monotonic() - began
