"""One connection to the database: quick statements run where they are asked for, what may take long in its own thread.

A row by its key takes 20 µs; handing it to a thread and back takes ten times that of the event loop, and a tap asks for
dozens. What waits for a lock or the disk (BEGIN, COMMIT) or looks through much goes to the thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiosqlite
from pysqlite3 import dbapi2 as sqlite

from storage.errors import DatabaseDamaged

Row = dict[str, Any]
ROWS_A_CHUNK = 64


class Connection:
    """Used by one task at a time where it writes; a reading one by all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw: Any = None
        self._threaded = aiosqlite.Connection(self._connect, ROWS_A_CHUNK)
        self._threaded._thread.daemon = True  # a process that crashes must end, not wait for its database thread

    def _connect(self) -> Any:
        self._raw = sqlite.connect(str(self._path), isolation_level=None, check_same_thread=False)
        self._raw.row_factory = _as_dict
        return self._raw

    @classmethod
    async def open(cls, path: Path, pragmas: Sequence[str]) -> Connection:
        """Connects and sets it up. Raises DatabaseDamaged, sqlite.OperationalError."""
        opened = cls(path)
        await opened._threaded
        try:
            for pragma in pragmas:
                await opened.slowly(pragma)
        except sqlite.DatabaseError as error:
            await opened.close()
            if isinstance(error, sqlite.OperationalError):
                raise
            raise DatabaseDamaged(path=path.name) from error
        return opened

    async def close(self) -> None:
        """Ends the connection and its thread."""
        await self._threaded.close()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return bool(self._raw.in_transaction)

    def rows(self, sql: str, parameters: dict[str, Any] | None = None) -> list[Row]:
        """Every row of a quick query, at once."""
        return list(self._raw.execute(sql, parameters or {}).fetchall())

    def change(self, sql: str, parameters: dict[str, Any] | None = None) -> tuple[int, int]:
        """(rows changed, id of the last one inserted) of a quick statement, at once."""
        cursor = self._raw.execute(sql, parameters or {})
        return cursor.rowcount, cursor.lastrowid or 0

    async def slowly(self, sql: str, parameters: dict[str, Any] | None = None) -> list[Row]:
        """Every row of a query or statement that may take long; the event loop goes on meanwhile."""
        running = asyncio.ensure_future(self._threaded.execute_fetchall(sql, parameters or {}))
        try:
            return list(await asyncio.shield(running))  # type: ignore[arg-type]
        except asyncio.CancelledError:  # whoever undoes it must find it done
            while not running.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({running})
            raise

    async def rollback(self) -> None:
        """Undoes the open transaction, if there is one, after whatever the thread still does."""
        await self._threaded.rollback()


def _as_dict(cursor: Any, row: Sequence[Any]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}
