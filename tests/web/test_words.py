"""What people send is made fit to be stored, or refused."""

from datetime import datetime

import pytest
from pydantic import Field, ValidationError

from web.words import Day, LocalTime, Sent

pytestmark = pytest.mark.unit


class Letter(Sent):
    words: str
    names: list[str] = Field(default_factory=list)
    day: Day | None = None
    at: LocalTime | None = None


def test_texts_lose_what_no_database_stores_alike() -> None:
    letter = Letter.model_validate({"words": "a\0b\ud800\u200b\nc", "names": ["d\x07"]})
    assert (letter.words, letter.names) == ("ab\nc", ["d"])


@pytest.mark.parametrize(
    "more",
    [
        {"nobody": "asked"},
        {"day": "0001-01-01"},
        {"day": "9999-12-31"},
        {"at": "0001-01-01T00:00"},
        {"at": "2026-11-05T10:00+00:00"},
    ],
)
def test_what_cannot_be_meant_is_refused(more: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Letter.model_validate({"words": "", **more})


def test_a_time_is_of_the_clocks_on_the_wall() -> None:
    letter = Letter.model_validate({"words": "", "at": "2026-11-05T10:00"})
    assert letter.at == datetime(2026, 11, 5, 10)
