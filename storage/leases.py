"""The engine's side of the queue: claim under a lease, beat, store under the fencing token, end."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from storage.database import Database, Row, to_ms
from storage.documents import dump, load
from storage.errors import LeaseLost, StylesealError
from storage.queries import queries
from storage.records import Job, NewPicture, Picture, Progress
from storage.requests import Answer, write_answer
from storage.states import LANE_ORDER, JobState, Lane, Wish

if TYPE_CHECKING:
    from storage.pictures import Pictures

SQL = queries("jobs")
MAX_DEATHS = 3  # a job that killed three engines is put aside, so that it cannot kill a fourth
MAX_ATTEMPTS = 3
RETRY_MS = (5_000, 30_000, 120_000)


class Leases:
    """What only the holder of a job's lease may do."""

    _pictures: Pictures

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim_next(
        self,
        engine_id: str,
        lease_seconds: float,
        lanes: Sequence[Lane] = LANE_ORDER,
        skip_users: Collection[int] = (),
    ) -> Job | None:
        """The next job of the earliest of these lanes that has one; its fencing token has grown by one."""
        from storage.jobs import read_job

        now = self._database.now_ms
        values = {"engine": engine_id, "until": now + round(lease_seconds * 1000), "now": now}
        values["skip_users"] = json.dumps(list(skip_users))
        waiting = {row["lane"] for row in await self._database.all(SQL["waiting_lanes"], {"now": now})}
        for lane in lanes:
            if lane.value not in waiting:
                continue
            async with self._database.write():
                rows = await self._database.all(SQL["claim_next"], {**values, "lane": lane.value})
            if rows:
                return read_job(rows[0])
        return None

    async def highest_waiting_lane(self) -> Lane | None:
        """The earliest lane in which a job could be claimed now."""
        rows = await self._database.all(SQL["waiting_lanes"], {"now": self._database.now_ms})
        waiting = {row["lane"] for row in rows}
        return next((lane for lane in LANE_ORDER if lane.value in waiting), None)

    async def beat(self, job_id: int, token: int, lease_seconds: float, progress: Progress) -> Wish:
        """Says from the work loop that it goes on; returns what the person wishes. Raises LeaseLost."""
        async with self._database.write():
            row = await self._database.one(SQL["find"], {"id": job_id})
            news = row is not None and load(Progress, row["progress"]) != progress
            values = {
                "id": job_id,
                "token": token,
                "until": self._database.now_ms + round(lease_seconds * 1000),
                "progress": dump(progress),
                "news": int(news),
            }
            rows = await self._database.all(SQL["beat"], values)
        if not rows:
            raise LeaseLost(job=job_id)
        return Wish(rows[0]["wish"])

    async def require_lease(self, job_id: int, token: int) -> None:
        """Raises LeaseLost unless this token holds the job. Only inside a write does the answer stay true."""
        if await self._database.one(SQL["hold"], {"id": job_id, "token": token}) is None:
            raise LeaseLost(job=job_id)

    async def add_picture(
        self, job_id: int, token: int, picture: NewPicture, progress: Progress | None = None
    ) -> Picture:
        """Keeps a drawn picture; again at the same position it changes nothing. Raises LeaseLost."""
        async with self._database.write():
            await self.require_lease(job_id, token)
            found = await self._pictures.add(picture)
            await self.say_news(job_id, token, progress)
        return found

    async def say_news(self, job_id: int, token: int, progress: Progress | None = None) -> None:
        """Marks that something was stored that people may want to hear of."""
        text = None if progress is None else dump(progress)
        await self._database.change(SQL["news"], {"id": job_id, "token": token, "progress": text})

    async def finish(self, job_id: int, token: int, answer: Answer) -> None:
        """The job is done. Raises LeaseLost."""
        await self._end(job_id, token, JobState.DONE, answer=write_answer(answer))

    async def fail(self, job_id: int, token: int, error: StylesealError) -> None:
        """The job ends with an error that people are told in words. Raises LeaseLost."""
        await self._end(job_id, token, JobState.FAILED, error=error_text(error))

    async def cancel_done(self, job_id: int, token: int) -> None:
        """The running job has been thrown away, as the person wished. Raises LeaseLost."""
        await self._end(job_id, token, JobState.CANCELED)

    async def give_back(self, job_id: int, token: int) -> None:
        """Hands the job back for another engine; that counts as no attempt. Raises LeaseLost."""
        await self._fenced(SQL["give_back"], job_id, token, now=self._database.now_ms)

    async def retry_later(self, job_id: int, token: int, error: StylesealError) -> None:
        """After an unexpected error: waits 5, then 30 seconds, then fails with `error`. Raises LeaseLost."""
        row = await self._database.one(SQL["find"], {"id": job_id})
        attempt = row["attempt"] if row else MAX_ATTEMPTS
        if attempt + 1 >= MAX_ATTEMPTS:
            await self.fail(job_id, token, error)
            return
        await self._fenced(SQL["retry"], job_id, token, run_after=self._database.now_ms + RETRY_MS[attempt])

    async def reap(self, now: datetime | None = None) -> int:
        """Takes back leases that ran out; returns how many."""
        moment = to_ms(now) if now else self._database.now_ms
        async with self._database.write():
            rows = await self._database.all(SQL["expired"], {"now": moment})
            for row in rows:
                await self._bury(row, moment + RETRY_MS[min(row["deaths"], len(RETRY_MS) - 1)])
        return len(rows)

    async def release_of_dead_engines(self, engine_id: str) -> int:
        """A starting engine that holds the folder's lock takes back every lease of others at once; returns how many."""
        async with self._database.write():
            rows = await self._database.all(SQL["leases_of_others"], {"engine": engine_id})
            for row in rows:
                await self._bury(row, self._database.now_ms)
        return len(rows)

    async def _bury(self, row: Row, run_after: int) -> None:
        is_last = row["deaths"] + 1 >= MAX_DEATHS
        values = {
            "id": row["id"],
            "token": row["lease_token"],
            "state": (JobState.QUARANTINED if is_last else JobState.QUEUED).value,
            "run_after": run_after,
            "error": json.dumps({"error": "Quarantined"}) if is_last else None,
            "finished": self._database.now_ms if is_last else None,
        }
        await self._database.change(SQL["bury"], values)

    async def _end(
        self, job_id: int, token: int, state: JobState, *, answer: str | None = None, error: str | None = None
    ) -> None:
        values = {"state": state.value, "answer": answer, "error": error, "now": self._database.now_ms}
        async with self._database.write():
            await self._fenced(SQL["end"], job_id, token, **values)
            await self._database.change(SQL["forget_state"], {"job": job_id})

    async def _fenced(self, sql: str, job_id: int, token: int, **values: Any) -> None:
        if not await self._database.change(sql, {"id": job_id, "token": token, **values}):
            raise LeaseLost(job=job_id)


def error_text(error: StylesealError) -> str:
    """An error as the job row keeps it: its name and facts, to be put into words by the bot."""
    return json.dumps({"error": type(error).__name__, **error.facts}, default=str)
