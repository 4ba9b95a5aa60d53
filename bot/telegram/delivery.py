"""The outbox's worker: every message goes out here, in order per chat, within budgets, until Telegram has it.

Waits that Telegram asks for and everything still pending live in the store, so a restart forgets nothing.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

import structlog
from pydantic import ValidationError
from telegram import Bot
from telegram.error import TelegramError

from bot.screens import Message, Screen
from bot.sheets.renderer import Renderer
from bot.telegram.answers import Answers
from bot.telegram.calls import Calls
from bot.telegram.pacing import Pacing, weight
from bot.telegram.receipts import Receipts
from bot.telegram.setbacks import Setbacks
from storage.documents import load
from storage.errors import CannotWrite
from storage.outbox import Pending
from storage.store import Store
from storage.waiting import LOOK_SECONDS, wait

log = structlog.get_logger("delivery")


class Delivery:
    """Sends what is pending. `wake()` after enqueueing something; `run()` until cancelled."""

    def __init__(self, bot: Bot, store: Store, admins: frozenset[int] = frozenset()) -> None:
        self._store = store
        self.looked = time.monotonic()  # when its loop last came round
        self.renderer = Renderer(store.files.folder.folder)
        self._setbacks = Setbacks(bot, store, admins)
        self._calls = Calls(bot, store, self.renderer)
        self._answers = Answers(bot, store)
        self._pacing = Pacing()
        self._receipts = Receipts(store)
        self._awake = asyncio.Event()
        self._woken: dict[int, asyncio.Event] = {}  # one a chat that is being served
        self._paused = False
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something new is pending."""
        self._awake.set()
        self._answers.wake()
        for event in self._woken.values():
            event.set()

    async def rest(self, seconds: float) -> None:
        """Begins nothing more, and lets what is being sent arrive: cut off, it might be sent twice."""
        self._paused = True
        self.wake()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def run(self) -> None:
        """Delivers until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._answers.run())
                group.create_task(self._look_after_chats())
        finally:
            await self.renderer.close()

    async def _look_after_chats(self) -> None:
        try:
            while True:
                self.looked = time.monotonic()
                for chat_id in await self._store.outbox.chats_with_pending():
                    if chat_id not in self._woken and not self._paused:
                        self._woken[chat_id] = asyncio.Event()
                        task = asyncio.create_task(self._serve(chat_id))
                        self._tasks.add(task)
                        task.add_done_callback(partial(self._served, chat_id))
                await wait(self._awake, LOOK_SECONDS)
                self._awake.clear()
        finally:
            for task in tuple(self._tasks):
                task.cancel()

    def _served(self, chat_id: int, task: asyncio.Task[None]) -> None:
        self._woken.pop(chat_id, None)
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, CannotWrite):
            self._store.room.complain(error)
        elif error is not None:  # looked after again at the next look
            log.error("serving a chat failed", exc_info=error)

    async def _serve(self, chat_id: int) -> None:
        """Sends to one chat until nothing may go now."""
        while not self._paused:
            chat = await self._store.chats.find(chat_id)
            if chat.closed is not None:
                await self._store.chats.close(chat_id, chat.closed)
                return
            if chat.wait_until is not None and chat.wait_until > self._store.clock():
                return
            pending = await self._store.outbox.next_for(chat_id)
            if pending is None:
                return
            message = await self._read(pending)
            if message is None:
                continue
            pause = self._pacing.pause(pending, message)
            if pause > 0:  # and look again after it: something newer or more urgent may have come
                await wait(self._woken[chat_id], pause)
                self._woken[chat_id].clear()
                continue
            await self._deliver(pending, message)

    async def _read(self, pending: Pending) -> Message | None:
        try:
            return load(Message, pending.body)  # type: ignore[arg-type]  # a union is no class
        except ValidationError:
            log.error("a pending message cannot be read", id=pending.id)
            await self._store.outbox.dead_letter(pending.id, "unreadable")
            return None

    async def _deliver(self, pending: Pending, message: Message) -> None:
        self._pacing.spend(pending.chat_id, weight(message))
        await self._store.outbox.sending(pending.id)
        keep_picture = self._pacing.keeps_picture(pending)
        try:
            delivered = await self._calls.make(pending, message, keep_picture=keep_picture)
        except TelegramError as error:
            await self._setbacks.take(pending, message, error)
        except Exception as error:  # whatever it is, the chat's other messages must still go out
            await self._failed(pending, error)
        else:
            if isinstance(message, Screen):
                self._pacing.shown(pending, with_picture=not keep_picture)
            if delivered.also_called:
                self._pacing.spend(pending.chat_id, 1)
            # sent once, however full the disk is
            await self._store.when_possible(partial(self._receipts.keep, pending, delivered))

    async def _failed(self, pending: Pending, error: Exception) -> None:
        if isinstance(error, CannotWrite):  # it goes out when the disk takes its row again
            raise error
        log.exception("cannot be delivered", error=type(error).__name__)
        await self._store.outbox.dead_letter(pending.id, type(error).__name__)
