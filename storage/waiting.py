"""The one way to wait for something with an end: a cancellation always gets through. Knows nobody.

`asyncio.wait_for` of Python 3.11 may swallow a cancellation that comes together with the event (cpython #86296), and
whoever cancelled then waits for ever. `asyncio.timeout` does not.
"""

from __future__ import annotations

import asyncio

LOOK_SECONDS = 0.25  # between two looks for what another process wrote; inside one a wake-up comes sooner


async def wait(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event came within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
