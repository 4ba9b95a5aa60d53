"""getUpdates as Telegram serves it: offsets confirm, a second poller ends the first, old updates vanish."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rehearsal.refusals import Refusal

MAX_UPDATES = 100  # Bot API: limit
MAX_WAIT_SECONDS = 50.0  # the real server answers after so long
KEEP_SECONDS = 24 * 3600.0  # Bot API: updates are kept no longer than 24 hours
TAP_LIFE_SECONDS = 150.0  # the real server drops callback queries after so long
LEFT_OUT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}  # Bot API: allowed_updates


@dataclass
class Waiting:
    """An update that nobody has confirmed yet."""

    update_id: int
    kind: str
    body: dict[str, Any]
    at: float  # unix seconds

    def lives(self, now: float) -> bool:
        """Whether Telegram would still hand it out."""
        return now - self.at < (TAP_LIFE_SECONDS if self.kind == "callback_query" else KEEP_SECONDS)


class Updates:
    """The queue between the people and the bot."""

    def __init__(self, clock: Callable[[], float], next_id: int) -> None:
        self.clock = clock
        self.next_id = next_id
        self.waiting: list[Waiting] = []
        self.allowed: list[str] = []
        self.webhook = ""
        self.confirmed: deque[Waiting] = deque(maxlen=MAX_UPDATES)  # what `repeat` may hand out again
        self._repeated: list[Waiting] = []
        self._arrivals = asyncio.Event()
        self._poller: object | None = None
        self._closed = False

    def add(self, kind: str, body: dict[str, Any]) -> int:
        """Queues an update; returns its id."""
        wanted = kind in self.allowed if self.allowed else kind not in LEFT_OUT_BY_DEFAULT
        number = self.next_id
        if wanted:
            self.next_id += 1
            self.waiting.append(Waiting(number, kind, body, self.clock()))
            self._arrivals.set()
        return number

    def close(self) -> None:
        """Ends a long poll, so that the server can stop."""
        self._closed = True
        self._arrivals.set()

    def confirm(self, offset: int) -> None:
        """Forgets what the bot has; a negative offset keeps only the last ones."""
        if offset < 0:
            self.waiting = self.waiting[offset:]
        else:
            self.confirmed.extend(update for update in self.waiting if update.update_id < offset)
            self.waiting = [update for update in self.waiting if update.update_id >= offset]

    def repeat(self, count: int) -> int:
        """Hands the last confirmed updates out once more, as the real server may; returns how many."""
        self._repeated = list(self.confirmed)[-count:] if count > 0 else []
        self._arrivals.set()
        return len(self._repeated)

    def due(self, limit: int) -> list[dict[str, Any]]:
        """What can be handed out now."""
        now = self.clock()
        self.waiting = [update for update in self.waiting if update.lives(now)]
        repeated, self._repeated = self._repeated, []
        return [{"update_id": u.update_id, u.kind: u.body} for u in (*repeated, *self.waiting)[:limit]]

    async def get(self, offset: int, limit: int, timeout_seconds: float) -> list[dict[str, Any]]:
        """Updates from `offset` on, waiting for the first one. Raises Refusal when somebody else polls."""
        if self.webhook:
            raise Refusal(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook"
                " first",
            )
        me = self._poller = object()
        self._arrivals.set()  # wakes the other poller, which then sees that it was replaced
        self.confirm(offset)
        deadline = asyncio.get_running_loop().time() + min(timeout_seconds, MAX_WAIT_SECONDS)
        while not (due := self.due(limit)) and not self._closed:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            await self._wait(left)
            if self._poller is not me:
                raise Refusal(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                )
        return due

    async def _wait(self, seconds: float) -> None:
        self._arrivals = asyncio.Event() if self._arrivals.is_set() else self._arrivals
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._arrivals.wait()
