"""Builds the bot around python-telegram-bot and runs it until a signal. The one place where its parts meet."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any

import structlog
from telegram import Update
from telegram.ext import Application, ApplicationBuilder, ContextTypes, TypeHandler

from bot.settings import Settings
from bot.telegram.delivery import Delivery
from bot.telegram.intake import InboxQueue
from bot.telegram.packing import Packing
from bot.telegram.poller import POLL_SECONDS, Poller
from bot.telegram.profile import present
from bot.telegram.request import calling, polling
from bot.telegram.routes import Routes
from bot.telegram.watch import Watch
from bot.walks import Walks
from storage.beats import beat
from storage.stalls import note_stalls
from storage.store import Store

log = structlog.get_logger("bot")

BEAT_SECONDS, DELIVERY_SECONDS = 5.0, 20.0
FAILED, REFUSED = 1, 2  # exit codes: to be started again, and not
SECOND_SIGNAL = 130
REST_SECONDS = 3.0  # for messages that are being sent
STOP_SECONDS = 5.0  # for what is under way; whatever is cut off then lies in inbox and outbox


class TelegramBot:
    """The bot over one store and one Bot API server."""

    def __init__(self, settings: Settings, store: Store, token: str) -> None:
        self.settings = settings
        self.store = store
        self.queue = InboxQueue(store, settings.language)
        self.application = self._application(token)
        self.delivery = Delivery(self.application.bot, store, settings.admins)
        walks = Walks(store, settings.admins)
        self.routes = Routes(store, walks.of, settings.language, self.delivery.wake)
        self.watch = Watch(store, walks.of, self.delivery.wake, settings.admins)
        self.exit_code = 0
        self._ended = asyncio.Event()
        self._signalled = False

    def stop(self) -> None:
        """Ends `run()`; what is under way is kept."""
        self._ended.set()

    def _signal(self) -> None:
        """The first signal ends `run()`, the second the process at once: a kill is what everything is built for."""
        if self._signalled:
            os._exit(SECOND_SIGNAL)
        self._signalled = True
        self.stop()

    def _end_with(self, code: int) -> None:
        self.exit_code = code
        self.stop()

    def _application(self, token: str) -> Application:  # type: ignore[type-arg]  # six parameters nobody here uses
        local: dict[str, Any] = {"httpx_kwargs": {"trust_env": False}} if self.settings.speaks_locally else {}
        url = self.settings.telegram_api_url.rstrip("/")
        builder = ApplicationBuilder().token(token).base_url(f"{url}/bot").base_file_url(f"{url}/file/bot")
        builder = builder.update_queue(self.queue).request(calling(**local))
        requests = polling(POLL_SECONDS, **local)
        application = builder.get_updates_request(requests).build()
        self._poller = Poller(application, self.queue, requests, partial(self._end_with, REFUSED))
        application.add_handler(TypeHandler(Update, self._handle))
        return application

    async def _handle(self, update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        await self.routes.handle(update)

    async def run(self) -> int:
        """Talks until a signal or a second bot; returns the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signal)
        if not await self._poller.connect(self._ended):
            return self.exit_code
        brought = await self.queue.bring_back(self.application.bot)
        log.info("talking", updates_brought_back=brought)
        await self.application.start()
        works = (
            self.delivery.run(),
            self.watch.run(),
            self._present(),
            self._poller.start(),
            self.delivery.renderer.start(),
            self._beat(),
            Packing(self.store, self.delivery.wake).run(),
            note_stalls("bot"),
        )
        parts = [self._part(work) for work in works]
        await self._ended.wait()
        await self._end(parts)
        return self.exit_code

    async def _end(self, parts: list[asyncio.Task[None]]) -> None:
        """Within a few seconds; the library's own stop may swallow a timeout, so it is only waited for so long."""
        ending = asyncio.create_task(self._end_library(parts))
        await asyncio.wait({ending}, timeout=STOP_SECONDS)
        if not ending.done():
            log.warning("not everything ended in time; it is cut off")
            for task in (ending, *parts):
                task.cancel()

    async def _end_library(self, parts: list[asyncio.Task[None]]) -> None:
        await self.delivery.rest(REST_SECONDS)
        updater = self.application.updater
        if updater is not None and updater.running:  # it never ran where the server went away before the first poll
            await updater.stop()
        for part in parts:
            part.cancel()
        self.queue.let_go()  # it lies in the inbox, and the next process brings it back
        await self.application.stop()
        await asyncio.gather(*parts, return_exceptions=True)
        await self.application.shutdown()

    def _part(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """A part that must not end: if one does, the process ends too and is started again whole."""
        task = asyncio.create_task(work)
        task.add_done_callback(self._part_ended)
        return task

    def _part_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.critical("a part of the bot failed", exc_info=task.exception())
            self._end_with(FAILED)

    async def _beat(self) -> None:
        """Says that the bot talks, as long as updates are looked for and messages are delivered."""
        while True:
            if self._poller.is_alive and time.monotonic() - self.delivery.looked < DELIVERY_SECONDS:
                await asyncio.to_thread(beat, self.store.folder, "bot")
            await asyncio.sleep(BEAT_SECONDS)

    async def _present(self) -> None:
        await present(self.application.bot, self.settings.admins, self.settings.language)
