"""What work costs the processor, so that a busy machine changes the figures little."""

import os
import time
from collections.abc import Callable
from pathlib import Path


def least_s(
    work: Callable[[], object], rounds: int, clock: Callable[[], float] = time.process_time
) -> float:
    """Shortest time of *work* by *clock*: what else the machine does is not its cost."""
    spent = []
    for _ in range(rounds):
        began = clock()
        work()
        spent.append(clock() - began)
    return min(spent)


def used_s(pid: int) -> float:
    """Seconds the process has used of the processor until now, its children's apart."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
