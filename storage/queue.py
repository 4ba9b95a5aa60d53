"""The job queue: what people ask for, in which order it is served, and what they ask of it later."""

from __future__ import annotations

import asyncio
import json

from storage.database import Database
from storage.documents import dump
from storage.errors import JobConflict, NoRoom, QuotaReached
from storage.job_rows import read_job
from storage.queries import queries
from storage.records import Job, Progress
from storage.requests import Request, write_request
from storage.states import LANE_OF, LANE_ORDER, JobKind, Lane, Wish
from storage.trainings import Trainings

SQL = queries("queue")


class Queue:
    """The jobs of the store, as those see them who ask. An engine holds them by storage.leases."""

    def __init__(self, database: Database, trainings: Trainings) -> None:
        self._database = database
        self._trainings = trainings

    async def enqueue(
        self, request: Request, *, key: str, quest: int | None, user: int, most_live: int | None = None
    ) -> Job:
        """Asks for work. The same live key with the same request finds the job that is there.

        Raises JobConflict when that one asks for something else, QuotaReached when the person has `most_live` jobs of
        this lane already, NoRoom when the disk has no room for what it would make.
        """
        lane, text = LANE_OF[request.KIND], write_request(request)
        async with self._database.write():
            live = await self._database.one(SQL["live_with_key"], {"key": key})
            if live is not None:
                if live["request"] != text:
                    raise JobConflict(key=key)
                return read_job(live)
            await _require_quota(self._database, user, lane, most_live)
            self._database.room.require()
            values = {
                "kind": request.KIND.value,
                "key": key,
                "quest": quest,
                "user": user,
                "lane": lane.value,
                "request": text,
                "progress": dump(Progress()),
                "now": self._database.now_ms,
            }
            number = await self._database.insert(SQL["enqueue"], values)
            found = await self.find(number)
        assert found is not None
        return found

    async def find(self, job_id: int) -> Job | None:
        """One job."""
        row = await self._database.one(SQL["find"], {"id": job_id})
        return read_job(row) if row else None

    async def of_quest(self, quest_id: int, kind: JobKind | None = None) -> tuple[Job, ...]:
        """A quest's jobs, the newest first."""
        rows = await self._database.all(SQL["of_quest"], {"quest": quest_id})
        return tuple(read_job(row) for row in rows if kind is None or row["kind"] == kind.value)

    async def count(self, quest_id: int, kind: JobKind) -> int:
        """How many jobs of a kind a quest has asked for."""
        row = await self._database.one(SQL["count"], {"quest": quest_id, "kind": kind.value})
        return int(row["jobs"]) if row else 0

    async def latest(self, quest_id: int, kind: JobKind) -> Job | None:
        """A quest's newest job of a kind."""
        row = await self._database.one(SQL["latest"], {"quest": quest_id, "kind": kind.value})
        return read_job(row) if row else None

    async def live(self) -> tuple[Job, ...]:
        """Everything that waits or runs, in the order it was asked for."""
        return tuple(read_job(row) for row in await self._database.all(SQL["live"]))

    async def waiting_before(self, job_id: int) -> int:
        """How many jobs come before a queued one: running ones of its or an earlier lane, and those claimed first."""
        row = await self._database.one(SQL["before"], {"id": job_id, "lanes": " ".join(LANE_ORDER)})
        return int(row["before"]) if row else 0

    async def pending_notices(self) -> tuple[Job, ...]:
        """Jobs of whose newest change nobody has been notified."""
        return tuple(read_job(row) for row in await self._database.all(SQL["pending_notices"]))

    async def notified(self, job_id: int, version: int) -> None:
        """Whoever asked for it has been notified of that version of a job."""
        await self._database.change(SQL["notified"], {"id": job_id, "version": version})

    async def wish(self, job_id: int, wish: Wish) -> bool:
        """Asks a live job to stop (keeping what is done) or, which stays, to cancel; False when it has ended."""
        return await self._database.change(SQL["wish"], {"id": job_id, "wish": wish.value}) > 0

    async def cancel(self, job_id: int) -> bool:
        """Ends a waiting job at once; a running one is asked to end. False when it has ended."""
        async with self._database.write():
            is_live = await self.wish(job_id, Wish.CANCEL)
            if await self._database.change(SQL["cancel_waiting"], {"id": job_id, "now": self._database.now_ms}):
                await self._trainings.keep_states(job_id, 0)
        return is_live

    async def pause(self, job_id: int) -> bool:
        """Holds a queued job; False when it is in another state."""
        return await self._database.change(SQL["pause"], {"id": job_id}) > 0

    async def resume(self, job_id: int) -> bool:
        """Lets a held or quarantined job be claimed again; False when it is neither."""
        return await self._database.change(SQL["resume"], {"id": job_id}) > 0

    async def reason_to_hold(self) -> str | None:
        """The name of the error for which jobs wait or none may be asked for; None while the disk takes what comes."""
        if await asyncio.to_thread(self._database.room.is_low):
            return NoRoom.__name__
        rows = await self._database.all(SQL["held"])
        return str(json.loads(rows[0]["error"])["error"]) if rows else None


async def _require_quota(database: Database, user: int, lane: Lane, most: int | None) -> None:
    row = await database.one(SQL["live_of_user"], {"user": user, "lane": lane.value})
    if most is not None and row is not None and row["live"] >= most:
        raise QuotaReached(lane=lane.value, count=row["live"], most=most)
