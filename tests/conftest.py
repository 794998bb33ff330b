"""Every test module says which tier it belongs to."""

from collections.abc import Iterator

import pytest
import structlog

from tests.support.database import database, tx

__all__ = ["database", "tx"]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command sends its log to the stderr of its own test, which is closed after it."""
    yield
    structlog.reset_defaults()


TIERS = {"unit", "db", "media", "acceptance"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    unmarked = [item.nodeid for item in items if not TIERS & {m.name for m in item.iter_markers()}]
    if unmarked:
        raise pytest.UsageError(f"tests without a tier: {unmarked[:5]}")
