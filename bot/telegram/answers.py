"""Answers to taps: at once, beside everything else, each on its own, so that no spinner waits for another's."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial

import structlog
from pydantic import ValidationError
from telegram import Bot
from telegram.error import TelegramError

from bot.rules.lengths import ELLIPSIS, cut
from bot.screens import Answer
from bot.telegram.limits import TOAST
from bot.telegram.refusals import Meaning, Verdict, verdict
from storage.documents import load
from storage.errors import CannotWrite
from storage.outbox import Pending
from storage.store import Store
from storage.waiting import LOOK_SECONDS, wait

log = structlog.get_logger("answers")

LIVES_SECONDS = 120  # Telegram keeps a tap for 150 s
AGAIN_SECONDS = 0.5


class Answers:
    """Answers what was tapped. `wake()` after enqueueing an answer; `run()` until cancelled."""

    def __init__(self, bot: Bot, store: Store) -> None:
        self._bot = bot
        self._store = store
        self._awake = asyncio.Event()
        self._under_way: dict[int, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """A new answer is pending."""
        self._awake.set()

    async def run(self) -> None:
        """Answers until cancelled."""
        try:
            while True:
                for pending in await self._store.outbox.answers():
                    if pending.id not in self._under_way:
                        task = asyncio.create_task(self._answer(pending))
                        self._under_way[pending.id] = task
                        task.add_done_callback(partial(self._answered, pending.id))
                await wait(self._awake, LOOK_SECONDS)
                self._awake.clear()
        finally:
            for task in tuple(self._under_way.values()):
                task.cancel()

    def _answered(self, message_id: int, task: asyncio.Task[None]) -> None:
        self._under_way.pop(message_id, None)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, CannotWrite):
            self._store.room.complain(error)
        elif error is not None:  # still pending: answered again at the next look
            log.error("answering failed", exc_info=error)

    async def _answer(self, pending: Pending) -> None:
        try:
            answer = load(Answer, pending.body)
        except ValidationError:
            await self._store.outbox.dead_letter(pending.id, "unreadable")
            return
        given_up = time.monotonic() + LIVES_SECONDS  # from the first try: a wall clock may have jumped over a restart
        while not await self._is_answered(answer) and time.monotonic() < given_up:
            pass
        await self._store.when_possible(partial(self._store.outbox.sent, pending.id))

    async def _is_answered(self, answer: Answer) -> bool:
        try:
            await self._bot.answer_callback_query(
                answer.callback_query_id,
                text=cut(answer.text, TOAST, ending=ELLIPSIS) or None,
                show_alert=answer.alert or None,
            )
        except TelegramError as error:
            return await self._is_over(answer, verdict(error))
        return True

    async def _is_over(self, answer: Answer, found: Verdict) -> bool:
        """Whether nothing more can be done for this tap; refused words must not leave its spinner turning."""
        if found.meaning in (Meaning.PASSING, Meaning.OURS):
            log.info("answer waits", code=found.code, why=found.label)
            await asyncio.sleep(AGAIN_SECONDS if found.wait_seconds is None else found.wait_seconds)
            return False
        if found.meaning is Meaning.MESSAGE and answer.text:
            return await self._is_answered(replace(answer, text="", alert=False))
        return True
