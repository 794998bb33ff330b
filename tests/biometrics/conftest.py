from pathlib import Path

import pytest

from models.registry import fetch
from proctor.settings import Settings


@pytest.fixture(scope="session")
def models_dir() -> Path:
    target = Settings().models_dir
    fetch(target)
    return target
