"""The connections of a process: one writes, one transaction at a time; one reads what is committed. Knows no table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import aiosqlite
from pysqlite3 import dbapi2 as sqlite

from storage import failpoints
from storage.clock import Clock, NeverBack, from_ms, steady, to_ms, utc_now
from storage.errors import DatabaseDamaged, NoRoom
from storage.opening import BUSY_MILLISECONDS, make_durable, prepare
from storage.room import Room
from storage.scrub import SMALL_BYTES, drop_copies, empty_log, rewrite

__all__ = ["Clock", "Database", "Row", "from_ms", "to_ms", "utc_now"]
Row = dict[str, Any]
Act = Callable[[], Awaitable[object]]

ROWS_A_CHUNK = 64
BEGIN_TRIES = 6  # of 10 s each: a backup or a stopped process may hold the write lock for half a minute
PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}",
    "PRAGMA synchronous = FULL",  # an acknowledged tap survives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what people delete is gone from the pages too
)
READER_PRAGMAS = (PRAGMAS[0], "PRAGMA query_only = ON")


class Database:
    """One file, used by many tasks. Outside a write, a task sees only what is committed."""

    def __init__(self, path: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection, clock: Clock) -> None:
        self._path, self._writer, self._reader = path, writer, reader
        self._lock = asyncio.Lock()
        self._holder: asyncio.Task[Any] | None = None
        self._afterwards: list[Act] = []
        self.clock = clock
        self.room = Room(path.parent)

    @classmethod
    async def open(cls, path: Path, clock: Clock | None = None) -> Database:
        """Opens or creates the database and brings its schema up to date. Without a clock it takes the machine's.

        Raises SqliteTooOld, SchemaNewer, DatabaseDamaged, NoRoom, DiskFails.
        """
        with Room(path.parent).telling():
            origin = await asyncio.to_thread(prepare, path)
            writer = await _connect(path, PRAGMAS)
        try:
            reader = await _connect(path, READER_PRAGMAS)
            return cls(path, writer, reader, NeverBack(clock) if clock else steady(origin))
        except BaseException:
            await writer.close()
            raise

    async def close(self) -> None:
        """Ends the connections and their threads, after the write that is under way."""
        async with self._lock:
            await self._reader.close()
            await self._writer.close()

    @property
    def now_ms(self) -> int:
        """The clock's moment in milliseconds."""
        return to_ms(self.clock())

    @property
    def is_writing(self) -> bool:
        """Whether the asking task is inside its own write. A task started inside another one's write is not."""
        return self._holder is not None and self._holder is asyncio.current_task()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[None]:
        """A write transaction; an exception undoes what was done inside.

        Inside another one of the same task it joins that: its changes are committed with it, or undone alone.
        """
        if self.is_writing:
            async with self._savepoint():
                yield
            return
        async with self._lock:
            self._holder = asyncio.current_task()
            try:
                async with self._transaction():
                    yield
                afterwards = self._afterwards
            finally:
                self._holder, self._afterwards = None, []
        for act in afterwards:
            await act()

    async def afterwards(self, act: Act) -> None:
        """Does it when the write under way is committed, or now when there is none. A rollback forgets it."""
        if self.is_writing:
            self._afterwards.append(act)
        else:
            await act()

    async def all(self, sql: str, parameters: dict[str, Any] | None = None) -> list[Row]:
        """Every row of a query."""
        connection = self._writer if self.is_writing else self._reader
        return list(await connection.execute_fetchall(sql, parameters or {}))  # type: ignore[arg-type]

    async def one(self, sql: str, parameters: dict[str, Any] | None = None) -> Row | None:
        """The first row of a query, if any."""
        rows = await self.all(sql, parameters)
        return rows[0] if rows else None

    async def change(self, sql: str, parameters: dict[str, Any] | None = None) -> int:
        """Runs a statement in a write transaction; returns how many rows it changed."""
        if not self.is_writing:
            async with self.write():
                return await self.change(sql, parameters)
        async with self._writer.execute(sql, parameters or {}) as cursor:
            return cursor.rowcount

    async def insert(self, sql: str, parameters: dict[str, Any]) -> int:
        """Inserts one row in a write transaction; returns its id."""
        if not self.is_writing:
            async with self.write():
                return await self.insert(sql, parameters)
        async with self._writer.execute(sql, parameters) as cursor:
            return cursor.lastrowid or 0

    async def change_many(self, sql: str, rows: Iterable[dict[str, Any]]) -> None:
        """Runs a statement for each of the rows in one write transaction."""
        async with self.write():
            for row in rows:
                await self._writer.execute_fetchall(sql, row)

    async def maintain(self, *statements: str) -> None:
        """Runs statements that cannot live in a transaction (VACUUM, …). Raises RuntimeError inside a write."""
        if self.is_writing:
            raise RuntimeError("maintenance waits for the end of this very write")
        async with self._lock:
            with self.room.telling():
                for statement in statements:
                    await self._writer.execute_fetchall(statement)

    async def scrub(self, *, whole: bool = False) -> bool:
        """Takes what was deleted out of every byte; `whole` also of a large database. False: to be done later.

        Whoever writes meanwhile waits as long as for a few commits, unless `whole`. Not inside a write.
        """
        await asyncio.to_thread(drop_copies, self._path)
        if whole or self._path.stat().st_size <= SMALL_BYTES:
            return await asyncio.to_thread(rewrite, self._path)
        await asyncio.to_thread(empty_log, self._path)
        return False

    async def drop_old_copies(self, age_seconds: float) -> None:
        """Deletes copies made before migrations, once they are older than that."""
        await asyncio.to_thread(drop_copies, self._path, time.time() - age_seconds)

    async def copy_to(self, path: Path) -> None:
        """A consistent copy in a new file, while this process and others read and write."""
        await asyncio.to_thread(_copy, self._path, path)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        """Raises NoRoom or DiskFails for what the disk refuses; the next try may then use what was held back for it."""
        try:
            with self.room.telling():
                await self._begin()
                yield
                failpoints.reach("commit-before")
                failpoints.reach("commit")
                await self._writer.execute_fetchall("COMMIT")
                failpoints.reach("commit-after")
                failpoints.reach("commit")
                self.room.relax()
        except BaseException as error:
            with suppress(sqlite.Error):  # a disk that fails; `_begin` tries it again
                await self._writer.rollback()  # of nothing when a cancellation met a COMMIT already under way
            if isinstance(error, NoRoom) and isinstance(error.__cause__, sqlite.Error):
                self.room.release_reserve()
            raise

    async def _begin(self) -> None:
        if self._writer.in_transaction:
            await self._writer.rollback()
        for tries_left in reversed(range(BEGIN_TRIES)):
            try:
                await self._writer.execute_fetchall("BEGIN IMMEDIATE")
            except sqlite.OperationalError as error:
                if "locked" not in str(error) or not tries_left:
                    raise
            else:
                return

    @asynccontextmanager
    async def _savepoint(self) -> AsyncIterator[None]:
        await self._writer.execute_fetchall("SAVEPOINT inner")
        try:
            yield
        except BaseException:
            await self._writer.execute_fetchall("ROLLBACK TO inner")
            raise
        finally:
            await self._writer.execute_fetchall("RELEASE inner")


async def _connect(path: Path, pragmas: Sequence[str]) -> aiosqlite.Connection:
    connection = aiosqlite.Connection(
        lambda: sqlite.connect(str(path), isolation_level=None, check_same_thread=False), ROWS_A_CHUNK
    )
    connection._thread.daemon = True  # a process that crashes must end, not wait for its database thread
    await connection
    connection.row_factory = _as_dict  # type: ignore[assignment]  # any callable will do
    try:
        for pragma in pragmas:
            await connection.execute_fetchall(pragma)
    except sqlite.DatabaseError as error:
        await connection.close()
        if isinstance(error, sqlite.OperationalError):
            raise
        raise DatabaseDamaged(path=path.name) from error
    return connection


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite.connect(str(source), isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))
    make_durable(target)


def _as_dict(cursor: Any, row: Sequence[Any]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}
