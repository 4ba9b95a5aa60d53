"""The outbox's worker: every message goes out here, in order per chat, within budgets, until Telegram has it.

Waits that Telegram asks for and everything still owed live in the store, so a restart forgets nothing.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from functools import partial

import structlog
from telegram import Bot
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError

from bot.screens import Album, Answer, Document, Message, Notice, Retire, Screen
from bot.telegram.budget import Budget
from bot.telegram.calls import Calls
from storage.documents import load
from storage.errors import StorageError
from storage.failpoints import reach
from storage.outbox import Owed
from storage.states import Urgency
from storage.store import Store

log = structlog.get_logger("delivery")

LOOK_SECONDS = 0.25
PROGRESS_SECONDS = 2.5  # text of a status message; edits share the budget with sends
PROGRESS_PICTURE_SECONDS = 8.0
BACKOFF_SECONDS = (1, 2, 5, 10, 30)
ANSWER_LIVES_SECONDS = 120  # Telegram keeps a tap 150 s


class Delivery:
    """Sends what is owed. `wake()` after owing something; `run()` until cancelled."""

    def __init__(self, bot: Bot, store: Store) -> None:
        self._bot = bot
        self._store = store
        self._calls = Calls(bot, store)
        self._budget = Budget()
        self._awake = asyncio.Event()
        self._answers_awake = asyncio.Event()
        self._chats: dict[int, asyncio.Task[None]] = {}
        self._told: dict[tuple[int, str], float] = {}  # when a slot's progress was last shown
        self._pictured: dict[tuple[int, str], float] = {}

    def wake(self) -> None:
        """Something new is owed."""
        self._awake.set()
        self._answers_awake.set()

    async def run(self) -> None:
        """Delivers until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answer_taps())
            group.create_task(self._look_after_chats())

    async def _answer_taps(self) -> None:
        while True:
            for owed in await self._store.outbox.answers():
                await self._answer(owed)
            await _wait(self._answers_awake)

    async def _look_after_chats(self) -> None:
        try:
            while True:
                for chat_id in await self._store.outbox.chats_with_work():
                    if chat_id not in self._chats:
                        task = asyncio.create_task(self._serve(chat_id))
                        self._chats[chat_id] = task
                        task.add_done_callback(partial(self._served, chat_id))
                await _wait(self._awake)
        finally:
            for task in tuple(self._chats.values()):
                task.cancel()

    def _served(self, chat_id: int, task: asyncio.Task[None]) -> None:
        self._chats.pop(chat_id, None)
        if not task.cancelled() and task.exception() is not None:  # looked after again at the next look
            log.error("serving a chat failed", exc_info=task.exception())

    async def _answer(self, owed: Owed) -> None:
        answer = load(Answer, owed.body)
        try:
            await self._bot.answer_callback_query(
                answer.callback_query_id, text=answer.text or None, show_alert=answer.alert or None
            )
        except BadRequest:
            pass  # too old, or answered before a restart: both are as good as done
        except TelegramError as error:
            if (self._store.clock() - owed.created).total_seconds() < ANSWER_LIVES_SECONDS:
                log.info("answer waits", error=type(error).__name__)
                await asyncio.sleep(LOOK_SECONDS)
                return
        await self._store.outbox.sent(owed.id)

    async def _serve(self, chat_id: int) -> None:
        """Sends to one chat until nothing may go now."""
        while True:
            chat = await self._store.outbox.chat(chat_id)
            if chat.closed is not None:
                await self._store.outbox.close_chat(chat_id, chat.closed)
                return
            if chat.wait_until is not None and chat.wait_until > self._store.clock():
                return
            owed = await self._store.outbox.next_for(chat_id)
            if owed is None:
                return
            message: Message = load(Message, owed.body)  # type: ignore[arg-type]  # a union is no class
            pause = self._pause(owed, message)
            if pause > 0:  # and look again after it: something newer or more urgent may have come
                await asyncio.sleep(min(pause, 1.0))
                continue
            await self._deliver(owed, message)

    def _pause(self, owed: Owed, message: Message) -> float:
        now = time.monotonic()
        pause = self._budget.of(owed.chat_id, now).wait(weight(message), now)
        if owed.urgency is Urgency.PROGRESS and owed.slot is not None:
            pause = max(pause, self._told.get((owed.chat_id, owed.slot), 0.0) + PROGRESS_SECONDS - now)
        return pause

    async def _deliver(self, owed: Owed, message: Message) -> None:
        self._budget.of(owed.chat_id, time.monotonic()).spend(weight(message))
        await self._store.outbox.sending(owed.id)
        reach("send")
        try:
            await self._put(owed, message)
        except RetryAfter as error:
            await self._wait_as_asked(owed, error)
        except (Forbidden, ChatMigrated) as error:
            await self._chat_changed(owed, error)
        except BadRequest as error:
            await self._refused(owed, error)
        except NetworkError as error:
            seconds = BACKOFF_SECONDS[min(owed.attempts, len(BACKOFF_SECONDS) - 1)]
            log.warning("not delivered", error=type(error).__name__, attempts=owed.attempts + 1, again_in=seconds)
            await self._store.outbox.later(owed.id, self._store.clock() + timedelta(seconds=seconds), "network")
        except (TelegramError, StorageError, OSError) as error:
            log.error("cannot be delivered", error=type(error).__name__)
            await self._store.outbox.park(owed.id, type(error).__name__)
        else:
            reach("sent")
            await self._store.outbox.sent(owed.id)

    async def _put(self, owed: Owed, message: Message) -> None:
        chat_id = owed.chat_id
        if isinstance(message, Screen):
            await self._put_screen(owed, message)
        elif isinstance(message, Album):
            await self._calls.album(chat_id, message)
        elif isinstance(message, Document):
            await self._calls.document(chat_id, message)
        elif isinstance(message, Notice):
            await self._calls.notice(chat_id, message)
        elif isinstance(message, Retire):
            await self._calls.retire(chat_id, message)

    async def _put_screen(self, owed: Owed, screen: Screen) -> None:
        place, now = (owed.chat_id, screen.slot), time.monotonic()
        is_progress = owed.urgency is Urgency.PROGRESS
        keep_picture = is_progress and now - self._pictured.get(place, float("-inf")) < PROGRESS_PICTURE_SECONDS
        await self._calls.screen(owed.chat_id, screen, keep_picture=keep_picture, follows=not is_progress)
        self._told[place] = time.monotonic()
        if not keep_picture:
            self._pictured[place] = time.monotonic()

    async def _wait_as_asked(self, owed: Owed, error: RetryAfter) -> None:
        asked = error.retry_after
        seconds = asked.total_seconds() if isinstance(asked, timedelta) else float(asked)
        until = self._store.clock() + timedelta(seconds=seconds + 1)
        log.warning("telegram asks to wait", chat_waits_seconds=seconds)
        async with self._store.write():
            await self._store.outbox.wait(owed.chat_id, until)
            await self._store.outbox.later(owed.id, until, "429")

    async def _chat_changed(self, owed: Owed, error: TelegramError) -> None:
        if isinstance(error, ChatMigrated):
            await self._store.outbox.migrate_chat(owed.chat_id, error.new_chat_id)
            return
        log.info("chat is closed")
        await self._store.outbox.close_chat(owed.chat_id, "forbidden")

    async def _refused(self, owed: Owed, error: BadRequest) -> None:
        if "chat not found" in str(error).lower():
            await self._store.outbox.close_chat(owed.chat_id, "not found")
            return
        log.error("telegram refused", error=str(error), urgency=owed.urgency.value, slot=owed.slot)
        await self._store.outbox.park(owed.id, "refused")


def weight(message: Message) -> float:
    """What a message costs of a chat's budget: an album counts each of its pictures."""
    return float(len(message.pictures)) if isinstance(message, Album) else 1.0


async def _wait(event: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(event.wait(), LOOK_SECONDS)
    except TimeoutError:
        return
    event.clear()
