"""How we call the Bot API over HTTP. Every call passes here, so tests can let the process die before or after any."""

from __future__ import annotations

from typing import Any

from telegram.request import HTTPXRequest

from storage.failpoints import reach

MEDIA_SECONDS = 150.0  # 50 MB up on a slow line
CALL_SECONDS = 30.0
POOL = 64


class Calling(HTTPXRequest):
    """Requests of everything but polling."""

    async def do_request(self, *args: Any, **keywords: Any) -> tuple[int, bytes]:
        """One call; dying here leaves Telegram without it, or us without its answer."""
        reach("send-before")
        reach("send")
        answer = await super().do_request(*args, **keywords)
        reach("send-after")
        reach("send")
        return answer


def calling(**options: Any) -> Calling:
    """Requests that may carry large files."""
    return Calling(
        connection_pool_size=POOL,
        read_timeout=CALL_SECONDS,
        write_timeout=CALL_SECONDS,
        connect_timeout=10.0,
        pool_timeout=10.0,
        media_write_timeout=MEDIA_SECONDS,
        **options,
    )


def polling(poll_seconds: int, **options: Any) -> HTTPXRequest:
    """Requests of getUpdates; more than one connection, because a broken one must not end polling."""
    return HTTPXRequest(connection_pool_size=4, read_timeout=poll_seconds + 10, connect_timeout=10.0, **options)
