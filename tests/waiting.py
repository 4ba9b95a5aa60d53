"""Waits for what others bring about: looks until it is so, and no longer than those who should bring it about live."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Generator
from inspect import isawaitable
from typing import TypeVar

Found = TypeVar("Found")
PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.01


async def until(
    look: Callable[[], Found | Awaitable[Found | None] | None],
    seconds: float = PATIENCE_SECONDS,
    by: Awaitable[object] | None = None,
) -> Found:
    """What `look` finds, as soon as it finds something. Raises TimeoutError, AssertionError when `by` ends first."""
    bringing = asyncio.ensure_future(by or asyncio.Event().wait())
    try:
        async with asyncio.timeout(seconds):
            while True:
                was_over = bringing.done()
                found = look()
                if found := await found if isawaitable(found) else found:
                    return found
                assert not was_over, "who should bring it about has ended"
                await asyncio.wait({bringing}, timeout=LOOK_SECONDS)
    finally:
        bringing.cancel()


@types.coroutine
def turn() -> Generator[None, None, None]:
    """Everybody else who is ready in the loop goes on by one step."""
    yield
