"""The fence around a job: only the holder of its newest lease may write for it. The token says who that is."""

from __future__ import annotations

from typing import Any

from storage.database import Database
from storage.documents import dump
from storage.errors import LeaseLost
from storage.queries import queries
from storage.records import Progress

SQL = queries("leases")


class Fence:
    """What every write for a job passes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def require(self, job_id: int, token: int) -> None:
        """Raises LeaseLost unless this token holds the job. Only inside a write does the answer stay true."""
        if await self._database.one(SQL["hold"], {"id": job_id, "token": token}) is None:
            raise LeaseLost(job=job_id)

    async def change(self, sql: str, job_id: int, token: int, **values: Any) -> None:
        """Runs a statement that changes the job only for the holder of its lease. Raises LeaseLost."""
        if not await self._database.change(sql, {"id": job_id, "token": token, **values}):
            raise LeaseLost(job=job_id)

    async def note(
        self, job_id: int, token: int, progress: Progress | None = None, *, progressed: bool = False
    ) -> None:
        """Marks that something was stored that people may want to hear of. Raises LeaseLost.

        `progressed`: the next attempt starts further on, so earlier crashes are not this job's doing and count no more.
        """
        text = None if progress is None else dump(progress)
        await self.change(SQL["news"], job_id, token, progress=text, progressed=int(progressed))
