"""Every test module says which tier it belongs to."""

import pytest

from tests.support.database import database, tx

__all__ = ["database", "tx"]

TIERS = {"unit", "db", "media", "acceptance"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    unmarked = [item.nodeid for item in items if not TIERS & {m.name for m in item.iter_markers()}]
    if unmarked:
        raise pytest.UsageError(f"tests without a tier: {unmarked[:5]}")
