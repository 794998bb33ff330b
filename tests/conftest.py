"""Every test module says which tier it belongs to."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from tests.support.cast import cast
from tests.support.database import database, migrated, tx
from tests.support.postgres import postgres

__all__ = ["cast", "database", "migrated", "postgres", "tx"]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command sends its log to the stderr of its own test, which is closed after it."""
    yield
    structlog.reset_defaults()


# how long an example takes says more of the machine than of the code
settings.register_profile("tanu", deadline=None)
settings.load_profile("tanu")

TIERS = {"unit", "db", "media", "acceptance"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    unmarked = [item.nodeid for item in items if not TIERS & {m.name for m in item.iter_markers()}]
    if unmarked:
        raise pytest.UsageError(f"tests without a tier: {unmarked[:5]}")
