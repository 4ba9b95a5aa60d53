"""The outbox's worker: every message goes out here, in order per chat, within budgets, until Telegram has it.

Waits that Telegram asks for and everything still owed live in the store, so a restart forgets nothing.
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

from bot.screens import Album, Document, Message, Notice, Retire, Screen
from bot.sheets.renderer import PictureNotDrawn, Renderer
from bot.telegram.answers import Answers
from bot.telegram.budget import Budget
from bot.telegram.calls import Calls, Placed, TooLarge
from bot.telegram.doubt import OUTGOING
from bot.telegram.setbacks import Setbacks
from bot.words import LANGUAGES, Words
from storage.documents import dump, load
from storage.errors import CannotWrite, StorageError
from storage.outbox import Owed, Slot
from storage.states import SlotShape, Urgency
from storage.store import Store
from storage.waiting import wait

log = structlog.get_logger("delivery")

LOOK_SECONDS = 0.25  # the engine's news reach the outbox through this process, so this only bounds a lost wake-up
PROGRESS_SECONDS = 2.5  # text of a status message; edits share the budget with sends
FOLLOWS = "screen"  # this slot stays below what the person writes; a job's status stays where it began
PROGRESS_PICTURE_SECONDS = 8.0


class Delivery:
    """Sends what is owed. `wake()` after owing something; `run()` until cancelled."""

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
        """Something new is owed."""
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
                for chat_id in await self._store.outbox.chats_with_work():
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
            chat = await self._store.outbox.chat(chat_id)
            if chat.closed is not None:
                await self._store.outbox.close_chat(chat_id, chat.closed)
                return
            if chat.wait_until is not None and chat.wait_until > self._store.clock():
                return
            owed = await self._store.outbox.next_for(chat_id)
            if owed is None:
                return
            message = await self._read(owed)
            if message is None:
                continue
            pause = self._pause(owed, message)
            if pause > 0:  # and look again after it: something newer or more urgent may have come
                await wait(self._news[chat_id], pause)
                self._news[chat_id].clear()
                continue
            await self._deliver(owed, message)

    async def _read(self, owed: Owed) -> Message | None:
        try:
            return load(Message, owed.body)  # type: ignore[arg-type]  # a union is no class
        except ValidationError:
            log.error("owed message cannot be read", id=owed.id)
            await self._store.outbox.park(owed.id, "unreadable")
            return None

    def _pause(self, owed: Owed, message: Message) -> float:
        now = time.monotonic()
        bucket = self._budget.of(owed.chat_id, now)
        if owed.urgency is not Urgency.PROGRESS:
            return bucket.wait(weight(message), now)
        pause = bucket.wait(bucket.burst, now)  # from a full bucket only, so that a result never waits for news of it
        if owed.slot is not None:
            pause = max(pause, self._told.get((owed.chat_id, owed.slot), float("-inf")) + PROGRESS_SECONDS - now)
        return pause

    async def _deliver(self, owed: Owed, message: Message) -> None:
        self._budget.of(owed.chat_id, time.monotonic()).spend(weight(message))
        await self._store.outbox.sending(owed.id)
        try:
            placed = await self._put(owed, message)
        except TelegramError as error:
            await self._setbacks.take(owed, message, error)
        except Exception as error:  # whatever it is, the chat's other messages must still go out
            await self._failed(owed, error)
        else:
            if placed.also_called:
                self._budget.of(owed.chat_id, time.monotonic()).spend(1)
            await self._store.when_possible(partial(self._keep, owed, placed))  # sent once, however full the disk is

    async def _failed(self, owed: Owed, error: Exception) -> None:
        if isinstance(error, CannotWrite):  # it goes out when the disk takes its row again
            raise error
        log.exception("cannot be delivered", error=type(error).__name__)
        await self._store.outbox.park(owed.id, type(error).__name__)

    async def _keep(self, owed: Owed, placed: Placed) -> None:
        """In one transaction: the message is sent, where it stands, and what need not be uploaded again."""
        slots: dict[str, Slot | None] = dict(placed.slots)
        if placed.newest is not None:
            slots[OUTGOING] = Slot(message_id=placed.newest, shape=SlotShape.TEXT, digest="", buttons=False)
        async with self._store.write():
            await self._sent(owed, placed)
            is_forgotten = await self._is_forgotten(owed.chat_id)
            if is_forgotten:
                slots = dict.fromkeys(slots)
            for name, slot in slots.items():
                if slot is None:
                    await self._store.outbox.drop_slot(owed.chat_id, name)
                else:
                    await self._store.outbox.set_slot(owed.chat_id, name, slot)
            for upload in placed.uploads:
                if owed.urgency is not Urgency.PROGRESS and (upload.chat_id is None or not is_forgotten):
                    await self._store.outbox.remember_upload(upload)

    async def _sent(self, owed: Owed, placed: Placed) -> None:
        if placed.rest is None:
            await self._store.outbox.sent(owed.id)
        else:
            await self._store.outbox.rewrite(owed.id, dump(placed.rest))

    async def _is_forgotten(self, chat_id: int) -> bool:
        """Whether this was the last word to somebody of whom nothing is kept any more. Groups have negative ids."""
        return chat_id > 0 and await self._store.people.find(chat_id) is None

    async def _put(self, owed: Owed, message: Message) -> Placed:
        placed = Placed()  # of an answer: those go their own way
        if isinstance(message, Screen):
            placed = await self._put_screen(owed, message)
        elif isinstance(message, Album):
            placed = await self._calls.album(owed.chat_id, message, doubtful=owed.was_sending)
        elif isinstance(message, Document):
            placed = await self._put_document(owed, message)
        elif isinstance(message, Notice):
            placed = await self._calls.notice(owed.chat_id, message, doubtful=owed.was_sending)
        elif isinstance(message, Retire):
            placed = await self._calls.retire(owed.chat_id, message)
        return placed

    async def _put_screen(self, owed: Owed, screen: Screen) -> Placed:
        place, now = (owed.chat_id, screen.slot), time.monotonic()
        is_progress = owed.urgency is Urgency.PROGRESS
        keep_picture = is_progress and now - self._pictured.get(place, float("-inf")) < PROGRESS_PICTURE_SECONDS
        show = partial(
            self._calls.screen,
            owed.chat_id,
            keep_picture=keep_picture,
            follows=screen.slot == FOLLOWS,
            doubtful=owed.was_sending,
        )
        try:
            placed = await show(screen)
        except PictureNotDrawn as error:
            log.error("screen goes without its picture", error=str(error))
            placed = await show(replace(screen, picture=None))
        self._told[place] = time.monotonic()
        if not keep_picture:
            self._pictured[place] = time.monotonic()
        return placed

    async def _put_document(self, owed: Owed, document: Document) -> Placed:
        try:
            return await self._calls.document(owed.chat_id, document, doubtful=owed.was_sending)
        except TooLarge:
            key = "document.too_large"
        except (StorageError, OSError) as error:
            log.error("document is gone", error=type(error).__name__)
            key = "document.gone"
        person = await self._store.people.find(owed.chat_id)
        words = Words(person.language if person else LANGUAGES[0])
        return await self._calls.notice(owed.chat_id, Notice(text=words(key, name=document.filename)))


def weight(message: Message) -> float:
    """What a message costs of a chat's budget: an album counts each of its pictures."""
    return float(len(message.pictures)) if isinstance(message, Album) and not message.apart else 1.0
