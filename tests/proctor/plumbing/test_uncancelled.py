"""A cancelled caller is cancelled after its work, not instead of it."""

import asyncio

import pytest

from proctor.plumbing.uncancelled import to_the_end

pytestmark = pytest.mark.unit


async def test_result_and_failure_are_those_of_the_work() -> None:
    async def fail() -> None:
        raise LookupError

    assert await to_the_end(asyncio.sleep(0, "done")) == "done"
    with pytest.raises(LookupError):
        await to_the_end(fail())


async def test_caller_that_is_cancelled_twice_still_waits() -> None:
    may_end, ended = asyncio.Event(), []

    async def work() -> None:
        await may_end.wait()
        ended.append(True)

    caller = asyncio.create_task(to_the_end(work()))
    for _ in range(2):
        await asyncio.sleep(0)
        caller.cancel()
    await asyncio.sleep(0.01)
    assert not caller.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended == [True]
