"""Whoever waits with an end can always be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from storage.waiting import next_of, wait

LONG_SECONDS = 60.0


async def cancelled_with_its_event(
    wait_for_it: Callable[[], Awaitable[object]], come: Callable[[], None], n: int
) -> bool:
    """Whether a wait that is cancelled `n` turns of the loop after its event came ends as cancelled, or was over."""
    task = asyncio.ensure_future(wait_for_it())
    await asyncio.sleep(0)
    come()
    for _ in range(n):
        await asyncio.sleep(0)
    was_over = task.done()
    task.cancel()
    await asyncio.wait({task})
    return task.cancelled() or was_over


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_that_comes_together_with_the_event_gets_through(turns: int) -> None:
    event = asyncio.Event()
    assert await cancelled_with_its_event(lambda: wait(event, LONG_SECONDS), event.set, turns)


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_that_comes_together_with_an_item_gets_through(turns: int) -> None:
    queue: asyncio.Queue[str] = asyncio.Queue()
    assert await cancelled_with_its_event(lambda: next_of(queue, LONG_SECONDS), lambda: queue.put_nowait("news"), turns)


async def test_a_wait_says_whether_the_event_came() -> None:
    event = asyncio.Event()
    assert not await wait(event, 0.0)
    event.set()
    assert await wait(event, LONG_SECONDS)


async def test_a_queue_gives_its_next_item_or_nothing() -> None:
    queue: asyncio.Queue[str] = asyncio.Queue()
    assert await next_of(queue, 0.0) is None
    queue.put_nowait("news")
    assert await next_of(queue, LONG_SECONDS) == "news"
