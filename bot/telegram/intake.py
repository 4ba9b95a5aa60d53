"""The inbox as python-telegram-bot's own update queue: `put()` stores before Telegram hears that we have it."""

from __future__ import annotations

import asyncio
import json

import structlog
from telegram import Bot, Update

from storage.store import Store

log = structlog.get_logger("intake")
AGAIN_SECONDS = 1.0


class InboxQueue(asyncio.Queue[object]):
    """Updates in order. What was delivered twice is let in once."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self.has_taken = False  # whether any update came in this life

    async def put(self, item: object) -> None:
        """Keeps an update, then queues it; anything else (the library's stop sign) is only queued."""
        if isinstance(item, Update) and not await self._take(item):
            return
        self.has_taken = self.has_taken or isinstance(item, Update)
        await super().put(item)

    async def _take(self, update: Update) -> bool:
        """Waits while the store cannot write: an exception would end the library's polling for good."""
        user = update.effective_user.id if update.effective_user else None
        while True:
            try:
                return await self._store.inbox.take(update.update_id, user, update.to_json())
            except Exception:
                log.exception("an update cannot be kept; it is tried again before any further one is fetched")
                await asyncio.sleep(AGAIN_SECONDS)

    def let_go(self) -> None:
        """Forgets what is queued, so that stopping need not handle it; it lies in the inbox."""
        while not self.empty():
            self.get_nowait()
            self.task_done()

    async def bring_back(self, bot: Bot) -> int:
        """Queues what an earlier process took and did not finish; returns how many."""
        pending = await self._store.inbox.pending()
        for update_id, body in pending:
            try:
                update = Update.de_json(json.loads(body), bot)
            except (ValueError, KeyError, TypeError):
                log.exception("a kept update cannot be read", update=update_id)
                await self._store.inbox.failed(update_id)
                continue
            await super().put(update)
        return len(pending)
