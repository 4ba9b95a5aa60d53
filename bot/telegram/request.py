"""How we call the Bot API over HTTP. Every call passes here, so tests can let the process die before or after any."""

from __future__ import annotations

import time
from typing import Any

import httpx
from telegram.request import HTTPXRequest

from bot.telegram.refusals import refusal
from storage.failpoints import reach

MEDIA_SECONDS = 150.0  # 50 MB up on a slow line
CALL_SECONDS = 30.0
POOL = 64
TOO_MANY_REQUESTS = 429
FIRST_ERROR = 300
KEPT_ALIVE = 12  # httpcore looks at every idle connection at each call: a fifth of the bot's time with all 64


class Calling(HTTPXRequest):
    """Requests of everything but polling."""

    async def do_request(self, url: str, *args: Any, **keywords: Any) -> tuple[int, bytes]:
        """One call; dying here leaves Telegram without it, or us without its answer. Raises Refused."""
        reach("send-before")
        reach("send")
        status, payload = await super().do_request(url, *args, **keywords)
        reach("send-after")
        reach("send")
        return taken(url, status, payload)


class Polling(HTTPXRequest):
    """Requests of getUpdates. What the library waits for by itself (429) passes as it is.

    `turned` is when one last came back (time.monotonic), with updates, without, or with an error.
    """

    turned = 0.0

    async def do_request(self, url: str, *args: Any, **keywords: Any) -> tuple[int, bytes]:
        """One call. Raises Refused."""
        try:
            status, payload = await super().do_request(url, *args, **keywords)
        finally:
            self.turned = time.monotonic()
        return (status, payload) if status == TOO_MANY_REQUESTS else taken(url, status, payload)


def taken(url: str, status: int, payload: bytes) -> tuple[int, bytes]:
    """The answer, where it is a result. Raises Refused, which knows the method and all that was said."""
    if "/file/bot" in url and status < FIRST_ERROR:  # a file's own bytes
        return status, payload
    refused = refusal(url.rpartition("/")[2], status, payload)
    if refused is not None:
        raise refused
    return status, payload


def calling(**options: Any) -> Calling:
    """Requests that may carry large files."""
    limits = httpx.Limits(max_connections=POOL, max_keepalive_connections=KEPT_ALIVE)
    options["httpx_kwargs"] = {"limits": limits, **options.get("httpx_kwargs", {})}
    return Calling(
        connection_pool_size=POOL,
        read_timeout=CALL_SECONDS,
        write_timeout=CALL_SECONDS,
        connect_timeout=10.0,
        pool_timeout=10.0,
        media_write_timeout=MEDIA_SECONDS,
        **options,
    )


def polling(poll_seconds: int, **options: Any) -> Polling:
    """Requests of getUpdates; more than one connection, because a broken one must not end polling."""
    return Polling(connection_pool_size=4, read_timeout=poll_seconds + 10, connect_timeout=10.0, **options)
