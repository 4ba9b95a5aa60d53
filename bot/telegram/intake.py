"""The inbox as python-telegram-bot's own update queue: `put()` stores before Telegram hears that we have it."""

from __future__ import annotations

import asyncio
import json

from telegram import Bot, Update

from storage.store import Store


class InboxQueue(asyncio.Queue[object]):
    """Updates in order. What was delivered twice is let in once."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    async def put(self, item: object) -> None:
        """Keeps an update, then queues it; anything else (the library's stop sign) is only queued."""
        if isinstance(item, Update):
            user = item.effective_user.id if item.effective_user else None
            if not await self._store.inbox.take(item.update_id, user, item.to_json()):
                return
        await super().put(item)

    async def bring_back(self, bot: Bot) -> int:
        """Queues what an earlier process took and did not finish; returns how many."""
        pending = await self._store.inbox.pending()
        for _, body in pending:
            await super().put(Update.de_json(json.loads(body), bot))
        return len(pending)
