"""The connections of a process: one writes, one transaction at a time; one reads what is committed. Knows no table."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from storage.clock import Clock, NeverBack, from_ms, steady, to_ms, utc_now
from storage.connection import Connection, Row
from storage.opening import BUSY_MILLISECONDS, prepare
from storage.room import Room
from storage.transaction import Act, Transactions

__all__ = ["Clock", "Database", "Row", "from_ms", "to_ms", "utc_now"]

PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}",
    "PRAGMA synchronous = FULL",  # an acknowledged tap survives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what people delete is gone from the pages too
)
READER_PRAGMAS = (PRAGMAS[0], "PRAGMA query_only = ON")


class Database:
    """One file, used by many tasks. Outside a write, a task sees only what is committed."""

    def __init__(self, path: Path, writer: Connection, reader: Connection, scanner: Connection, clock: Clock) -> None:
        self.path, self._writer, self._reader, self._scanner = path, writer, reader, scanner
        self.clock = clock
        self.room = Room(path.parent)
        self._transactions = Transactions(writer, self.room)

    @classmethod
    async def open(cls, path: Path, clock: Clock | None = None) -> Database:
        """Opens or creates the database and brings its schema up to date. Without a clock it takes the machine's.

        Raises SqliteTooOld, SchemaNewer, DatabaseDamaged, NoRoom, DiskFails.
        """
        with Room(path.parent).telling():
            origin = await asyncio.to_thread(prepare, path)
        opened: list[Connection] = []
        try:
            with Room(path.parent).telling():
                for pragmas in (PRAGMAS, READER_PRAGMAS, READER_PRAGMAS):
                    opened.append(await Connection.open(path, pragmas))  # noqa: PERF401 - what is open is to be closed
        except BaseException:
            for connection in opened:
                await connection.close()
            raise
        writer, reader, scanner = opened
        return cls(path, writer, reader, scanner, NeverBack(clock) if clock else steady(origin))

    async def close(self) -> None:
        """Ends the connections and their threads, after the write that is under way."""
        async with self._transactions.alone():
            for connection in (self._scanner, self._reader, self._writer):
                await connection.close()

    @property
    def now_ms(self) -> int:
        """The clock's moment in milliseconds."""
        return to_ms(self.clock())

    @property
    def is_writing(self) -> bool:
        """Whether the asking task is inside its own write. A task started inside another one's write is not."""
        return self._transactions.is_writing

    def write(self) -> AbstractAsyncContextManager[None]:
        """A write transaction; an exception undoes what was done inside. Left, it is on the disk.

        Inside another one of the same task it joins that: its changes are committed with it, or undone alone.
        """
        return self._transactions.write()

    async def afterwards(self, act: Act) -> None:
        """Does it when the write under way is committed, or now when there is none. A rollback forgets it."""
        await self._transactions.afterwards(act)

    async def all(self, sql: str, parameters: dict[str, Any] | None = None, *, long: bool = False) -> list[Row]:
        """Every row of a query. `long`: it may look through much, so others must not wait for it."""
        connection = self._writer if self.is_writing else self._scanner if long else self._reader
        return await connection.slowly(sql, parameters) if long else connection.rows(sql, parameters)

    async def one(self, sql: str, parameters: dict[str, Any] | None = None, *, long: bool = False) -> Row | None:
        """The first row of a query, if any."""
        rows = await self.all(sql, parameters, long=long)
        return rows[0] if rows else None

    async def change(self, sql: str, parameters: dict[str, Any] | None = None) -> int:
        """Runs a statement in a write transaction; returns how many rows it changed."""
        if not self.is_writing:
            async with self.write():
                return await self.change(sql, parameters)
        return self._writer.change(sql, parameters)[0]

    async def delete(self, sql: str, parameters: dict[str, Any]) -> None:
        """Runs a statement that may take much along, in a write transaction; only other writes wait for it."""
        async with self.write():
            await self._writer.slowly(sql, parameters)

    async def insert(self, sql: str, parameters: dict[str, Any]) -> int:
        """Inserts one row in a write transaction; returns its id."""
        if not self.is_writing:
            async with self.write():
                return await self.insert(sql, parameters)
        return self._writer.change(sql, parameters)[1]

    async def change_many(self, sql: str, rows: Iterable[dict[str, Any]]) -> None:
        """Runs a statement for each of the rows in one write transaction."""
        async with self.write():
            for row in rows:
                self._writer.change(sql, row)

    async def maintain(self, *statements: str) -> None:
        """Runs statements that cannot live in a transaction (VACUUM, …). Raises RuntimeError inside a write."""
        async with self._transactions.alone():
            with self.room.telling():
                for statement in statements:
                    await self._writer.slowly(statement)
