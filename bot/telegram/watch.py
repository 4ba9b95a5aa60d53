"""Looks at what the engine did and puts it into words: jobs' news become messages, once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

import structlog

from bot.screens import Message, Notice, Screen
from bot.steps.job_updates import on_job_update
from bot.steps.silence import why_silent
from bot.telegram.outgoing import enqueue
from bot.walks import WalkFor
from bot.words import Words
from storage.errors import CannotWrite
from storage.records import Job
from storage.states import LIVE_STATES, JobState, Urgency
from storage.store import AGAIN_SECONDS, Store
from storage.waiting import LOOK_SECONDS

log = structlog.get_logger("watch")
SILENT = "engine.silent"
SILENCE_LOOK_SECONDS = 5.0
TIDY_SECONDS = 3600.0
NO_ROOM = "no-room"  # the moment since which the disk takes nothing


class Watch:
    """Tells people of their jobs."""

    def __init__(self, store: Store, walk_for: WalkFor, wake: Callable[[], None], admins: Collection[int] = ()) -> None:
        self._store = store
        self._admins = admins
        self._walk_for = walk_for
        self._wake = wake
        self._tried: set[tuple[int, int]] = set()  # (job, version) of ends that could not be told once
        self._said: set[str] = set()

    async def run(self) -> None:
        """Looks until cancelled; tidies up once an hour."""
        loop = asyncio.get_running_loop()
        tidy_at, silence_at = loop.time() + TIDY_SECONDS, loop.time() + SILENCE_LOOK_SECONDS
        while True:
            await self._while_possible(self.look)
            if loop.time() > silence_at:
                await self._while_possible(self.tell_of_silence)
                await self._while_possible(self.tell_of_room)
                await self._while_possible(self._store.people.scrub_when_idle)
                silence_at = loop.time() + SILENCE_LOOK_SECONDS
            if loop.time() > tidy_at:
                await self._while_possible(self._store.tidy)
                tidy_at = loop.time() + TIDY_SECONDS
            await asyncio.sleep(LOOK_SECONDS)

    async def _while_possible(self, duty: Callable[[], Awaitable[None]]) -> None:
        """What the disk does not take now is done at a later look."""
        try:
            await duty()
        except CannotWrite as error:
            self._store.room.complain(error)
            await asyncio.sleep(AGAIN_SECONDS)

    async def look(self) -> None:
        """Tells whatever is not told yet."""
        for job in await self._store.queue.pending_notices():
            await self._tell(job)

    async def _tell(self, job: Job) -> None:
        """One transaction: what the journey says of the news, and that it is told."""
        try:
            async with self._store.write():
                await self._put_into_words(job)
                await self._store.queue.notified(job.id, job.version)
        except CannotWrite:
            raise
        except Exception:  # somebody else's news must still be told
            await self._could_not_tell(job)
        self._wake()

    async def _could_not_tell(self, job: Job) -> None:
        """News of a live job are soon followed by newer ones; its end is tried once more, then said plainly."""
        log.exception("news not told", job=job.id)
        again = (job.id, job.version)
        if job.state not in LIVE_STATES and again not in self._tried:
            self._tried.add(again)
            return
        self._tried.discard(again)
        async with self._store.write():
            await self._store.queue.notified(job.id, job.version)
            if job.state not in LIVE_STATES:
                await self._say(job, "job.ended_plainly", f"plain:{job.id}:{job.version}")

    async def _put_into_words(self, job: Job) -> None:
        person = await self._store.people.find(job.user)
        if person is None:
            return
        messages = await on_job_update(await self._walk_for(person), job)
        for message in messages:
            await enqueue(self._store, person.chat_id, message, urgency_of(job, message))

    async def tell_of_silence(self) -> None:
        """Whoever waits for an engine that does not beat hears so, once a job."""
        if await self._store.machine.alive():
            return
        for job in await self._store.queue.live():
            waited = (self._store.clock() - job.created).total_seconds()
            if job.state is not JobState.WAITING and waited > SILENCE_LOOK_SECONDS * 3:
                await self._say(job, SILENT, f"silent:{job.id}:{job.lease_token}")
        self._wake()

    async def tell_of_room(self) -> None:
        """Admins hear once when the disk takes no more, and once when it does again."""
        reason = await self._store.queue.reason_to_hold()
        since = await self._store.moments.since(NO_ROOM)
        if reason is not None and since is None:
            async with self._store.write():
                await self._store.moments.begin(NO_ROOM)
                await self._tell_admins(f"admin.room.{reason}")
        elif reason is None and since is not None:
            async with self._store.write():
                await self._store.moments.end(NO_ROOM)
                await self._tell_admins("admin.room.back")
        self._wake()

    async def _tell_admins(self, words: str) -> None:
        for admin in self._admins:
            person = await self._store.people.find(admin)
            if person is not None:
                await enqueue(self._store, person.chat_id, Notice(text=Words(person.language)(words)), Urgency.EVENT)

    async def _say(self, job: Job, words: str, key: str) -> None:
        if key in self._said:
            return
        self._said.add(key)
        person = await self._store.people.find(job.user)
        if person is not None:
            own = Words(person.language)
            text = await why_silent(self._store, own, words) if words == SILENT else own(words)
            await enqueue(self._store, person.chat_id, Notice(text=text), Urgency.EVENT, key)


def urgency_of(job: Job, message: Message) -> Urgency:
    """A live job's status, edited in place, is progress; everything else is an event."""
    is_status = isinstance(message, Screen) and not message.fresh and job.state in LIVE_STATES
    return Urgency.PROGRESS if is_status else Urgency.EVENT
