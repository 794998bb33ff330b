"""Rounds go on after one that failed, and end between two."""

import asyncio

import pytest
from structlog.testing import capture_logs

from proctor.plumbing.rounds import Rounds

pytestmark = pytest.mark.unit


class Walk:
    """A round that waits until it may end."""

    def __init__(self) -> None:
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()
        self.ended = 0

    async def go(self) -> None:
        self.begun.set()
        await self.may_end.wait()
        self.ended += 1


async def test_a_round_that_fails_is_logged_and_the_next_one_tries_again() -> None:
    begun, went_on = 0, asyncio.Event()

    async def go() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise LookupError
        went_on.set()

    rounds = Rounds(go, 0.001, "walk_failed")
    with capture_logs() as logged:
        rounds.begin()
        await asyncio.wait_for(went_on.wait(), 10.0)
        await rounds.close()
    assert [(each["event"], each["kind"]) for each in logged] == [("walk_failed", "LookupError")]


async def test_the_first_round_is_not_at_once_unless_asked_for() -> None:
    walk = Walk()
    rounds = Rounds(walk.go, 3600.0, "walk_failed")
    rounds.begin()
    await rounds.close()
    assert not walk.begun.is_set()


async def test_closing_ends_the_round_under_way_before() -> None:
    walk = Walk()
    rounds = Rounds(walk.go, 3600.0, "walk_failed", at_once=True)
    rounds.begin()
    await asyncio.wait_for(walk.begun.wait(), 10.0)
    assert not await rounds.is_closing(0.0)
    closing = asyncio.create_task(rounds.close())
    assert await rounds.is_closing(3600.0)
    assert not closing.done()
    walk.may_end.set()
    await closing
    assert walk.ended == 1


async def test_dropping_waits_for_no_round() -> None:
    walk = Walk()
    rounds = Rounds(walk.go, 3600.0, "walk_failed", at_once=True)
    rounds.begin()
    await asyncio.wait_for(walk.begun.wait(), 10.0)
    await rounds.drop()
    assert walk.ended == 0
