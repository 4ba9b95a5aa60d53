"""The engine's side of the queue: claim under a lease, beat, end, hold, and take back what the dead held."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime

from storage.database import Database, Row, to_ms
from storage.documents import dump
from storage.errors import CannotWrite, LeaseLost, Quarantined, StylesealError
from storage.fence import Fence
from storage.job_rows import read_job
from storage.queries import queries
from storage.records import Job, Progress
from storage.requests import Answer, write_answer
from storage.states import LANE_ORDER, JobState, Lane, Wish
from storage.trainings import Trainings

SQL = queries("leases")
MAX_CRASHES = 3  # a job that killed three engines is put aside, so that it cannot kill a fourth
MAX_ATTEMPTS = 3
RETRY_MS = (5_000, 30_000, 120_000)
AT_ONCE = 0  # run_after of what waits for no moment, whatever any clock says


class Leases:
    """What only the holder of a job's lease may do."""

    def __init__(self, database: Database, fence: Fence, trainings: Trainings) -> None:
        self._database = database
        self._fence = fence
        self._trainings = trainings

    async def claim(self, engine_id: str, lease_seconds: float, lanes: Sequence[Lane] = LANE_ORDER) -> Job | None:
        """The next job of the earliest of these lanes that has one; its fencing token has grown by one.

        Inside a lane: what was begun before, then the person served longest ago, then the oldest job.
        """
        now = self._database.now_ms
        until = now + round(lease_seconds * 1000)
        values = {"engine": engine_id, "now": now, "until": until, "lanes": json.dumps(list(lanes))}
        async with self._database.write():
            row = await self._database.one(SQL["claim"], values)
        return read_job(row) if row else None

    async def beat(self, job_id: int, token: int, lease_seconds: float, progress: Progress) -> Wish:
        """Says from the work loop that it goes on; returns what the person wishes. Raises LeaseLost."""
        until = self._database.now_ms + round(lease_seconds * 1000)
        values = {"id": job_id, "token": token, "until": until, "progress": dump(progress)}
        async with self._database.write():
            row = await self._database.one(SQL["beat"], values)
        if row is None:
            raise LeaseLost(job=job_id)
        return Wish(row["wish"])

    async def acknowledge(self, job_id: int, token: int, wish: Wish) -> None:
        """The running job has done what was asked of it, so that is over; a newer request stays. Raises LeaseLost."""
        async with self._database.write():
            await self._fence.require(job_id, token)
            await self._database.change(SQL["acknowledge"], {"id": job_id, "token": token, "wish": wish.value})

    async def finish(self, job_id: int, token: int, answer: Answer) -> None:
        """The job is done. Raises LeaseLost."""
        await self._end(job_id, token, JobState.DONE, answer=write_answer(answer))

    async def fail(self, job_id: int, token: int, error: StylesealError) -> None:
        """The job ends with an error that people are told in words. Raises LeaseLost."""
        await self._end(job_id, token, JobState.FAILED, error=error_text(error))

    async def cancel_done(self, job_id: int, token: int) -> None:
        """The running job has ended as the person wished; what nobody judged of it is thrown away. Raises LeaseLost."""
        async with self._database.write():
            await self._end(job_id, token, JobState.CANCELED)
            await self._database.change(SQL["throw_away_pictures"], {"job": job_id})

    async def release(self, job_id: int, token: int) -> None:
        """Gives the job back for another engine; that counts as no attempt. Raises LeaseLost."""
        await self._fence.change(SQL["release"], job_id, token)

    async def hold(self, job_id: int, token: int, reason: CannotWrite) -> None:
        """The running job waits until the disk takes what it writes; that counts as no attempt. Raises LeaseLost."""
        await self._fence.change(
            SQL["hold_running"], job_id, token, error=error_text(reason), now=self._database.now_ms
        )

    async def release_held(self) -> int:
        """Lets jobs be claimed again whose reason to wait is gone; returns how many. Jobs held by an admin stay."""
        rows = await self._database.all(SQL["held"])
        room = self._database.room
        back = [row for row in rows if await asyncio.to_thread(room.is_back, json.loads(row["error"]).get("needs", 0))]
        if back:
            await self._database.change_many(SQL["release_held"], [{"id": row["id"]} for row in back])
            await asyncio.to_thread(room.keep_reserve)
        return len(back)

    async def retry_later(self, job_id: int, token: int, error: StylesealError) -> None:
        """After an unexpected error: waits 5, then 30 seconds, then fails with `error`. Raises LeaseLost."""
        row = await self._database.one(SQL["attempts"], {"id": job_id})
        attempt = row["attempt"] if row else MAX_ATTEMPTS
        if attempt + 1 >= MAX_ATTEMPTS:
            await self.fail(job_id, token, error)
            return
        await self._fence.change(SQL["retry"], job_id, token, run_after=self._database.now_ms + RETRY_MS[attempt])

    async def reap(self, now: datetime | None = None) -> int:
        """Takes back leases that ran out; returns how many."""
        moment = to_ms(now) if now else self._database.now_ms
        async with self._database.write():
            rows = await self._database.all(SQL["expired"], {"now": moment})
            for row in rows:
                await self._requeue(row, moment + RETRY_MS[min(row["deaths"], len(RETRY_MS) - 1)])
        return len(rows)

    async def release_of_dead_engines(self, engine_id: str) -> int:
        """A starting engine that holds the folder's lock takes back every lease of others at once; returns how many."""
        async with self._database.write():
            rows = await self._database.all(SQL["leases_of_others"], {"engine": engine_id})
            for row in rows:
                await self._requeue(row, AT_ONCE)
        return len(rows)

    async def _requeue(self, row: Row, run_after: int) -> None:
        state = JobState.QUEUED
        if row["wish"] == Wish.CANCEL:
            state = JobState.CANCELED
        elif row["deaths"] + 1 >= MAX_CRASHES:
            state = JobState.QUARANTINED
        values = {
            "id": row["id"],
            "token": row["lease_token"],
            "state": state.value,
            "run_after": run_after,
            "error": error_text(Quarantined()) if state is JobState.QUARANTINED else None,
            "finished": None if state is JobState.QUEUED else self._database.now_ms,
        }
        await self._database.change(SQL["requeue"], values)
        if state is JobState.CANCELED:
            await self._trainings.keep_states(row["id"], 0)

    async def _end(
        self, job_id: int, token: int, state: JobState, *, answer: str | None = None, error: str | None = None
    ) -> None:
        values = {"state": state.value, "answer": answer, "error": error, "now": self._database.now_ms}
        async with self._database.write():
            await self._fence.change(SQL["end"], job_id, token, **values)
            await self._trainings.keep_states(job_id, 0)


def error_text(error: StylesealError) -> str:
    """An error as the job row keeps it: its name and facts, to be put into words by the bot."""
    return json.dumps({"error": type(error).__name__, **error.facts}, default=str)
