"""The inbox as python-telegram-bot's own update queue: `put()` stores before Telegram hears that we have it.

People take turns, so that one person's flood costs others one update; what is beyond a person's share is not kept.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict, deque
from typing import Any

import structlog
from telegram import Bot, Update
from telegram.constants import ChatType

from bot.rules.flood import WINDOW, is_flood, said_once
from bot.screens import Notice
from bot.telegram.language import words_for
from bot.telegram.outgoing import enqueue
from storage.errors import CannotWrite
from storage.states import Urgency
from storage.store import Store

log = structlog.get_logger("intake")
AGAIN_SECONDS = 1.0


class Turns:
    """What waits, in a line for each person: taken from the lines in turn, each in its order."""

    def __init__(self) -> None:
        self._lines: OrderedDict[int | None, deque[object]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def waiting(self, user: int | None) -> int:
        """How many of this person's."""
        return len(self._lines.get(user, ()))

    def append(self, item: object) -> None:
        """To the end of its person's line."""
        self._lines.setdefault(user_of(item), deque()).append(item)
        self._count += 1

    def popleft(self) -> object:
        """The oldest of whoever's turn it is; their next one waits until all others had theirs."""
        user, line = self._lines.popitem(last=False)
        item = line.popleft()
        if line:
            self._lines[user] = line
        self._count -= 1
        return item


class InboxQueue(asyncio.Queue[object]):
    """Updates, people in turn and each person's in order. What was delivered twice is let in once."""

    def __init__(self, store: Store, language: str = "en") -> None:
        super().__init__()
        self._store = store
        self._language = language
        self._warned: set[str] = set()
        self.has_taken = False  # whether any update came in this life

    def _init(self, maxsize: int) -> None:  # noqa: ARG002 - the place where asyncio.Queue lets a subclass choose its order
        self._queue: Any = Turns()

    async def put(self, item: object) -> None:
        """Keeps an update, then queues it; anything else (the library's stop sign) is only queued."""
        if isinstance(item, Update) and not await self._take(item):
            return
        self.has_taken = self.has_taken or isinstance(item, Update)
        await super().put(item)

    async def _take(self, update: Update) -> bool:
        """Waits while the store cannot write: an exception would end the library's polling for good."""
        while True:
            try:
                if await self._is_too_much(update):
                    await self._warn(update)
                    return False
                return await self._store.inbox.take(update.update_id, user_of(update), update.to_json())
            except CannotWrite as error:
                self._store.room.complain(error)
            except Exception:
                log.exception("an update cannot be kept; it is tried again before any further one is fetched")
            await asyncio.sleep(AGAIN_SECONDS)

    async def _is_too_much(self, update: Update) -> bool:
        user = user_of(update)
        if user is None or update.my_chat_member is not None:  # whether we may write at all is always heard
            return False
        since = self._store.clock() - WINDOW
        return is_flood(self._queue.waiting(user), await self._store.inbox.lately(user, since))

    async def _warn(self, update: Update) -> None:
        """One sentence, then silence: everything else would be a flood of our own."""
        user, chat = update.effective_user, update.effective_chat
        if user is None or chat is None or chat.type != ChatType.PRIVATE:
            return
        key = said_once(user.id, self._store.clock())
        if key in self._warned:
            return
        log.warning("one person asks for more than their share")
        words = await words_for(self._store, user, self._language)
        await enqueue(self._store, chat.id, Notice(text=words("flood.too_much")), Urgency.EVENT, key)
        self._warned.add(key)

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


def user_of(item: object) -> int | None:
    """Whose update it is."""
    return item.effective_user.id if isinstance(item, Update) and item.effective_user else None
