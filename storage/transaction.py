"""Write transactions of one connection: one task at a time inside; tasks that wait for each other share a commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from pysqlite3 import dbapi2 as sqlite

from storage import failpoints
from storage.connection import Connection
from storage.errors import NoRoom
from storage.room import Room

Act = Callable[[], Awaitable[object]]

BEGIN_TRIES = 6  # of 10 s each: a backup or a stopped process may hold the write lock for half a minute


@dataclass
class Shared:
    """A transaction that tasks share: its end, and what spoilt it before that."""

    ended: asyncio.Task[None] | None = None
    error: BaseException | None = None


class Transactions:
    """The transactions of the writing connection."""

    def __init__(self, writer: Connection, room: Room) -> None:
        self._writer = writer
        self._room = room
        self._lock = asyncio.Lock()
        self._holder: asyncio.Task[Any] | None = None
        self._afterwards: list[Act] = []
        self._open: Shared | None = None  # until it is committed

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
                with self._room.telling():
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

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Nobody writes inside, and no transaction is open. Raises RuntimeError inside a write."""
        if self.is_writing:
            raise RuntimeError("this waits for the end of the very write that asks for it")
        async with self._lock:
            await self._commit()
            yield

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
            with self._room.telling():
                failpoints.reach("commit-before")
                failpoints.reach("commit")
                await self._writer.slowly("COMMIT")
                failpoints.reach("commit-after")
                failpoints.reach("commit")
                self._room.relax()
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
            self._room.release_reserve()

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
                self._open.error = self._room.write_error(error) or error
                self._open = None
            raise


def _heard(ended: asyncio.Task[None]) -> None:
    """Whoever wrote hears of it, if anybody still waits."""
    if not ended.cancelled():
        ended.exception()
