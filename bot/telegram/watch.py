"""Looks at what the engine did and puts it into words: jobs' news become messages, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bot.screens import Message, Screen
from bot.steps import journey
from bot.telegram.routes import WalkFor, owe
from storage.records import Job
from storage.states import LIVE_STATES, Urgency
from storage.store import Store

log = structlog.get_logger("watch")
LOOK_SECONDS = 0.25
TIDY_SECONDS = 3600.0


class Watch:
    """Tells people of their jobs."""

    def __init__(self, store: Store, walk_for: WalkFor, owed: Callable[[], None]) -> None:
        self._store = store
        self._walk_for = walk_for
        self._owed = owed

    async def run(self) -> None:
        """Looks until cancelled; tidies up once an hour."""
        loop = asyncio.get_running_loop()
        tidy_at = loop.time() + TIDY_SECONDS
        while True:
            for job in await self._store.jobs.untold():
                await self._tell(job)
            if loop.time() > tidy_at:
                await self._store.tidy()
                tidy_at = loop.time() + TIDY_SECONDS
            await asyncio.sleep(LOOK_SECONDS)

    async def _tell(self, job: Job) -> None:
        """One transaction: what the journey says of the news, and that it is told."""
        try:
            async with self._store.write():
                await self._put_into_words(job)
                await self._store.jobs.told(job.id, job.version)
        except Exception:  # somebody else's news must still be told
            log.exception("news not told", job=job.id)
            await self._store.jobs.told(job.id, job.version)
        self._owed()

    async def _put_into_words(self, job: Job) -> None:
        person = await self._store.people.find(job.user)
        if person is None:
            return
        messages = await journey.arrived(await self._walk_for(person), job)
        for message in messages:
            await owe(self._store, person.chat_id, message, urgency_of(job, message))


def urgency_of(job: Job, message: Message) -> Urgency:
    """A live job's status, edited in place, is progress; everything else is an event."""
    is_status = isinstance(message, Screen) and not message.fresh and job.state in LIVE_STATES
    return Urgency.PROGRESS if is_status else Urgency.EVENT
