"""The table a demonstration prints."""

from typing import Any

import pytest
from rich.console import Console

from proctor.commands.results import shares_table

pytestmark = pytest.mark.unit


def share(num: int, den: int, percent: str | None, met: bool | None) -> dict[str, Any]:
    return {"num": num, "den": den, "percent": percent, "met": met}


def printed(document: dict[str, Any]) -> str:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(shares_table(document))
    return capture.get()


@pytest.fixture
def document() -> dict[str, Any]:
    low, high = share(1, 5, "20.00", False), share(2, 5, "40.00", True)
    whole = share(40, 100, "40.00", True)
    return {
        "course": {"title": "Digital literacy"},
        "events": [{"code": "task", "plan": []}, {"code": "final", "plan": ["keystroke"]}],
        "learners": [
            {
                "number": "D-1",
                "name": "Alice",
                "events": [
                    {"code": "task", "outcome": "not_planned"},
                    {"code": "final", "outcome": "pending"},
                ],
                "count": {"low": low, "high": high},
                "weight": {"low": whole, "high": whole},
            }
        ],
    }


def test_shares_show_both_ends_when_they_differ(document: dict[str, Any]) -> None:
    text = printed(document)
    assert "1/5 = 20.00 %, not met" in text
    assert "at most 2/5 = 40.00 %, met" in text
    assert text.count("40/100 = 40.00 %, met") == 1


def test_only_planned_events_are_listed(document: dict[str, Any]) -> None:
    text = printed(document)
    assert "final: pending" in text
    assert "task" not in text
