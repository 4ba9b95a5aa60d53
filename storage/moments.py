"""Since when something is so: names with the moment at which each began."""

from __future__ import annotations

from datetime import datetime

from storage.database import Database, from_ms
from storage.queries import queries

SQL = queries("moments")


class Moments:
    """What is so at present."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(self, name: str) -> datetime | None:
        """Since when that has been so, or None when it is not."""
        row = await self._database.one(SQL["find"], {"name": name})
        return from_ms(row["at"]) if row else None

    async def begin(self, name: str) -> None:
        """That is so from now on; since when stays what it was when it is so already."""
        await self._database.change(SQL["begin"], {"name": name, "now": self._database.now_ms})

    async def end(self, name: str) -> None:
        """That is over."""
        await self._database.change(SQL["end"], {"name": name})
