"""A real file system that is soon full."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(root: Path, size: int) -> Iterator[None]:
    """A new one of *size* bytes at *root*; where nobody may mount one, the test is skipped."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(root)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(root)], check=True)
