"""Whoever waits with an end can always be cancelled."""

from __future__ import annotations

import asyncio

import pytest

from storage.waiting import wait
from tests.waiting import turn

LONG_SECONDS = 60.0


async def cancelled_with_its_event(turns: int) -> bool:
    """Whether a wait that is cancelled `turns` of the loop after its event came ends as cancelled, or was over."""
    event = asyncio.Event()
    task = asyncio.ensure_future(wait(event, LONG_SECONDS))
    await turn()
    event.set()
    for _ in range(turns):
        await turn()
    was_over = task.done()
    task.cancel()
    await asyncio.wait({task})
    return task.cancelled() or was_over


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_that_comes_together_with_the_event_gets_through(turns: int) -> None:
    assert await cancelled_with_its_event(turns)


async def test_a_wait_says_whether_the_event_came() -> None:
    event = asyncio.Event()
    assert not await wait(event, 0.0)
    event.set()
    assert await wait(event, LONG_SECONDS)
