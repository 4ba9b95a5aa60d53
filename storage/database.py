"""The connections of a process: one writes, one transaction at a time; one reads what is committed. Knows no table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as sqlite

from storage import failpoints
from storage.clock import Clock, NeverBack, from_ms, steady, to_ms, utc_now
from storage.connection import Connection, Row
from storage.errors import NoRoom
from storage.opening import BUSY_MILLISECONDS, make_durable, prepare
from storage.room import Room
from storage.scrub import SMALL_BYTES, drop_copies, empty_log, rewrite

__all__ = ["Clock", "Database", "Row", "from_ms", "to_ms", "utc_now"]
Act = Callable[[], Awaitable[object]]

BEGIN_TRIES = 6  # of 10 s each: a backup or a stopped process may hold the write lock for half a minute
PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}",
    "PRAGMA synchronous = FULL",  # an acknowledged tap survives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what people delete is gone from the pages too
)
READER_PRAGMAS = (PRAGMAS[0], "PRAGMA query_only = ON")


@dataclass
class Shared:
    """A transaction that tasks share: its end, and what spoilt it before that."""

    ended: asyncio.Task[None] | None = None
    error: BaseException | None = None


class Database:
    """One file, used by many tasks. Outside a write, a task sees only what is committed."""

    def __init__(self, path: Path, writer: Connection, reader: Connection, scanner: Connection, clock: Clock) -> None:
        self._path, self._writer, self._reader, self._scanner = path, writer, reader, scanner
        self._lock = asyncio.Lock()
        self._holder: asyncio.Task[Any] | None = None
        self._afterwards: list[Act] = []
        self._open: Shared | None = None  # until it is committed
        self.clock = clock
        self.room = Room(path.parent)

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
        async with self._lock:
            for connection in (self._scanner, self._reader, self._writer):
                await connection.close()

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
        """A write transaction; an exception undoes what was done inside. Left, it is on the disk.

        Inside another one of the same task it joins that: its changes are committed with it, or undone alone.
        Tasks that wait for each other share a commit: none goes on before it, and what fails is undone alone.
        """
        if self.is_writing:
            with self._savepoint():
                yield
            return
        async with self._lock:
            self._holder = asyncio.current_task()
            try:
                with self.room.telling():
                    shared = await self._joined()
                    with self._savepoint():
                        yield
                afterwards = self._afterwards
            except BaseException as error:
                self._make_room(error)
                raise
            finally:
                self._holder, self._afterwards = None, []
        assert shared.ended is not None
        await asyncio.shield(shared.ended)
        for act in afterwards:
            await act()

    async def afterwards(self, act: Act) -> None:
        """Does it when the write under way is committed, or now when there is none. A rollback forgets it."""
        if self.is_writing:
            self._afterwards.append(act)
        else:
            await act()

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
        if self.is_writing:
            raise RuntimeError("maintenance waits for the end of this very write")
        async with self._lock:
            await self._commit()
            with self.room.telling():
                for statement in statements:
                    await self._writer.slowly(statement)

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

    async def _joined(self) -> Shared:
        """The open transaction; a new one begins where none is open."""
        if self._open is None or self._open.ended is None or self._open.ended.done():
            await self._begin()
            self._open = Shared()
            # it asks for the lock after everybody who waits for it now: they all are in before the commit
            self._open.ended = asyncio.create_task(self._end(self._open))
            self._open.ended.add_done_callback(_heard)
        return self._open

    async def _begin(self) -> None:
        try:
            if self._writer.in_transaction:
                await self._writer.rollback()
            for tries_left in reversed(range(BEGIN_TRIES)):
                try:
                    await self._writer.slowly("BEGIN IMMEDIATE")
                except sqlite.OperationalError as error:
                    if "locked" not in str(error) or not tries_left:
                        raise
                else:
                    return
        except BaseException:
            await self._undo()
            raise

    async def _end(self, shared: Shared) -> None:
        """Commits it as soon as the lock is free. Raises NoRoom or DiskFails for what the disk refuses."""
        async with self._lock:
            if shared is self._open:
                await self._commit()
            if shared.error is not None:
                raise shared.error

    async def _commit(self) -> None:
        """The open transaction, if there is one."""
        shared, self._open = self._open, None
        if shared is None:
            return
        try:
            with self.room.telling():
                failpoints.reach("commit-before")
                failpoints.reach("commit")
                await self._writer.slowly("COMMIT")
                failpoints.reach("commit-after")
                failpoints.reach("commit")
                self.room.relax()
        except BaseException as error:
            shared.error = error
            await self._undo()
            self._make_room(error)
            raise

    async def _undo(self) -> None:
        with suppress(sqlite.Error):  # a disk that fails; `_begin` tries it again
            await self._writer.rollback()  # of nothing when a cancellation met a COMMIT already under way

    def _make_room(self, error: BaseException) -> None:
        """The next try may use what was held back for it."""
        if isinstance(error, NoRoom) and isinstance(error.__cause__, sqlite.Error):
            self.room.release_reserve()

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        self._writer.rows("SAVEPOINT inner")
        try:
            yield
            self._writer.rows("RELEASE inner")
        except BaseException as error:
            if self._writer.in_transaction:
                self._writer.rows("ROLLBACK TO inner")
                self._writer.rows("RELEASE inner")
            elif self._open is not None:  # a disk that fails undoes everything: nobody's is kept
                self._open.error = self.room.told(error) or error
                self._open = None
            raise


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite.connect(str(source), isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))
    make_durable(target)


def _heard(ended: asyncio.Task[None]) -> None:
    """Whoever wrote hears of it, if anybody still waits."""
    if not ended.cancelled():
        ended.exception()
