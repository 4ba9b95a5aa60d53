"""The outbox's worker: every message goes out here, in order per chat, within budgets, until Telegram has it.

Waits that Telegram asks for and everything still pending live in the store, so a restart forgets nothing.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial

import structlog
from pydantic import ValidationError
from telegram import Bot
from telegram.error import TelegramError

from bot.screens import SCREEN, Album, Document, Message, Notice, Retire, Screen
from bot.sheets.renderer import PictureNotDrawn, Renderer
from bot.telegram.answers import Answers
from bot.telegram.budget import Budget
from bot.telegram.calls import Calls, Delivered, TooLarge
from bot.telegram.setbacks import Setbacks
from bot.telegram.slot_names import OUTGOING
from bot.words import LANGUAGES, Words
from storage.documents import dump, load
from storage.errors import CannotWrite, StorageError
from storage.outbox import Pending
from storage.slots import Slot
from storage.states import Urgency
from storage.store import Store
from storage.waiting import LOOK_SECONDS, wait

log = structlog.get_logger("delivery")

PROGRESS_SECONDS = 2.5  # text of a status message; edits share the budget with sends
PROGRESS_PICTURE_SECONDS = 8.0


class Delivery:
    """Sends what is pending. `wake()` after enqueueing something; `run()` until cancelled."""

    def __init__(self, bot: Bot, store: Store, admins: frozenset[int] = frozenset()) -> None:
        self._store = store
        self.looked = time.monotonic()  # when its loop last came round
        self.renderer = Renderer(store.files.folder.folder)
        self._setbacks = Setbacks(bot, store, admins)
        self._calls = Calls(bot, store, self.renderer)
        self._answers = Answers(bot, store)
        self._budget = Budget()
        self._awake = asyncio.Event()
        self._news: dict[int, asyncio.Event] = {}  # one a chat that is being served
        self._resting = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._told: dict[tuple[int, str], float] = {}  # when a slot's progress was last shown
        self._pictured: dict[tuple[int, str], float] = {}

    def wake(self) -> None:
        """Something new is pending."""
        self._awake.set()
        self._answers.wake()
        for news in self._news.values():
            news.set()

    async def rest(self, seconds: float) -> None:
        """Begins nothing more, and lets what is being sent arrive: cut off, it might be sent twice."""
        self._resting = True
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
                    if chat_id not in self._news and not self._resting:
                        self._news[chat_id] = asyncio.Event()
                        task = asyncio.create_task(self._serve(chat_id))
                        self._tasks.add(task)
                        task.add_done_callback(partial(self._served, chat_id))
                await wait(self._awake, LOOK_SECONDS)
                self._awake.clear()
        finally:
            for task in tuple(self._tasks):
                task.cancel()

    def _served(self, chat_id: int, task: asyncio.Task[None]) -> None:
        self._news.pop(chat_id, None)
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, CannotWrite):
            self._store.room.complain(error)
        elif error is not None:  # looked after again at the next look
            log.error("serving a chat failed", exc_info=error)

    async def _serve(self, chat_id: int) -> None:
        """Sends to one chat until nothing may go now."""
        while not self._resting:
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
            pause = self._pause(pending, message)
            if pause > 0:  # and look again after it: something newer or more urgent may have come
                await wait(self._news[chat_id], pause)
                self._news[chat_id].clear()
                continue
            await self._deliver(pending, message)

    async def _read(self, pending: Pending) -> Message | None:
        try:
            return load(Message, pending.body)  # type: ignore[arg-type]  # a union is no class
        except ValidationError:
            log.error("a pending message cannot be read", id=pending.id)
            await self._store.outbox.dead_letter(pending.id, "unreadable")
            return None

    def _pause(self, pending: Pending, message: Message) -> float:
        now = time.monotonic()
        bucket = self._budget.of(pending.chat_id, now)
        if pending.urgency is not Urgency.PROGRESS:
            return bucket.wait(weight(message), now)
        pause = bucket.wait(bucket.burst, now)  # from a full bucket only, so that a result never waits for news of it
        if pending.slot is not None:
            pause = max(pause, self._told.get((pending.chat_id, pending.slot), float("-inf")) + PROGRESS_SECONDS - now)
        return pause

    async def _deliver(self, pending: Pending, message: Message) -> None:
        self._budget.of(pending.chat_id, time.monotonic()).spend(weight(message))
        await self._store.outbox.sending(pending.id)
        try:
            delivered = await self._put(pending, message)
        except TelegramError as error:
            await self._setbacks.take(pending, message, error)
        except Exception as error:  # whatever it is, the chat's other messages must still go out
            await self._failed(pending, error)
        else:
            if delivered.also_called:
                self._budget.of(pending.chat_id, time.monotonic()).spend(1)
            # sent once, however full the disk is
            await self._store.when_possible(partial(self._keep, pending, delivered))

    async def _failed(self, pending: Pending, error: Exception) -> None:
        if isinstance(error, CannotWrite):  # it goes out when the disk takes its row again
            raise error
        log.exception("cannot be delivered", error=type(error).__name__)
        await self._store.outbox.dead_letter(pending.id, type(error).__name__)

    async def _keep(self, pending: Pending, delivered: Delivered) -> None:
        """In one transaction: the message is sent, where it stands, and what need not be uploaded again."""
        slots: dict[str, Slot | None] = dict(delivered.slots)
        if delivered.newest is not None:
            slots[OUTGOING] = Slot(message_id=delivered.newest)
        async with self._store.write():
            await self._sent(pending, delivered)
            is_forgotten = await self._is_forgotten(pending.chat_id)
            if is_forgotten:
                slots = dict.fromkeys(slots)
            for name, slot in slots.items():
                if slot is None:
                    await self._store.slots.drop(pending.chat_id, name)
                else:
                    await self._store.slots.put(pending.chat_id, name, slot)
            for upload in delivered.uploads:
                if pending.urgency is not Urgency.PROGRESS and (upload.chat_id is None or not is_forgotten):
                    await self._store.uploads.remember(upload)

    async def _sent(self, pending: Pending, delivered: Delivered) -> None:
        if delivered.rest is None:
            await self._store.outbox.sent(pending.id)
        else:
            await self._store.outbox.rewrite(pending.id, dump(delivered.rest))

    async def _is_forgotten(self, chat_id: int) -> bool:
        """Whether this was the last word to somebody of whom nothing is kept any more. Groups have negative ids."""
        return chat_id > 0 and await self._store.people.find(chat_id) is None

    async def _put(self, pending: Pending, message: Message) -> Delivered:
        delivered = Delivered()  # of an answer: those go their own way
        if isinstance(message, Screen):
            delivered = await self._put_screen(pending, message)
        elif isinstance(message, Album):
            delivered = await self._calls.album(pending.chat_id, message, may_have_arrived=pending.was_sending)
        elif isinstance(message, Document):
            delivered = await self._put_document(pending, message)
        elif isinstance(message, Notice):
            delivered = await self._calls.notice(pending.chat_id, message, may_have_arrived=pending.was_sending)
        elif isinstance(message, Retire):
            delivered = await self._calls.retire(pending.chat_id, message)
        return delivered

    async def _put_screen(self, pending: Pending, screen: Screen) -> Delivered:
        place, now = (pending.chat_id, screen.slot), time.monotonic()
        is_progress = pending.urgency is Urgency.PROGRESS
        keep_picture = is_progress and now - self._pictured.get(place, float("-inf")) < PROGRESS_PICTURE_SECONDS
        show = partial(
            self._calls.screen,
            pending.chat_id,
            keep_picture=keep_picture,
            follows=screen.slot == SCREEN,
            may_have_arrived=pending.was_sending,
        )
        try:
            delivered = await show(screen)
        except PictureNotDrawn as error:
            log.error("screen goes without its picture", error=str(error))
            delivered = await show(replace(screen, picture=None))
        self._told[place] = time.monotonic()
        if not keep_picture:
            self._pictured[place] = time.monotonic()
        return delivered

    async def _put_document(self, pending: Pending, document: Document) -> Delivered:
        try:
            return await self._calls.document(pending.chat_id, document, may_have_arrived=pending.was_sending)
        except TooLarge:
            key = "document.too_large"
        except (StorageError, OSError) as error:
            log.error("document is gone", error=type(error).__name__)
            key = "document.gone"
        person = await self._store.people.find(pending.chat_id)
        words = Words(person.language if person else LANGUAGES[0])
        return await self._calls.notice(pending.chat_id, Notice(text=words(key, name=document.filename)))


def weight(message: Message) -> float:
    """What a message costs of a chat's budget: an album counts each of its pictures."""
    return float(len(message.pictures)) if isinstance(message, Album) and not message.apart else 1.0
