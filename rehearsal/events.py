"""Tells every open page what just happened. Knows nothing of what the events mean."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

HEARTBEAT_SECONDS = 15.0  # a silent connection is closed by some browsers and proxies after 30 s


class Events:
    """A fan-out of server-sent events; a listener that opens later sees only later events."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[str | None]] = set()
        self._closed = False

    def publish(self, kind: str, **facts: Any) -> None:
        """Hands an event to all listeners; never waits."""
        text = f"event: {kind}\ndata: {json.dumps(facts, ensure_ascii=False)}\n\n"
        for listener in self._listeners:
            listener.put_nowait(text)

    def close(self) -> None:
        """Ends every stream, so that the server can stop."""
        self._closed = True
        for listener in self._listeners:
            listener.put_nowait(None)

    async def stream(self) -> AsyncIterator[str]:
        """Events as text/event-stream chunks until `close()`, with a heartbeat in silence."""
        listener: asyncio.Queue[str | None] = asyncio.Queue()
        self._listeners.add(listener)
        try:
            yield "retry: 700\n\n"
            while not self._closed:
                text = None
                with suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        text = await listener.get()
                yield text or ": still here\n\n"
        finally:
            self._listeners.discard(listener)
