"""Fetches updates, and says when the bot must end: its token is refused, or another bot has the same one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from telegram.error import TelegramError
from telegram.ext import Application

from bot.telegram.intake import InboxQueue
from bot.telegram.refusals import Meaning, verdict
from bot.telegram.request import Polling
from storage.waiting import wait

log = structlog.get_logger("bot")

ALLOWED_UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"]
POLL_SECONDS = 25
CONFLICT_SECONDS = 60.0
NEWCOMER, SETTLED = 3, 12  # conflicts within that time until a bot gives way; who was here first outlasts the other
SETTLED_SECONDS = 30.0
RECONNECT_SECONDS = 2.0
CONFLICT = 409


class Poller:
    """Long polling of one bot. `refuse` is called when the bot must end and not be started again."""

    def __init__(
        self,
        application: Application[Any, Any, Any, Any, Any, Any],
        queue: InboxQueue,
        requests: Polling,
        refuse: Callable[[], None],
    ) -> None:
        self._application = application
        self._queue = queue
        self._requests = requests
        self._refuse = refuse
        self._born = time.monotonic()
        self._conflicts: list[float] = []

    async def connect(self, ended: asyncio.Event) -> bool:
        """Greets the server, waiting while it is not there; False where the token is refused or the bot ended."""
        while not ended.is_set():
            try:
                await self._application.initialize()
            except TelegramError as error:
                refusal = verdict(error)
                if refusal.meaning is Meaning.OURS:
                    self._refuse_token()
                    return False
                log.warning("the Bot API server does not answer yet", code=refusal.code, why=refusal.label)
                await wait(ended, RECONNECT_SECONDS)
            else:
                return True
        return False

    async def start(self) -> None:
        """Begins to poll; goes on by itself."""
        updater = self._application.updater
        assert updater is not None
        self._requests.turned = time.monotonic()
        await updater.start_polling(
            timeout=POLL_SECONDS,
            bootstrap_retries=-1,
            allowed_updates=ALLOWED_UPDATES,
            drop_pending_updates=False,
            error_callback=self._failed,
        )

    @property
    def is_alive(self) -> bool:
        """Whether a request came back lately, with updates, without, or with an error."""
        return time.monotonic() - self._requests.turned < 2 * POLL_SECONDS + 10

    def _failed(self, error: TelegramError) -> None:
        refusal = verdict(error)
        if refusal.meaning is Meaning.OURS:
            self._refuse_token()
        elif refusal.code == CONFLICT:
            self._meet_another()
        else:
            log.warning("updates do not come", code=refusal.code, why=refusal.label)

    def _refuse_token(self) -> None:
        log.error("This token is not known there. Copy it again from @BotFather, or check TELEGRAM_API_URL.")
        self._refuse()

    def _meet_another(self) -> None:
        now = time.monotonic()
        self._conflicts = [at for at in self._conflicts if now - at < CONFLICT_SECONDS] + [now]
        settled = self._queue.has_taken or self._conflicts[0] - self._born > SETTLED_SECONDS
        if len(self._conflicts) < (SETTLED if settled else NEWCOMER):  # one alone may be a killed process's last poll
            log.warning("somebody else polls with this token; looking again")
            return
        log.error("another bot polls with this token; this one ends, so that no update is done twice")
        self._refuse()
